"""The gate is killed at random moments under load: nothing was forwarded that is not on record, no limit was passed.

CALLGATE_KILLS says how often (40 by default; `./dev soak` takes 200, which need about a minute).
"""
import glob
import json
import os
import random
import subprocess
import threading
import time

import world
from scripted_http import Scripted
from world import Http, World, decision_of, gate_binary

KILLS = int(os.environ.get("CALLGATE_KILLS", "40"))
CALLERS = 4
# Calls that the limit lets through in all: most kills come while it counts, and the last ones when nothing may pass any more.
MOST = 70 * KILLS
POLICY = f"callgate: 1\ndefault: deny\ntools:\n  odd: {{action: allow, rate_limit: {{max: {MOST}, window: 1d, per: server}}}}\n  plain: {{action: allow}}\n"


class Killed(World):
    def load(self, url, over, answered):
        """One client after another, each calling as fast as it is answered, until the gate is gone."""
        def calls():
            while not over.is_set():
                try:
                    client = Http(url)
                    client.initialize()
                    while not over.is_set():
                        client.call(random.choice(["odd", "plain", "plain", "plain"]), limit=5)
                        answered.append(client.status)
                except (OSError, ValueError, AttributeError, KeyError):
                    time.sleep(0.005)
        threads = [threading.Thread(target=calls, daemon=True) for _ in range(CALLERS)]
        for thread in threads:
            thread.start()
        return threads

    def decisions(self):
        """Of all chains: how often each tool was allowed."""
        allowed = {}
        for name in glob.glob(str(self.dir / "data" / "journal" / "*" / "*.jsonl")):
            with open(name, encoding="utf-8") as file:
                for line in file:
                    record = json.loads(line) if line.endswith("\n") else {}
                    if record.get("method") == "tools/call" and record.get("verdict") == "allow":
                        allowed[record["tool"]] = allowed.get(record["tool"], 0) + 1
        return allowed

    def use_up(self):
        """What the kills left of the limit."""
        (self.dir / "ready.json").unlink(missing_ok=True)
        gate = self.serve(self.server.url, policy=POLICY)
        client = Http(gate.url)
        client.initialize()
        deadline = time.monotonic() + 3 * world.LONG
        while decision_of(client.call("odd")).get("verdict") != "rate_limited":
            self.assertLess(time.monotonic(), deadline)
        gate.process.terminate()
        gate.process.wait()

    def torn(self):
        """Segments that end in an unfinished line."""
        count = 0
        for name in glob.glob(str(self.dir / "data" / "journal" / "*" / "*.jsonl")):
            with open(name, "rb") as file:
                text = file.read()
                count += not text.rstrip(b"\0").endswith(b"\n") and len(text) > 0
        return count

    def test_nothing_was_forwarded_without_a_record_and_no_limit_was_passed(self):
        """Security requirements S6, S19, S24."""
        server = self.server = Scripted()
        self.addCleanup(server.end)
        dice = random.Random(7)
        answered, starts = [], []
        for _ in range(KILLS):
            (self.dir / "ready.json").unlink(missing_ok=True)
            began = time.monotonic()
            gate = self.serve(server.url, policy=POLICY)
            starts.append(time.monotonic() - began)
            over = threading.Event()
            threads = self.load(gate.url, over, answered)
            time.sleep(dice.uniform(0.05, 0.4))  # the moment of death is the input of this test
            gate.process.kill()
            gate.process.wait()
            over.set()
            for thread in threads:
                thread.join(world.LONG)
        self.use_up()
        allowed = self.decisions()
        torn = self.torn()
        arrived = {tool: len(server.calls(tool)) for tool in ("odd", "plain")}
        proof = subprocess.run([gate_binary(), "audit", "verify", "--data", str(self.dir / "data")], capture_output=True, text=True)
        without = sum(max(0, count - allowed.get(tool, 0)) for tool, count in arrived.items())
        print(f"        {KILLS} kills, {len(answered)} calls answered, {sum(arrived.values())} forwarded, {without} of them without a record, {torn} torn records, "
              f"{arrived['odd']} calls of the {MOST} that the limit allows, {MOST - arrived['odd']} lost to kills, chain {'verifies' if proof.returncode == 0 else 'broken'}, slowest start {max(starts):.2f} s")
        # The kernel may end a write of several pages at a page when its process is killed: such a line allows nothing.
        self.assertLessEqual(torn, max(1, KILLS // 50))
        self.assertEqual(without, 0)
        self.assertLessEqual(allowed["odd"], MOST)
        self.assertGreaterEqual(arrived["odd"], MOST - CALLERS * KILLS, "a kill loses the share of at most each call under way")
        # On a machine that others are busy on, one or two of so many fall where it stands still.
        self.assertLessEqual(sum(each >= (5 if world.LONG > 20 else 1) for each in starts), max(2, KILLS // 20), sorted(starts)[-5:])
        self.assertEqual(proof.returncode, 0, proof.stdout + proof.stderr)


if __name__ == "__main__":
    world.main()
