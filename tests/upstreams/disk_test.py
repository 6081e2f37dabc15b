"""What the disk does to the gate, and what the gate leaves on it."""
import subprocess
import time

import world
from world import World, gate_binary


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


if __name__ == "__main__":
    world.main()
