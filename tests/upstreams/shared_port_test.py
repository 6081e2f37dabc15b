"""Several gateways on one port: the kernel deals connections out, one leaves and another comes, and no call is lost."""
import asyncio
import collections
import json
import shlex
import signal
import socket
import subprocess
import threading
import time
import urllib.parse

import wire
import world
from shared_world import SLOW, Shared
from wire import Wire
from world import decision_of, gate_binary, request

LIMIT = 100
POLICY = f"""callgate: 1
default: deny
tools:
  odd: {{action: allow, rate_limit: {{max: {LIMIT}, window: 1d, per: server}}}}
  plain: {{action: allow}}
"""


class OnePort(Shared):
    policy = POLICY
    port = 0

    def setUp(self):
        super().setUp()
        self.shared = self.store()

    def member(self, name, more=""):
        """A further gateway on the port; the first one finds it."""
        gate = self.gate(name, self.shared.port, more=f"reuse_port: true\nlimits: {{sessions_per_grant: 1000}}\n{more}", listen=f"127.0.0.1:{self.port}")
        self.port = urllib.parse.urlsplit(gate.url).port
        return gate

    def recorded(self, name, tool):
        """Calls of a tool that this gateway let through, by its own journal."""
        done = subprocess.run([gate_binary(), "audit", "search", str(self.dir / name / "data"), "--tool", tool, "--verdict", "allow", "--json", "--lines", "1000000"],
                              capture_output=True, text=True, timeout=world.LONG)
        return sum("verdict" in json.loads(line) for line in done.stdout.splitlines())

    def complaint(self, name, listen, more):
        """How a gateway ends that cannot start."""
        with self.assertRaises(AssertionError) as found:
            self.gate(name, self.shared.port, more=more, listen=listen)
        self.assertIn("exit 3", str(found.exception))
        return str(found.exception)


class Agent:
    """Calls one after another in a session of its own, on a connection that it keeps or on a new one each time."""

    def __init__(self, url, keeps):
        self.wire, self.keeps, self.answers = Wire(url), keeps, []

    async def begin(self):
        await self.wire.initialize()

    async def work(self, over, number):
        while not over.is_set():
            # Who sees that a connection was closed before it sends takes another; who has sent needs an answer.
            if not self.keeps or (self.wire.reader is not None and self.wire.reader.at_eof()):
                self.wire.close()
            tool = "odd" if number % 4 == 0 else "plain"
            number += 1
            began = time.monotonic()
            try:
                status, fields, text = await self.wire.exchange("POST", request(number, "tools/call", {"name": tool, "arguments": {}}))
                answer = json.loads(text)
                right = status == 200 and answer["id"] == number and "result" in answer
                self.answers.append((tool, "answered" if right else "told" if status == 503 and "retry-after" in fields else f"{status} {text[:200]}",
                                     decision_of(answer).get("verdict", "allow"), began, time.monotonic()))
            except (OSError, EOFError, ValueError) as fault:
                self.answers.append((tool, f"lost: {fault!r}", None, began, time.monotonic()))
                self.wire.close()


class UnderLoad(OnePort):
    def test_one_leaves_and_another_comes_and_no_call_is_lost(self):
        wire.raise_file_limit(2000)
        gates = [self.member("a"), self.member("b")]
        agents = [Agent(gates[0].url, keeps=number % 3 != 0) for number in range(36)]
        pause = 2.0 if SLOW else 1.0

        async def all_of_it():
            for each in agents:  # one by one: each a connection of its own
                await each.begin()
            over = asyncio.Event()
            work = [asyncio.ensure_future(each.work(over, 1000 * at)) for at, each in enumerate(agents)]
            await asyncio.sleep(pause)
            leaving = time.monotonic()
            gates[0].process.send_signal(signal.SIGTERM)
            status = await asyncio.to_thread(gates[0].process.wait, world.LONG)
            left = time.monotonic()
            gates.append(await asyncio.to_thread(self.member, "c"))
            await asyncio.sleep(pause)
            over.set()
            await asyncio.gather(*work)
            return status, leaving, left

        status, leaving, left = asyncio.run(all_of_it())
        answers = [answer for each in agents for answer in each.answers]
        told = sum(what == "told" for _, what, *_ in answers)
        lost = [what for _, what, *_ in answers if what not in ("answered", "told")]
        recorded = {name: self.recorded(name, "plain") + self.recorded(name, "odd") for name in "abc"}
        verdicts = collections.Counter(verdict for tool, what, verdict, *_ in answers if (tool, what) == ("odd", "answered"))
        slowest = max(answered - began for *_, began, answered in answers if leaving - 0.1 < began < left + 0.1)
        print(f"        {len(answers)} calls, {len(lost)} lost, {told} told to come back; one left in {left - leaving:.2f} s, the slowest call meanwhile took "
              f"{slowest:.2f} s; let through: {recorded}; {len(self.arrived('odd'))} of {LIMIT}")
        self.assertEqual(lost, [])
        self.assertLess(told, len(answers) / 100)
        self.assertEqual(status, 0)
        self.assertTrue(all(count > 0 for count in recorded.values()), "each of them was given connections")
        # The limit is held by all together, and what arrived is on record at one of them.
        # A call whose count came back too late is refused, and may have been counted.
        self.assertIn(len(self.arrived("odd")), range(LIMIT - verdicts["fault"], LIMIT + 1))
        self.assertEqual(verdicts["allow"], len(self.arrived("odd")))
        self.assertEqual(set(verdicts) - {"fault"}, {"allow", "rate_limited"})
        self.assertEqual(sum(recorded.values()), len(self.arrived("plain")) + len(self.arrived("odd")))
        for name in "abc":
            done = subprocess.run([gate_binary(), "audit", "verify", str(self.dir / name / "data")], capture_output=True, text=True, timeout=world.LONG)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)


class Ending(OnePort):
    @world.beside
    def test_is_over_in_30_seconds_whatever_holds_it_up(self):
        """A port to leave, a connection that says nothing, a call without an answer, a store that hangs and a child that does not want to end."""
        stubborn = f"trap '' TERM; {shlex.join(self.fake())}; while :; do sleep 100; done"
        self.write("a/policy.yaml", "callgate: 1\ndefault: allow\n")
        config = self.write("a/callgate.yaml", f"listen: 127.0.0.1:0\nauth: none\nreuse_port: true\nstate: redis://127.0.0.1:{self.shared.port}/0\n"
                            f"servers:\n  it: {{command: {json.dumps(['/bin/sh', '-c', stubborn])}, policy: policy.yaml}}\n")
        gate = world.Gate(self.dir / "a", [gate_binary(), "serve", "--config", config, "--data", str(self.dir / "a" / "data")], [])
        self.addCleanup(gate.end)
        self.addCleanup(self.shared.thaw)
        client = gate.client()
        client.initialize()
        said = []
        call = threading.Thread(target=lambda: said.append(client.call("misbehave", {"how": "slow", "size": 3000}, 60)), daemon=True)
        call.start()
        while not [m for m in self.seen("tools/call") if m["params"].get("name") == "misbehave"]:
            time.sleep(0.01)
        with socket.create_connection(("127.0.0.1", urllib.parse.urlsplit(gate.url).port)):
            self.shared.freeze()
            began = time.monotonic()
            gate.process.send_signal(signal.SIGTERM)
            call.join(60)
            told = time.monotonic() - began
            self.assertEqual(gate.process.wait(60), 0)
        over = time.monotonic() - began
        print(f"        the call was told after {told:.1f} s, all was over after {over:.1f} s")
        self.assertEqual(said[0]["error"]["code"], -32603)
        self.assertLess(over, 30)


class Starting(OnePort):
    def test_a_port_that_is_not_shared_by_all_is_taken(self):
        gate = self.member("a")
        taken = f"cannot listen on 127.0.0.1:{self.port}"
        self.assertIn(taken, self.complaint("b", f"127.0.0.1:{self.port}", ""))
        alone = self.gate("c", self.shared.port)
        port = urllib.parse.urlsplit(alone.url).port
        said = self.complaint("d", f"127.0.0.1:{port}", "reuse_port: true\n")
        self.assertIn(f"cannot listen on 127.0.0.1:{port}", said)
        self.assertIn("every gateway there needs `reuse_port: true`", said)
        self.assertTrue(gate.alive() and alone.alive())

    def test_each_has_an_admin_listener_of_its_own_or_none(self):
        first = self.member("a", "admin: {listen: 127.0.0.1:0}\n")
        admin = urllib.parse.urlsplit(first.ready["admin"]).port
        said = self.complaint("b", f"127.0.0.1:{self.port}", f"reuse_port: true\nadmin: {{listen: 127.0.0.1:{admin}}}\n")
        self.assertIn("`reuse_port` shares no admin listener: give this gateway another (`--admin HOST:PORT`)", said)
        self.assertIsNone(self.member("c").ready["admin"])

    def test_without_a_shared_state_it_does_not_start(self):
        self.write("policy.yaml", POLICY)
        config = self.write("callgate.yaml", f"listen: 127.0.0.1:0\nreuse_port: true\nservers:\n  it: {{url: {self.server.url}, policy: policy.yaml}}\n")
        done = subprocess.run([gate_binary(), "serve", "--config", config, "--data", str(self.dir / "data")], capture_output=True, text=True, timeout=world.LONG)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("callgate.yaml:2:1: `reuse_port` needs `state: redis://", done.stderr)


if __name__ == "__main__":
    world.main()
