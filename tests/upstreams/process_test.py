"""The gate as a process among others: its start, its end, what it takes up while it runs, what the next one finds."""
import contextlib
import glob
import http.client
import json
import os
import pathlib
import re
import resource
import signal
import socket
import sqlite3
import subprocess
import threading
import time

import world
from world import ALLOW, World, decision_of, gate_binary, text_of

LIMITED = "callgate: 1\ndefault: deny\ntools:\n  echo: {action: allow, rate_limit: {max: 2, window: 1h}}\n"
ASKS = "callgate: 1\ndefault: allow\ntools:\n  echo: {action: require_approval, reason: money moves}\n"


class Counters_of_run(World):
    def one(self, policy_file, name="default", calls=2):
        """One process for one policy; how many of its calls passed. It is left running."""
        pipe = self.run_gate(*self.fake(), extra=["--policy", policy_file, "--name", name])
        return pipe, self.passed(pipe, calls)

    @staticmethod
    def passed(pipe, calls):
        pipe.initialize()
        return sum(not decision_of(pipe.call("echo", {"text": "x"})) for _ in range(calls))

    def run_gate(self, *upstream, policy=ALLOW, extra=()):
        command = [gate_binary(), "run", "--data", str(self.dir / "data"), *extra, "--", *upstream]
        pipe = world.Pipe(command, self.dir / "gate.log")
        self.addCleanup(pipe.end)
        return pipe

    def test_belong_to_server_and_policy(self):
        first, second = self.write("a.yaml", LIMITED), self.write("b.yaml", LIMITED)
        pipe, passed = self.one(first)
        pipe.end()
        self.assertEqual(passed, 2)
        pipe, passed = self.one(second)
        pipe.end()
        self.assertEqual(passed, 2, "another policy, other counters")
        pipe, passed = self.one(first)
        pipe.end()
        self.assertEqual(passed, 0, "the first policy's calls were not forgotten by the second's end")

    def test_go_on_where_the_credential_of_the_server_changed(self):
        policy = self.write("a.yaml", LIMITED)
        for token, expected in (("one-1", 2), ("two-2", 0)):
            pipe = self.run_gate("env", f"API_KEY={token}", *self.fake(), extra=["--policy", policy])
            passed = self.passed(pipe, 2)
            pipe.end()
            self.assertEqual(passed, expected, token)

    def test_of_two_at_a_time_count_apart_say_so_and_are_added_up_afterwards(self):
        policy = self.write("a.yaml", LIMITED.replace("max: 2", "max: 3"))
        one, passed_one = self.one(policy)
        two, passed_two = self.one(policy, calls=1)
        self.assertEqual((passed_one, passed_two), (2, 1))
        self.assertIn("limits_count_apart", two.log.read_text())
        one.end()
        two.end()
        third, passed = self.one(policy, calls=2)
        third.end()
        self.assertEqual(passed, 0, "two calls of the one and one of the other")

    def test_cut_off_on_the_disk_are_counted_from_the_journal(self):
        policy = self.write("a.yaml", LIMITED)
        pipe, _ = self.one(policy)
        pipe.end()
        for file in (self.dir / "data" / "counters").glob("*.bin"):
            file.write_bytes(file.read_bytes()[:50])
        pipe, passed = self.one(policy)
        pipe.end()
        self.assertEqual(passed, 0)


class Sigterm(World):
    def test_lets_a_call_of_run_finish(self):
        pipe = self.run_gate(*self.fake())
        pipe.initialize()
        pipe.send(world.request(7, "tools/call", {"name": "misbehave", "arguments": {"how": "held"}}))
        while not [m for m in self.seen("tools/call") if m["id"] == 7]:
            time.sleep(0.01)
        pipe.process.send_signal(signal.SIGTERM)
        self.assertIn("stopping", world.until(lambda: pipe.log.read_text(), lambda said: "stopping" in said))
        self.go_on()
        self.assertEqual(text_of(pipe.answer_to(7)), "done")
        self.assertEqual(pipe.process.wait(world.LONG), 0)

    def test_lets_calls_of_serve_finish_and_tells_new_ones_to_come_back(self):
        gate = self.serve(*self.fake())
        client = gate.client()
        client.initialize()
        answers = []
        thread = threading.Thread(target=lambda: answers.append(client.call("misbehave", {"how": "held"})), daemon=True)
        thread.start()
        while not [m for m in self.seen("tools/call") if m["params"].get("name") == "misbehave"]:
            time.sleep(0.01)
        gate.process.send_signal(signal.SIGTERM)
        while not gate.said("stopping"):
            time.sleep(0.01)
        status, headers, _ = client.exchange("POST", json.dumps(world.request(1, "ping")))
        self.assertEqual((status, headers["Retry-After"]), (503, "1"))
        self.go_on()
        thread.join(world.LONG)
        self.assertEqual(text_of(answers[0]), "done")
        self.assertEqual(gate.process.wait(world.LONG), 0)

    def in_flight(self, gate):
        """Begins a call that is not answered for long."""
        client = gate.client()
        client.initialize()
        thread = threading.Thread(target=lambda: self.quietly(client.call, "misbehave", {"how": "slow", "size": 3000}), daemon=True)
        thread.start()
        while not [m for m in self.seen("tools/call") if m["params"].get("name") == "misbehave"]:
            time.sleep(0.01)

    @staticmethod
    def quietly(what, *arguments):
        with contextlib.suppress(OSError, http.client.HTTPException):
            what(*arguments)

    def test_a_second_time_does_not_wait(self):
        gate = self.serve(*self.fake())
        self.in_flight(gate)
        gate.process.send_signal(signal.SIGTERM)
        while not gate.said("stopping"):
            time.sleep(0.01)
        began = time.monotonic()
        gate.process.send_signal(signal.SIGTERM)
        self.assertEqual(gate.process.wait(2 * world.LONG), 0)
        self.assertLess(time.monotonic() - began, 10)
        checked = subprocess.run([gate_binary(), "audit", "verify", "--data", str(self.dir / "data")], capture_output=True, text=True, timeout=world.LONG)
        self.assertEqual(checked.returncode, 0, checked.stdout + checked.stderr)

    @world.beside
    def test_is_over_after_30_seconds(self):
        gate = self.serve(*self.fake())
        self.in_flight(gate)
        began = time.monotonic()
        gate.process.send_signal(signal.SIGTERM)
        self.assertEqual(gate.process.wait(60), 0)
        self.assertLess(time.monotonic() - began, 30)

    def test_tells_a_held_call_at_once(self):
        gate = self.serve(*self.fake(), policy=ASKS)
        client = gate.client()
        client.initialize()
        answers = []
        thread = threading.Thread(target=lambda: answers.append(client.call("echo", {"text": "x"})), daemon=True)
        thread.start()
        while not gate.said("approval_asked"):
            time.sleep(0.01)
        began = time.monotonic()
        gate.process.send_signal(signal.SIGTERM)
        thread.join(world.LONG)
        self.assertEqual(decision_of(answers[0])["verdict"], "require_approval")
        self.assertEqual(gate.process.wait(world.LONG), 0)
        self.assertLess(time.monotonic() - began, 15)


class While_it_runs(World):
    def until(self, what):
        deadline = time.monotonic() + world.LONG
        while not what():
            self.assertLess(time.monotonic(), deadline, "never")
            time.sleep(0.02)

    def config(self, *names):
        servers = "".join(f"  {name}:\n    command: {json.dumps(self.fake())}\n    policy: policy.yaml\n" for name in names)
        return self.write("callgate.yaml", f"listen: 127.0.0.1:0\nauth: none\nservers:\n{servers}")

    @world.beside
    def test_a_server_that_is_added_to_the_file_is_served_and_others_keep_their_sessions(self):
        self.write("policy.yaml", ALLOW)
        gate = self.started(["--config", self.config("one")], [])
        base = gate.ready["url"]
        first = world.Http(f"{base}/mcp/one")
        first.initialize()
        self.config("one", "two")
        self.until(lambda: world.Http(f"{base}/mcp/two").exchange("GET")[0] != 404)
        second = world.Http(f"{base}/mcp/two")
        second.initialize()
        self.assertEqual(text_of(second.call("echo", {"text": "hello"})), "hello")
        self.assertEqual(text_of(first.call("echo", {"text": "still here"})), "still here")
        self.config("two")
        self.until(lambda: world.Http(f"{base}/mcp/one").exchange("GET")[0] == 404)

    @world.beside
    def test_a_faulty_file_leaves_the_last_good_one_in_force(self):
        """Security requirement S23."""
        self.write("policy.yaml", ALLOW)
        gate = self.started(["--config", self.config("one")], [])
        self.write("callgate.yaml", "listen: 127.0.0.1:0\nservrs: {}\n")
        self.until(lambda: gate.said("config_refused"))
        client = world.Http(f"{gate.ready['url']}/mcp/one")
        client.initialize()
        self.assertEqual(text_of(client.call("echo", {"text": "on"})), "on")

    def test_a_revoked_grant_loses_its_session_its_stream_and_its_held_call(self):
        data = ["--data", str(self.dir / "data")]
        self.write("policy.yaml", ASKS)
        own = self.write("grant.yaml", ALLOW)
        file = self.write("callgate.yaml", f"listen: 127.0.0.1:0\nauth: grants\nservers:\n  it:\n    command: {json.dumps(self.fake())}\n    policy: policy.yaml\n")
        gate = self.started(["--config", file], [])
        token = subprocess.run([gate_binary(), "grant", "create", "ann", "--server", "it", "--policy", own, *data], check=True, capture_output=True, text=True).stdout.strip()
        client = gate.client(token=token)
        self.until(lambda: gate.client(token=token).exchange("GET")[0] != 401)
        client.initialize()
        answers = []
        held = threading.Thread(target=lambda: answers.append(client.call("echo", {"text": "x"})), daemon=True)
        held.start()
        self.until(lambda: gate.said("approval_asked"))
        stream = threading.Thread(target=lambda: answers.append(client.exchange("GET", limit=world.LONG)[0]), daemon=True)
        stream.start()
        subprocess.run([gate_binary(), "grant", "revoke", "ann", *data], check=True, capture_output=True)
        held.join(world.LONG)
        stream.join(world.LONG)
        self.assertEqual(len(answers), 2, "both ended")
        self.assertEqual([decision_of(answer).get("verdict") for answer in answers if isinstance(answer, dict)], ["deny"])
        self.assertEqual(client.exchange("GET")[0], 401)

    @world.beside
    def test_a_changed_pins_file_is_taken_up(self):
        self.write("policy.yaml", ALLOW)
        gate = self.started(["--config", self.config("one")], [])
        client = gate.client()
        client.initialize()
        client.call("echo", {"text": "x"})
        pins = self.dir / "pins.json"
        subprocess.run([gate_binary(), "server", "pin", "one", "--write", str(pins), "--data", str(self.dir / "data")], check=True, capture_output=True)
        reviewed = pins.read_text()
        with_pins = self.config("one")
        text = (self.dir / "callgate.yaml").read_text() + "    pins: pins.json\n"
        self.write("callgate.yaml", text)
        self.assertTrue(with_pins)
        self.until(lambda: gate.said("servers_changed"))
        client = gate.client()
        client.initialize()
        self.assertEqual(text_of(client.call("echo", {"text": "x"})), "x")
        self.write("pins.json", reviewed.replace("Gives its text back", "Gives it to nobody"))
        self.until(lambda: decision_of(client.call("echo", {"text": "x"})).get("verdict") == "quarantined")
        self.write("pins.json", reviewed)
        self.until(lambda: not decision_of(client.call("echo", {"text": "x"})))

    def test_a_list_is_read_again_for_pins_of_others_and_not_for_those_of_its_own(self):
        one, other = (ALLOW + f"# {name}\n" for name in ("one", "other"))
        gate = self.serve(*self.fake(), policy=one)
        client = gate.client()

        def looked(policy):
            """The gate has looked for what changed, and has read what it wants to read for it."""
            told = gate.last_words().count("policy_loaded")
            self.write("policy.yaml", policy)
            gate.process.send_signal(signal.SIGHUP)
            self.until(lambda: gate.last_words().count("policy_loaded") > told)
            client.call("echo", {"text": "x"})
            return len(self.seen("tools/list"))

        client.initialize()
        self.assertEqual(text_of(client.call("echo", {"text": "x"})), "x")
        self.assertEqual(looked(other), 1, "it wrote the pins itself")
        store = sqlite3.connect(self.dir / "data" / "callgate.db", timeout=world.LONG)
        with store:
            store.execute("UPDATE definitions SET fingerprint = 'another' WHERE tool = 'echo'")
        store.close()
        self.assertGreater(looked(one), 1)
        self.assertEqual(decision_of(client.call("echo", {"text": "x"})).get("verdict"), "quarantined")


class Reloads(World):
    ONE = "callgate: 1\ndefault: deny\ntools:\n  echo: {action: allow}\n  misbehave: {action: deny, reason: under the first}\n"
    OTHER = "callgate: 1\ndefault: deny\ntools:\n  echo: {action: deny, reason: under the other}\n  misbehave: {action: allow}\n"

    def exchange_policy(self, text):
        fresh = self.write("policy.fresh", text)
        os.replace(fresh, self.dir / "policy.yaml")

    RELOADS = 1000 if world.LONG <= 20 else 300  # a sanitized program is there for what it finds, not for the figures

    def test_under_load_lose_no_call_and_mix_no_two_policies(self):
        """Security requirement S23, protocol item 35: a reload is atomic."""
        gate = self.serve(*self.fake(), policy=self.ONE)
        over, failures, mixed, slowest, rounds = threading.Event(), [], [], 0.0, []

        def calls():
            client = gate.client()
            client.initialize()
            while not over.is_set():
                allowed = {}
                for tool in ("echo", "misbehave"):
                    answer = client.call(tool, {"text": "x"} if tool == "echo" else {})
                    if client.status != 200 or "result" not in answer:
                        failures.append((tool, answer))
                        continue
                    verdict = decision_of(answer).get("verdict")
                    allowed[tool] = verdict is None
                    reason = "under the other" if tool == "echo" else "under the first"
                    if (verdict, reason in text_of(answer)) not in {(None, False), ("deny", True)}:
                        mixed.append(answer)
                rounds.append(allowed)

        threads = [threading.Thread(target=calls, daemon=True) for _ in range(3)]
        for thread in threads:
            thread.start()
        for number in range(self.RELOADS):
            other = number % 2 == 0
            self.exchange_policy(self.OTHER if other else self.ONE)
            began, seen = time.monotonic(), len(rounds)
            gate.process.send_signal(signal.SIGHUP)
            # In force for both tools, which an answer alone does not say: a round may have begun under the one before.
            while {"echo": not other, "misbehave": other} not in rounds[seen:]:
                self.assertLess(time.monotonic() - began, world.LONG, f"reload {number} is not taken up: {gate.last_words()}")
                time.sleep(0.001)
            slowest = max(slowest, time.monotonic() - began)
        over.set()
        for thread in threads:
            thread.join(world.LONG)
        verdicts, records = {}, 0  # policy hash -> tool -> verdicts
        for name in glob.glob(str(self.dir / "data" / "journal" / "*" / "*.jsonl")):
            with open(name, encoding="utf-8") as file:
                for record in map(json.loads, file):
                    if record.get("method") == "tools/call":
                        records += 1
                        verdicts.setdefault(record["policy"], {}).setdefault(record["tool"], set()).add(record["verdict"])
        print(f"        {self.RELOADS} reloads under load, each in force after at most {slowest:.3f} s: {2 * len(rounds)} calls, {len(failures)} failed, {len(mixed)} answered by a mixture; "
              f"{records} on record, {len(verdicts)} policies")
        self.assertEqual((failures, mixed), ([], []))
        seen = {(*sorted(of.get("echo", ())), *sorted(of.get("misbehave", ()))) for of in verdicts.values()}
        self.assertEqual(seen, {("allow", "deny"), ("deny", "allow")}, verdicts)


class A_wrong_word(World):
    def said(self, *words):
        done = subprocess.run([gate_binary(), *words], capture_output=True, text=True, timeout=world.LONG)
        return done.returncode, done.stdout + done.stderr

    def test_is_named_with_the_nearest_command(self):
        self.assertEqual(self.said("serv"), (2, "callgate: there is no command `serv`; did you mean `serve`?; `callgate --help` lists them\n"))
        self.assertEqual(self.said("policy", "chek", "x"), (2, "callgate: there is no `policy chek`; did you mean `check`?; see `callgate policy --help`\n"))


class A_file_that_is_written_in_place(World):
    """Its first half may be valid, and lack the rules that follow."""

    HALF = "callgate: 1\ndefault: deny\ntools:\n  echo:\n    action: allow\n"
    REST = "    arguments:\n      properties: {text: {type: string, maxLength: 3}}\n"

    # A file that stood still for longer may be taken up; an answer that came later says nothing.
    STILL = 1.4

    def half_written(self, name, half, whole, meanwhile, usual, anew=False):
        """Runs `meanwhile` again and again while the file holds its first half, for longer than a look at it takes; gives its answers.
        `usual` is the answer under the whole file, which is there and in force afterwards. `anew`: it is another file than before, made under its name."""
        answers, began = [], time.monotonic()
        while not answers:
            self.assertLess(time.monotonic(), began + world.LONG, "each answer came so late that it says nothing")
            answers = self.answers_while_half(name, half, meanwhile, anew)
            self.write(name, whole)
            # Where an answer took long the half stood still long enough to be taken up, which what follows must not see.
            world.until(meanwhile, lambda each: each == usual)
        return answers

    def answers_while_half(self, name, half, meanwhile, anew=False):
        answers = []
        if anew:
            (self.dir / name).rename(self.dir / "before")
        with open(self.dir / name, "w", encoding="utf-8") as file:
            written = self.half_since = time.monotonic()
            file.write(half)
            file.flush()
            while time.monotonic() < written + 1.2:
                answer = meanwhile()
                if time.monotonic() < written + self.STILL:
                    answers.append(answer)
        return answers

    def test_a_policy_counts_only_when_it_is_whole(self):
        gate = self.serve(*self.fake(), policy=self.HALF + self.REST)
        client = gate.client()
        client.initialize()
        def verdict():
            return decision_of(client.call("echo", {"text": "too long"})).get("verdict")
        for anew in (False, True):
            verdicts = self.half_written("policy.yaml", "# of today\n" + self.HALF, self.HALF + self.REST, verdict, "invalid_arguments", anew)
            self.assertEqual(set(verdicts), {"invalid_arguments"}, "a call passed by half a policy")
        self.write("policy.yaml", ALLOW)
        self.assertEqual(text_of(world.until(lambda: client.call("echo", {"text": "too long"}), lambda answer: not decision_of(answer))), "too long")

    def test_a_configuration_counts_only_when_it_is_whole(self):
        self.write("policy.yaml", ALLOW)
        servers = [f"  {name}:\n    command: {json.dumps(self.fake())}\n    policy: policy.yaml\n" for name in ("one", "two")]
        head = "listen: 127.0.0.1:0\nauth: none\nservers:\n" + servers[0]
        gate = self.started(["--config", self.write("callgate.yaml", head + servers[1])], [])
        client = world.Http(f"{gate.ready['url']}/mcp/two")
        client.initialize()
        def status():
            client.call("echo", {"text": "x"})
            return client.status
        self.assertEqual(status(), 200)
        self.assertEqual(set(self.half_written("callgate.yaml", head, head + servers[1], status, 200)), {200})
        self.write("callgate.yaml", head)
        self.assertEqual(world.until(status, lambda now: now == 404), 404)

    def test_a_new_server_waits_for_its_whole_policy(self):
        self.write("policy.yaml", ALLOW)
        server = f"  one:\n    command: {json.dumps(self.fake())}\n    policy: policy.yaml\n"
        head = "listen: 127.0.0.1:0\nauth: none\nservers:\n" + server
        gate = self.started(["--config", self.write("callgate.yaml", head)], [])
        client = world.Http(f"{gate.ready['url']}/mcp/two")
        self.write("next.yaml", head + server.replace("one:", "two:").replace("policy.yaml", "two.yaml"))
        os.utime(self.dir / "next.yaml", (0, 0))  # written long before it gets its name
        (self.dir / "next.yaml").rename(self.dir / "callgate.yaml")
        statuses = self.answers_while_half("two.yaml", self.HALF, lambda: client.exchange("GET")[0])
        self.write("two.yaml", self.HALF + self.REST)
        rested = time.monotonic() > self.half_since + self.STILL
        self.assertEqual(set(statuses), set() if rested and not statuses else {404})
        self.assertEqual(world.until(lambda: client.exchange("GET")[0], lambda status: status != 404), 400, "it is served, and misses a session")
        client.initialize()
        def verdict():
            return decision_of(client.call("echo", {"text": "too long"})).get("verdict")
        # Half of it that stood still for longer may have been taken up, which the whole replaces.
        self.assertEqual(world.until(verdict, lambda each: each == "invalid_arguments" or not rested), "invalid_arguments")
        self.assertFalse(gate.said("config_refused"), gate.last_words())

    def test_that_never_rests_is_told_and_the_one_before_stands(self):
        gate = self.serve(*self.fake(), policy=self.HALF + self.REST)
        client = gate.client()
        client.initialize()
        deadline = time.monotonic() + world.LONG
        rested = False
        with open(self.dir / "policy.yaml", "w", encoding="utf-8") as file:
            written = time.monotonic()
            file.write(self.HALF)
            while not gate.said("policy_being_written") and time.monotonic() < deadline:
                file.write("# more\n")
                file.flush()
                verdict = decision_of(client.call("echo", {"text": "too long"})).get("verdict")
                rested = rested or time.monotonic() > written + self.STILL
                if not rested:
                    self.assertEqual(verdict, "invalid_arguments")
                written = time.monotonic()
        self.assertTrue(gate.said("policy_being_written"), gate.last_words())

    def served_with_a_config(self):
        """A gate with one server of the file; how to register another, and what its address says."""
        self.write("policy.yaml", ALLOW)
        text = f"listen: 127.0.0.1:0\nauth: none\nservers:\n  one:\n    command: {json.dumps(self.fake())}\n    policy: policy.yaml\n"
        gate = self.started(["--config", self.write("callgate.yaml", text)], [])
        client = world.Http(f"{gate.ready['url']}/mcp/two")
        def register(*words):
            done = subprocess.run([gate_binary(), "server", *words, "--data", str(self.dir / "data")], capture_output=True, text=True, timeout=world.LONG)
            self.assertEqual(done.returncode, 0, done.stderr)
        return gate, text, lambda: client.exchange("GET")[0], register

    def test_that_never_rests_holds_back_no_registered_server(self):
        _, text, status, register = self.served_with_a_config()
        with open(self.dir / "callgate.yaml", "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            register("add", "two", "--url", "http://127.0.0.1:1/mcp", "--policy", str(self.dir / "policy.yaml"))
            def written_to():
                file.write("# more\n")
                file.flush()
                return status()
            self.assertEqual(world.until(written_to, lambda now: now != 404), 400, "it is served, and misses a session")

    @world.beside
    def test_that_is_refused_holds_back_no_registered_server(self):
        gate, text, status, register = self.served_with_a_config()
        self.write("callgate.yaml", text.replace("auth: none", "auth: nobody"))
        self.assertIn("config_refused", world.until(gate.log.read_text, lambda said: "config_refused" in said))
        register("add", "two", "--url", "http://127.0.0.1:1/mcp", "--policy", str(self.dir / "policy.yaml"))
        self.assertEqual(world.until(status, lambda now: now != 404), 400, "it is served, and misses a session")
        register("remove", "two")
        self.assertEqual(world.until(status, lambda now: now == 404), 404)

    @world.beside
    def test_of_a_registered_server_is_tried_again_once_it_is_mended(self):
        gate, _, status, register = self.served_with_a_config()
        gate.process.send_signal(signal.SIGSTOP)  # between the command and the gate's look somebody edits it
        register("add", "two", "--url", "http://127.0.0.1:1/mcp", "--policy", self.write("two.yaml", ALLOW))
        self.write("two.yaml", ALLOW.replace("allow", "alow"))
        gate.process.send_signal(signal.SIGCONT)
        self.assertIn("config_refused", world.until(gate.log.read_text, lambda said: "config_refused" in said))
        self.assertEqual(status(), 404)
        self.write("two.yaml", ALLOW)
        self.assertEqual(world.until(status, lambda now: now != 404), 400, "it is served, and misses a session")


class Whoever_does_not_read(World):
    def test_the_log_stops_nothing(self):
        """S31: a collector of logs that stalls is no reason to stop calls, nor not to end."""
        ends = os.pipe()
        self.addCleanup(os.close, ends[0])
        command = [gate_binary(), "run", "--policy", self.write("policy.yaml", ALLOW), "--data", str(self.dir / "data"), "--", *self.fake()]
        pipe = world.Pipe(command, f"/dev/fd/{ends[1]}")
        os.close(ends[1])
        self.addCleanup(pipe.end)
        self.addCleanup(pipe.process.kill)
        pipe.log = self.dir / "none.log"
        pipe.log.write_text("")
        pipe.initialize()
        for number in range(2000):  # each of them is a line of the log
            pipe.send(world.request(number, "tools/call", {"name": 5}))
            self.assertIn("error", pipe.answer_to(number))
        self.assertEqual(text_of(pipe.call("echo", {"text": "on"})), "on")
        pipe.process.send_signal(signal.SIGTERM)
        self.assertEqual(pipe.process.wait(world.LONG), 0)

    def initialized(self):
        """`run` whose stdout is the test's to read, or not; its log."""
        log = self.dir / "gate.log"
        command = [gate_binary(), "run", "--policy", self.write("policy.yaml", ALLOW), "--data", str(self.dir / "data"), "--", *self.fake()]
        with open(log, "wb") as errors:
            process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors)
        self.addCleanup(world.end, process)
        self.send(process, 0, "initialize", {"protocolVersion": world.LATEST_HANDSHAKE, "capabilities": {}, "clientInfo": {"name": "world", "version": "1"}})
        process.stdout.readline()
        return process, log

    @staticmethod
    def send(process, number, method, params):
        process.stdin.write(json.dumps(world.request(number, method, params)).encode() + b"\n")
        process.stdin.flush()

    def test_its_answers_ends_run(self):
        process, log = self.initialized()
        process.stdout.close()  # and nothing is sent behind it, nor stdin closed
        self.assertEqual(process.wait(world.LONG), 0)
        self.assertIn("client_lost", log.read_text())

    def test_the_rest_of_its_answers_ends_run(self):
        """What stdout did not take at once is lost when the client goes, also where nothing is sent behind it."""
        process, log = self.initialized()
        self.send(process, 1, "tools/call", {"name": "echo", "arguments": {"text": "x" * 1_000_000}})
        process.stdout.read1(1)  # the answer has begun, and more of it waits than a pipe holds
        process.stdout.close()
        self.assertEqual(process.wait(world.LONG), 0)
        self.assertIn("client_lost", log.read_text())

    def test_its_notes_loses_notes_and_no_answers(self):
        process, log = self.initialized()
        for number in range(1, 11):  # 100 MB of notes
            self.send(process, number, "tools/call", {"name": "misbehave", "arguments": {"how": "flood_of_big_notes"}})
        self.assertIn("client_reads_too_slowly", world.until(log.read_text, lambda said: "client_reads_too_slowly" in said))
        self.send(process, 11, "tools/call", {"name": "echo", "arguments": {"text": "on"}})
        answered = set()
        for line in process.stdout:
            answered.add(json.loads(line).get("id"))
            if set(range(1, 12)) <= answered:
                break
        self.assertLessEqual(set(range(1, 12)), answered)
        process.stdin.close()
        process.stdout.read()
        self.assertEqual(process.wait(world.LONG), 0)
        self.assertIn("messages_dropped", log.read_text())
        self.assertNotIn("client_lost", log.read_text())

    @staticmethod
    def peak_mib(process):
        status = pathlib.Path(f"/proc/{process.pid}/status").read_text()
        return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) / 1024

    def test_its_large_answers_costs_bounded_memory_and_hears_which_found_no_room(self):
        process, log = self.initialized()
        before = self.peak_mib(process)
        for number in range(1, 200):
            self.send(process, number, "tools/call", {"name": "echo", "arguments": {"text": "x" * 1_000_000}})
        self.assertIn("client_reads_too_slowly", world.until(log.read_text, lambda said: "client_reads_too_slowly" in said))
        answers = {}
        for line in process.stdout:
            answer = json.loads(line)
            answers[answer.get("id")] = "result" if "result" in answer else answer["error"]["message"]
            if len(answers) == 199:
                break
        grown = self.peak_mib(process) - before
        whole = sum(answer == "result" for answer in answers.values())
        print(f"        199 answers of 1 MB that nobody reads: {whole} of them kept, the others told, memory grew by {grown:.1f} MiB")
        self.assertEqual(set(answers), set(range(1, 200)))
        self.assertGreater(whole, 20)
        self.assertLess(whole, 199)
        told = {answer for answer in answers.values() if answer != "result"}
        self.assertEqual({answer.split(" ", 3)[2] for answer in told} - {"large"}, set(), told)  # "too many large answers …", "too many large requests …"
        if world.LONG <= 20:  # what a sanitized program takes is the sanitizer's
            self.assertLess(grown, 256)  # requests under way, those that wait for the child, answers that wait for the client: 64 MiB of each, and no copies of them
        process.stdin.close()
        self.assertEqual(process.wait(world.LONG), 0)
        self.assertNotIn("client_lost", log.read_text())

    def test_its_small_answers_ends_run(self):
        """There is always room for a small one, until there is none at all."""
        process, log = self.initialized()
        with contextlib.suppress(BrokenPipeError):
            for number in range(1, 12_000):
                self.send(process, number, "tools/call", {"name": "echo", "arguments": {"text": "x" * 7_000}})
        self.assertEqual(process.wait(2 * world.LONG), 0)
        self.assertIn("client_lost", log.read_text())


class Open_files(World):
    """The limit that a shell gives: 1024, of many more that are allowed."""

    @staticmethod
    def limited(soft, hard):
        return ("sh", "-c", 'ulimit -Sn "$1" && ulimit -Hn "$2" && shift 2 && exec "$@"', "sh", str(soft), str(hard))


    def setUp(self):
        super().setUp()
        if resource.getrlimit(resource.RLIMIT_NOFILE)[1] < 4096:
            self.skipTest("too few open files are allowed")
        self.around = self.limited(1024, 4096)

    def silent_connections(self, gate, count, source="127.0.9.9"):
        host, port = gate.url.split("/")[2].split(":")
        for _ in range(count):
            one = socket.socket()
            self.addCleanup(one.close)
            one.bind((source, 0))
            one.connect((host, int(port)))

    def test_of_one_address_lock_nobody_out(self):
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        for self.around in (self.limited(1024, 1024), self.limited(256, 256)):
            gate = self.serve(*self.fake())
            first = gate.client()
            first.initialize()
            self.silent_connections(gate, 1020)
            began = time.monotonic()
            client = gate.client()
            client.initialize()
            self.assertEqual(text_of(client.call("echo", {"text": "served"})), "served")
            self.assertLess(time.monotonic() - began, 5)
            self.assertEqual(text_of(first.call("echo", {"text": "still"})), "still")
            self.assertEqual(gate.end(), 0)
            (self.dir / "ready.json").unlink()

    def test_the_gate_raises_its_own_limit_and_not_that_of_its_servers(self):
        told = self.dir / "limit"
        script = 'ulimit -n >"$1"; shift; exec "$@"'
        gate = self.serve("sh", "-c", script, "sh", str(told), *self.fake())
        gate.client().initialize()
        limits = next(line for line in open(f"/proc/{gate.process.pid}/limits", encoding="ascii") if line.startswith("Max open files"))
        self.assertEqual(limits.split()[3:5], ["4096", "4096"])
        self.assertEqual(told.read_text().strip(), "1024")


class At_its_start(World):
    def test_a_faulty_pins_file_is_named_and_stops_it(self):
        """Security requirement S23."""
        self.write("policy.yaml", ALLOW)
        self.write("pins.json", "{}")
        file = self.write("callgate.yaml", f"listen: 127.0.0.1:0\nauth: none\nservers:\n  it:\n    command: {json.dumps(self.fake())}\n    policy: policy.yaml\n    pins: pins.json\n")
        done = subprocess.run([gate_binary(), "serve", "--config", file, "--data", str(self.dir / "data")], capture_output=True, text=True, timeout=world.LONG)
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn("pins.json", done.stderr)


if __name__ == "__main__":
    world.main()
