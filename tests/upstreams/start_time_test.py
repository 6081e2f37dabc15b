"""How long a start takes after many recorded calls: the counters' snapshot and the journal's tail are read, nothing else.

CALLGATE_JOURNAL_CALLS says how many calls were recorded (200,000 by default; 10,000,000 take 12 GB and some minutes).
BUSY_JOURNAL is the program that records them, by the gate's own journal.
"""
import os
import shutil
import subprocess
import time

import world
from world import World, decision_of, text_of

CALLS = int(os.environ.get("CALLGATE_JOURNAL_CALLS", 200_000))
# Snapshots are ten seconds or 100,000 records apart, so no tail of a journal is longer.
TAIL = min(CALLS // 3, 200_000)
READY_S = 1.0 if world.LONG <= 20 else 10.0


class StartTime(World):
    def recorded(self):
        """The data folder of a gate that was killed after so many calls; gives how many of them were counted."""
        program = os.environ.get("BUSY_JOURNAL", "")
        if not os.access(program, os.X_OK):
            self.skipTest("set BUSY_JOURNAL to the program that records calls, as in: BUSY_JOURNAL=build/dev/busy-journal")
        subprocess.run([program, str(self.dir / "data"), str(CALLS), str(TAIL)], check=True, timeout=world.LONG * 3 + CALLS / 5_000)
        return (CALLS - TAIL + 1) // 2 + (TAIL + 1) // 2

    def ready_in(self, policy):
        """A gate, and the seconds until it was ready; one that was late is killed and tried again with the counters of before."""
        counters, kept, gates = self.dir / "data" / "counters", self.dir / "kept", []
        shutil.rmtree(kept, ignore_errors=True)
        shutil.copytree(counters, kept)

        def start():
            if gates:
                gates[-1].process.kill()
                gates[-1].process.wait()
                shutil.copytree(kept, counters, dirs_exist_ok=True)
            (self.dir / "ready.json").unlink(missing_ok=True)
            began = time.monotonic()
            gates.append(self.started(["--policy", policy, "--listen", "127.0.0.1:0"], ["--", *self.fake()]))
            return (time.monotonic() - began,)

        [took] = self.in_time(start, READY_S)
        return gates[-1], took

    def verdicts(self, gate, count):
        client = gate.client()
        client.initialize()
        answers = [client.call("echo", {"text": "x"}) for _ in range(count)]
        return [decision_of(answer).get("verdict") or text_of(answer) for answer in answers]

    def test_is_ready_within_a_second_however_much_was_recorded_and_forgot_nothing(self):
        used = self.recorded()
        policy = self.write("policy.yaml", f"callgate: 1\ndefault: deny\ntools:\n  echo: {{action: allow, rate_limit: {{max: {used + 3}, window: 30d, per: server}}}}\n")
        size = sum(path.stat().st_size for path in (self.dir / "data" / "journal").rglob("*.jsonl")) >> 20
        gate, first = self.ready_in(policy)
        self.assertIn(f'"counted":{(TAIL + 1) // 2},', gate.log.read_text(), "of the journal's tail")
        self.assertEqual(self.verdicts(gate, 2), ["x"] * 2)
        gate.process.kill()
        gate.process.wait()
        gate, second = self.ready_in(policy)
        self.assertEqual(self.verdicts(gate, 2), ["x", "rate_limited"], "all that were recorded, before and behind the snapshot, count")
        gate.end()
        _, third = self.ready_in(policy)
        print(f"        {CALLS:,} calls in {size:,} MiB, {TAIL:,} of them behind the snapshot: ready in {first * 1000:.0f} ms; "
              f"in {second * 1000:.0f} ms after another kill, in {third * 1000:.0f} ms after an end")


if __name__ == "__main__":
    world.main()
