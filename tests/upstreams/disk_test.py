"""What the disk does to the gate, and what the gate leaves on it."""
import pathlib
import subprocess
import time

import world
from world import World, decision_of, gate_binary, text_of


def verify(data):
    """(exit, output) of `audit verify`."""
    done = subprocess.run([gate_binary(), "audit", "verify", "--data", str(data)], capture_output=True, text=True, timeout=world.LONG)
    return done.returncode, done.stdout + done.stderr


class Kept(World):
    def until(self, what):
        deadline = time.monotonic() + world.LONG
        while not what():
            self.assertLess(time.monotonic(), deadline, "never")
            time.sleep(0.02)

    def test_records_go_when_their_time_is_over_and_the_rest_is_proved(self):
        gate = self.serve_config(command=self.fake(), top="audit: {segment: 64KiB, keep: 1s}")
        client = gate.client()
        client.initialize()
        chain = next((self.dir / "data" / "journal").iterdir())

        def first_gone():
            for _ in range(20):
                client.call("echo", {"text": "x"})
            return not (chain / "segment-00000001.jsonl").exists() and len(list(chain.glob("*.jsonl"))) > 1

        self.until(first_gone)
        self.assertIn("records_removed", gate.log.read_text())
        self.assertEqual(gate.end(), 0)
        code, told = verify(self.dir / "data")
        self.assertEqual(code, 0, told)
        self.assertIn("removed for their age", told)
        left = sorted(chain.glob("*.jsonl"))
        left[0].unlink()
        code, told = verify(self.dir / "data")
        self.assertEqual(code, 1 if len(left) > 1 else 3, told)


class Full(World):
    """The data folder is a file system of 64 MiB of its own, in a mount namespace that needs no rights."""
    REFUSED_MS = 500
    refused_tool = "echo"  # one that does not go on while the disk is full

    def setUp(self):
        super().setUp()
        data = self.dir / "data"
        data.mkdir(mode=0o700)
        mount = ["sh", "-c", f'mount -t tmpfs -o size=64m,mode=0700 none "{data}" && exec "$@"', "sh"]
        for flags in ("-Urm", "-m"):
            tried = subprocess.run(["unshare", flags, *mount, "true"], capture_output=True, text=True)
            if tried.returncode == 0:
                self.around = ["unshare", flags, *mount]
                return
        self.skipTest(f"a full disk: no file system can be mounted here ({tried.stderr.strip()})")

    def begin(self, on_full, policy=world.ALLOW):
        self.gate = self.serve_config(command=self.fake(), policy=policy, top=f"audit: {{on_full: {on_full}}}")
        self.data = pathlib.Path(f"/proc/{self.gate.process.pid}/root{self.dir}/data")
        self.client = self.gate.client()
        self.client.initialize()
        self.assertEqual(text_of(self.client.call("echo", {"text": "before"})), "before")

    def fill(self):
        with open(self.data / "fill", "wb", buffering=0) as file:
            piece = b"x" * 65536
            while piece:
                try:
                    file.write(piece)
                except OSError:
                    piece = piece[: len(piece) // 2]
        # What is left of the journal's last page takes a few more records.
        for _ in range(50):
            if self.refused(self.client.call(self.refused_tool, {"text": "last room"})):
                return
        self.fail("the disk is not full")

    def refused(self, answer):
        """Why a call was refused; nothing where it was not."""
        return decision_of(answer).get("reason") or answer.get("error", {}).get("message")

    def refusals(self, count=20):
        """Calls that are refused, each in time: the slowest in ms, and the reasons."""
        reasons = set()

        def refused():
            slowest = 0.0
            for _ in range(count):
                began = time.monotonic()
                reasons.add(self.refused(self.client.call(self.refused_tool, {"text": "full"})))
                slowest = max(slowest, (time.monotonic() - began) * 1000)
            return (slowest,)

        [slowest] = self.in_time(refused, self.REFUSED_MS)
        return slowest, reasons

    def recovers(self):
        (self.data / "fill").unlink()
        began = time.monotonic()
        while "result" not in (answer := self.client.call(self.refused_tool, {"text": "after"})) or decision_of(answer):
            self.assertLess(time.monotonic() - began, world.LONG, self.gate.last_words())
            time.sleep(0.02)
        took = time.monotonic() - began
        self.assertEqual(text_of(self.client.call("echo", {"text": "after"})), "after")
        return took

    def forwarded_is_on_record(self):
        forwarded = [m["params"]["arguments"]["text"] for m in self.seen("tools/call") if m["params"]["name"] in {"echo", "misbehave"}]
        self.assertNotIn("full", forwarded)
        allowed = sum('"verdict":"allow"' in line and ('"tool":"echo"' in line or '"tool":"misbehave"' in line)
                      for name in self.data.glob("journal/*/*.jsonl") for line in name.read_text().splitlines())
        self.assertGreaterEqual(allowed, len(forwarded))
        proof = subprocess.run([gate_binary(), "audit", "verify", str(self.data)], capture_output=True, text=True)
        self.assertEqual(proof.returncode, 0, proof.stdout + proof.stderr)

    def test_refuses_calls_with_the_reason_and_lets_the_rest_go_on_until_there_is_room(self):
        """Security requirement S22."""
        self.refused_tool = "misbehave"  # of which nothing is known, so that it counts as High
        self.begin("refuse_medium")
        self.fill()
        slowest, reasons = self.refusals()
        self.assertIn("disk of the journal is full", " ".join(reasons))
        self.assertEqual(text_of(self.client.call("echo", {"text": "low"})), "low", "what is of Low risk goes on")
        self.assertIn("tools", self.client.ask("tools/list")["result"], "what calls nothing goes on")
        other = self.gate.client()
        self.assertIn("result", other.initialize())
        status, _, body = world.Http(self.gate.ready["url"] + "/readyz").exchange("GET")
        self.assertEqual((status, b"only calls of Low risk go on" in body), (200, True), body)
        took = self.recovers()
        print(f"        slowest refusal {slowest:.0f} ms, {took:.2f} s from room to the first call")
        self.assertIn("journal_off_reserve", self.gate.log.read_text())
        self.forwarded_is_on_record()

    def test_refuses_everything_without_a_reserve_until_there_is_room(self):
        self.begin("refuse")
        self.fill()
        slowest, reasons = self.refusals()
        self.assertIn("No space left", " ".join(reasons))
        self.assertIn("error", self.client.ask("ping"))
        took = self.recovers()
        print(f"        slowest refusal {slowest:.0f} ms, {took:.2f} s from room to the first call")
        self.forwarded_is_on_record()

    def test_asks_nobody_about_a_call_that_could_not_be_recorded(self):
        self.begin("refuse", policy="callgate: 1\ndefault: allow\ntools:\n  misbehave: {action: require_approval}\n")
        self.fill()
        self.refusals(1)
        self.refused_tool = "misbehave"
        _, reasons = self.refusals(1)
        self.assertIn("No space left", " ".join(reasons))
        self.refused_tool = "echo"
        self.recovers()


if __name__ == "__main__":
    world.main()
