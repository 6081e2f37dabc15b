"""What the gate keeps its state in fails: a database that another process locks, a folder that turns read-only."""
import json
import os
import shutil
import sqlite3
import subprocess
import threading
import time

import world
from scripted_http import Scripted
from world import ALLOW, World, decision_of, gate_binary, text_of

REFUSED_MS = 500
LIMITED = "callgate: 1\ndefault: allow\ntools:\n  echo: {action: allow, rate_limit: {max: 5, window: 1h, per: server}}\n  misbehave: {action: require_approval}\n"


def percentile(times, share):
    return sorted(times)[min(len(times) - 1, int(len(times) * share))] * 1000


class Locked(World):
    """Security requirement S22: another process holds the database with BEGIN EXCLUSIVE."""

    def setUp(self):
        super().setUp()
        self.begin()

    def begin(self):
        self.write("policy.yaml", LIMITED)
        self.write("open.yaml", ALLOW)
        changing = json.dumps(self.fake("--start", "changes_its_list"))
        plain = json.dumps([*world.FAKE, "--record", str(self.dir / "other.jsonl")])
        file = self.write("callgate.yaml", "listen: 127.0.0.1:0\nauth: none\nservers:\n"
                          f"  changing:\n    command: {changing}\n    policy: open.yaml\n  plain:\n    command: {plain}\n    policy: policy.yaml\n")
        self.gate = self.started(["--config", file], [])
        self.changing, self.plain = (world.Http(f"{self.gate.ready['url']}/mcp/{name}") for name in ("changing", "plain"))
        for client in (self.changing, self.plain):
            client.initialize()
        self.assertEqual(text_of(self.changing.call("echo", {"text": "before"})), "before")
        self.assertEqual(text_of(self.plain.call("echo", {"text": "before"})), "before")
        # The pins of the first readings are looked at once more: that is over here.
        world.until(self.gate.log.read_text, lambda log: all(log.count(f'"tools_read","server":"{name}"') > 1 for name in ("changing", "plain")))

    def lock(self):
        database = sqlite3.connect(self.dir / "data" / "callgate.db", isolation_level=None)
        self.addCleanup(database.close)
        database.execute("BEGIN EXCLUSIVE")
        return database

    def neighbour(self, over, times):
        """A well-behaved client of the other server."""
        client = world.Http(self.plain.address.geturl())
        client.initialize()
        while not over.is_set():
            began = time.monotonic()
            client.ask("ping")
            times.append(time.monotonic() - began)

    def begin_anew(self):
        self.gate.end()
        shutil.rmtree(self.dir / "data")
        for name in ("ready.json", "seen.jsonl", "seen.jsonl.changed", "other.jsonl"):
            (self.dir / name).unlink(missing_ok=True)
        self.begin()

    def refusals(self):
        """Two seconds of calls that are refused since the list changed and cannot be taken up: the slowest in ms, and p99 of others meanwhile."""
        over, times, slowest, refused = threading.Event(), [], 0.0, []
        neighbour = threading.Thread(target=self.neighbour, args=(over, times), daemon=True)
        # Another definition, which has to be put beside the pins, behind a reading: what waits for the next one waits for its pause too.
        self.changing.call("misbehave", {"text": "change"})
        neighbour.start()
        deadline = time.monotonic() + 2
        while time.monotonic() < deadline or not refused:
            began = time.monotonic()
            answer = self.changing.call("echo", {"text": "locked"})
            slowest = max(slowest, (time.monotonic() - began) * 1000)
            if decision_of(answer):
                refused.append(decision_of(answer))
        over.set()
        neighbour.join(world.LONG)
        p99 = percentile(times, 0.99)
        self.assertEqual({each["verdict"] for each in refused}, {"fault"})
        print(f"        slowest refusal {slowest:.0f} ms; {len(times)} calls of others meanwhile, p99 {p99:.1f} ms, slowest {1000 * max(times):.0f} ms")
        return slowest, p99

    def test_refuses_what_has_to_be_written_first_and_holds_up_nobody_else(self):
        databases = []

        def locked():
            if databases:
                databases[-1].close()
                self.begin_anew()
            databases.append(self.lock())
            return self.refusals()

        self.in_time(locked, REFUSED_MS * (1 if world.LONG <= 20 else 5), 50 if world.LONG <= 20 else 500)
        limited = [decision_of(self.plain.call("echo", {"text": "x"})).get("verdict") for _ in range(5)]
        self.assertEqual(limited, [None] * 4 + ["rate_limited"], "limits are not kept there")
        databases[-1].execute("ROLLBACK")
        deadline = time.monotonic() + world.LONG
        while decision_of(self.changing.call("echo", {"text": "x"})).get("verdict") != "quarantined":
            self.assertLess(time.monotonic(), deadline, "the changed list was never taken up")
            time.sleep(0.05)

    def test_approvals_are_asked_and_answered_all_the_same(self):
        self.lock()
        answers = []
        held = threading.Thread(target=lambda: answers.append(self.plain.call("misbehave", {"text": "x"})), daemon=True)
        held.start()
        data = ["--data", str(self.dir / "data")]
        deadline = time.monotonic() + world.LONG
        waiting = []
        while not waiting:
            self.assertLess(time.monotonic(), deadline)
            listed = subprocess.run([gate_binary(), "approvals", "list", "--json", *data], capture_output=True, text=True, timeout=world.LONG)
            waiting = json.loads(listed.stdout or "{}").get("approvals", [])
        subprocess.run([gate_binary(), "approvals", "approve", waiting[0]["id"], "--yes", *data], check=True, capture_output=True, timeout=world.LONG)
        held.join(world.LONG)
        self.assertEqual(text_of(answers[0]), "x")


class Locked_at_start(World):
    """Another process holds the database before the gate is there; sessions.db and rounds.db: stored_sessions_test.py."""

    def setUp(self):
        super().setUp()
        self.policy = self.write("policy.yaml", LIMITED)
        gate = self.begin()
        client = gate.client()
        client.initialize()
        self.assertEqual([text_of(client.call("echo", {"text": "x"})) for _ in range(3)], ["x"] * 3)
        gate.end()
        (self.dir / "ready.json").unlink()
        self.hold()

    def hold(self):
        self.holder = sqlite3.connect(self.dir / "data" / "callgate.db", isolation_level=None, check_same_thread=False)
        self.addCleanup(self.holder.close)
        self.holder.execute("PRAGMA locking_mode=EXCLUSIVE")
        self.holder.execute("BEGIN EXCLUSIVE")

    def begin(self):
        return self.started(["--policy", self.policy, "--listen", "127.0.0.1:0"], ["--", *self.fake()])

    def test_says_so_and_starts_as_ever_once_it_is_let_go(self):
        """Grants and pins are unknown: there is nothing that could be served."""
        def start():
            began = time.monotonic()
            done = subprocess.run([gate_binary(), "serve", "--policy", self.policy, "--listen", "127.0.0.1:0", "--data", str(self.dir / "data"), "--", *self.fake()],
                                  capture_output=True, text=True, timeout=world.LONG)
            self.assertEqual(done.returncode, 3, done.stderr)
            self.assertIn("is locked by another process", done.stderr)
            return (time.monotonic() - began,)

        [refused] = self.in_time(start, 3 if world.LONG <= 20 else 15)
        self.holder.close()
        began = time.monotonic()
        gate = self.begin()
        print(f"        refused in {refused * 1000:.0f} ms; ready in {(time.monotonic() - began) * 1000:.0f} ms once it was let go")
        client = gate.client()
        client.initialize()
        verdicts = [decision_of(client.call("echo", {"text": "x"})).get("verdict") for _ in range(3)]
        self.assertEqual(verdicts, [None, None, "rate_limited"], "three of five were used before")

    def test_who_holds_it_for_a_moment_is_waited_for(self):
        began = held = 0.0

        def let_go():
            nonlocal held
            self.holder.close()
            held = time.monotonic() - began

        while True:
            letting_go = threading.Timer(0.3, let_go)
            began = time.monotonic()
            letting_go.start()
            try:
                self.begin()
                break
            except AssertionError as fault:
                letting_go.join()
                self.assertGreater(held, 0.6, fault)  # no moment any more: whoever lets go stood still
                self.hold()
        letting_go.join()
        print(f"        ready in {(time.monotonic() - began) * 1000:.0f} ms, of which it was held for {held * 1000:.0f}")


class Read_only_mount(World):
    """The data folder becomes read-only by its mount, which stops root as well; files that are open go on."""

    def setUp(self):
        super().setUp()
        self.data = self.dir / "data"
        self.data.mkdir(mode=0o700)
        self.read_only = f'mount --bind "{self.data}" "{self.data}" && mount -o remount,bind,ro "{self.data}"'
        for flags, enter in (("-m", "-m"), ("-Urm", "-Um")):
            tried = subprocess.run(["unshare", flags, "sh", "-c", f"{self.read_only} && ! touch {self.data}/x"], capture_output=True, text=True)
            if tried.returncode == 0:
                self.around = ["unshare", flags]
                self.enter = ["nsenter", enter, *(["--preserve-credentials"] if "U" in enter else []), "-t"]
                return
        self.skipTest(f"a read-only mount: none can be made here ({tried.stderr.strip()})")

    def inside(self, command):
        subprocess.run([*self.enter, str(self.gate.process.pid), "sh", "-c", command], check=True, capture_output=True)

    def begin(self, top=""):
        (self.dir / "ready.json").unlink(missing_ok=True)
        self.gate = self.serve_config(command=self.fake(), policy=LIMITED.replace("max: 5", "max: 400"), top=top)
        self.client = self.gate.client()
        self.client.initialize()

    def verdict(self):
        """What became of a limited call, and how long that took."""
        began = time.monotonic()
        answer = self.client.call("echo", {"text": "x"})
        took = (time.monotonic() - began) * 1000
        if "error" in answer:
            return "error: " + answer["error"]["message"], took
        return decision_of(answer).get("verdict") or text_of(answer), took

    def test_limited_calls_go_on_by_the_journal_and_the_next_start_knows_them(self):
        self.begin()
        self.assertEqual(self.verdict()[0], "x")
        self.inside(self.read_only)
        calls = [self.verdict() for _ in range(250)]
        self.assertEqual({what for what, _ in calls}, {"x"})
        self.gate.process.kill()
        self.gate.process.wait()
        self.begin()
        verdicts = [self.verdict()[0] for _ in range(150)]
        self.assertEqual(verdicts, ["x"] * 149 + ["rate_limited"], "251 of 400 were used before")
        print(f"        slowest call {max(took for _, took in calls):.0f} ms")

    @world.beside
    def test_the_counters_are_kept_again_as_soon_as_they_can_be(self):
        self.begin()
        self.inside(self.read_only)
        deadline = time.monotonic() + world.LONG
        while "counters_not_kept" not in self.gate.log.read_text():
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.05)
        self.assertEqual(self.verdict()[0], "x")
        kept = self.data / "counters" / "serve.bin"
        before = kept.stat().st_mtime_ns
        self.inside(f'umount "{self.data}"')
        began = time.monotonic()
        while kept.stat().st_mtime_ns == before:
            self.assertLess(time.monotonic(), began + world.LONG)
            time.sleep(0.05)
        print(f"        kept again {time.monotonic() - began:.1f} s after the folder could be written")
        self.gate.end()
        proof = subprocess.run([gate_binary(), "audit", "verify", "--data", str(self.data)], capture_output=True, text=True, timeout=world.LONG)
        self.assertEqual(proof.returncode, 0, proof.stdout + proof.stderr)

    def test_a_gate_does_not_start_on_it(self):
        self.begin()
        self.gate.end()
        began = time.monotonic()
        done = subprocess.run([*self.around, "sh", "-c", f'{self.read_only} && exec "$@"', "sh", gate_binary(), "serve", "--config", str(self.dir / "callgate.yaml"), "--data", str(self.data)],
                              capture_output=True, text=True, timeout=world.LONG)
        self.assertEqual(done.returncode, 3, done.stderr)
        self.assertIn(str(self.data), done.stderr)
        self.assertRegex(done.stderr, "[Rr]ead-?only")
        print(f"        refused in {(time.monotonic() - began) * 1000:.0f} ms: {done.stderr.splitlines()[-1]}")


class Read_only_disk(World):
    """The kernel turns the data folder's file system read-only, as it does after an error of the disk: nothing more can be written, to open files either."""

    def setUp(self):
        super().setUp()
        self.data = self.dir / "data"
        self.data.mkdir()
        image = self.dir / "disk"
        with open(image, "wb") as file:
            file.truncate(48 << 20)
        mount = ["unshare", "-m", "sh", "-c", f'mount -o loop "{image}" "{self.data}" && chmod 700 "{self.data}" && exec "$@"', "sh"]
        made = shutil.which("mkfs.ext4", path=f"{os.environ['PATH']}:/usr/sbin:/sbin")
        tried = made and subprocess.run([made, "-q", "-F", str(image)], capture_output=True, text=True)
        tried = tried if not tried or tried.returncode != 0 else subprocess.run([*mount, "true"], capture_output=True, text=True)
        if not tried or tried.returncode != 0:
            self.skipTest(f"a file system that turns read-only: none can be made here ({tried.stderr.strip() if tried else 'no mkfs.ext4'})")
        if not shutil.which("losetup"):
            self.skipTest("a file system that turns read-only: losetup is not installed")
        self.around = mount

    def begin(self):
        (self.dir / "ready.json").unlink(missing_ok=True)
        gate = self.serve_config(command=self.fake(), policy=LIMITED)
        client = gate.client()
        client.initialize()
        return gate, client

    def inside(self, gate, command):
        return subprocess.run(["nsenter", "-m", "-t", str(gate.process.pid), "sh", "-c", command], check=True, capture_output=True, text=True).stdout

    def test_calls_are_refused_with_the_reason_and_the_next_start_knows_those_of_before(self):
        """Security requirement S24: what cannot be put on record is not forwarded."""
        gate, client = self.begin()
        self.assertEqual([text_of(client.call("echo", {"text": "before"})) for _ in range(3)], ["before"] * 3)
        self.inside(gate, f'sync -f "{self.data}"; mount -o remount,abort "{self.data}"')

        def refusals():
            slowest = 0.0
            for tool in ["echo", "misbehave"] * 10:
                began = time.monotonic()
                answer = client.call(tool, {"text": "after"})
                slowest = max(slowest, (time.monotonic() - began) * 1000)
                why = answer.get("error", {}).get("message") or decision_of(answer).get("reason", "")
                self.assertIn("cannot", why, answer)
            return (slowest,)

        [slowest] = self.in_time(refusals, REFUSED_MS if world.LONG <= 20 else 5 * REFUSED_MS)
        self.assertTrue(gate.alive())
        self.assertEqual(world.Http(gate.ready["url"] + "/readyz").exchange("GET")[0], 503, "a balancer sends its calls elsewhere")
        self.assertEqual({m["params"]["arguments"].get("text") for m in self.seen("tools/call") if m["params"]["name"] in {"echo", "misbehave"}}, {"before"})
        gate.process.kill()
        gate.process.wait()
        deadline = time.monotonic() + world.LONG
        while subprocess.run(["losetup", "-j", str(self.dir / "disk")], capture_output=True).stdout:  # the gate's children hold it a little longer
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.02)
        began = time.monotonic()
        gate, client = self.begin()
        ready = time.monotonic() - began
        self.assertEqual([decision_of(client.call("echo", {"text": "x"})).get("verdict") for _ in range(3)], [None, None, "rate_limited"], "three of five were used before")
        told = self.inside(gate, f'"{gate_binary()}" audit verify --data "{self.data}"')
        self.assertIn("ok", told)
        print(f"        slowest refusal {slowest:.0f} ms; open again {ready * 1000:.0f} ms after the next start on the mended disk")


class Read_only(World):
    """Nothing can be made in the data folder any more; files that are open go on."""

    def setUp(self):
        super().setUp()
        self.server = Scripted()
        self.addCleanup(self.server.end)
        if os.geteuid() != 0:
            return
        # Rights do not stop root: the gate runs as somebody else.
        setpriv = shutil.which("setpriv")
        nobody = ["--reuid=65534", "--regid=65534", "--clear-groups"]
        if not setpriv or subprocess.run([setpriv, *nobody, "true"], capture_output=True).returncode != 0:
            self.skipTest("a read-only data folder: the gate cannot be started as another user here")
        self.around = [setpriv, *nobody]

    def give_away(self):
        for path in [self.dir, *self.dir.rglob("*")]:
            if self.around:
                os.chown(path, 65534, 65534)

    def folders(self):
        data = self.dir / "data"
        return [data, *(path for path in data.rglob("*") if path.is_dir())]

    def begin(self):
        self.write("policy.yaml", LIMITED.replace("echo", "plain"))
        (self.dir / "data").mkdir(mode=0o700, exist_ok=True)
        self.give_away()
        return self.started(self.options(), [])

    def options(self):
        return ["--policy", str(self.dir / "policy.yaml"), "--listen", "127.0.0.1:0", "--upstream", self.server.url]

    def verdict(self, client):
        """What became of a limited call."""
        answer = client.call("plain")
        return decision_of(answer).get("verdict") or text_of(answer)

    def test_limited_calls_go_on_by_the_journal_and_the_next_start_knows_them(self):
        gate = self.begin()
        client = gate.client()
        client.initialize()
        self.assertEqual(self.verdict(client), "done")
        for folder in self.folders():
            folder.chmod(0o500)
        slowest = 0.0
        for _ in range(3):
            began = time.monotonic()
            self.assertEqual(self.verdict(client), "done")
            slowest = max(slowest, (time.monotonic() - began) * 1000)
        gate.process.kill()
        gate.process.wait()
        for folder in self.folders():
            folder.chmod(0o700)
        (self.dir / "ready.json").unlink()
        gate = self.begin()
        client = gate.client()
        client.initialize()
        self.assertEqual([self.verdict(client) for _ in range(2)], ["done", "rate_limited"], "four of five were used before")
        print(f"        slowest call {slowest:.0f} ms")

    def test_counters_that_were_taken_away_are_counted_from_the_journals(self):
        gate = self.begin()
        client = gate.client()
        client.initialize()
        self.assertEqual([self.verdict(client) for _ in range(4)], ["done"] * 4)
        gate.end()
        shutil.rmtree(self.dir / "data" / "counters")
        (self.dir / "ready.json").unlink()
        gate = self.begin()
        client = gate.client()
        client.initialize()
        self.assertEqual([self.verdict(client) for _ in range(2)], ["done", "rate_limited"], "four of five were used before")

    def test_a_gate_that_cannot_keep_its_counters_does_not_start(self):
        self.begin().end()
        (self.dir / "data" / "counters").chmod(0o500)
        done = subprocess.run([*self.around, gate_binary(), "serve", *self.options(), "--data", str(self.dir / "data")],
                              capture_output=True, text=True, timeout=world.LONG)
        self.assertEqual(done.returncode, 3, done.stderr)
        self.assertIn("counters", done.stderr)


if __name__ == "__main__":
    world.main()
