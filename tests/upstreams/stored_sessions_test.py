"""Sessions of one gate that is stopped or killed and started again: its clients go on without opening new ones."""
import json
import signal
import sqlite3
import subprocess
import time
import urllib.parse

import world
from scripted_http import Scripted
from world import World, decision_of, stateless_call

POLICY = "callgate: 1\ndefault: allow\ntools:\n  echo: {action: allow, rate_limit: {max: 5, window: 1h, per: session}}\n"


class StartedAgain(World):
    policy = POLICY

    def again(self, before, how, start):
        """The gate of before ends; the next one stands on the same port, as clients expect."""
        before.process.send_signal(how)
        before.process.wait(world.LONG)
        (self.dir / "ready.json").unlink()
        return start()

    def starts(self, *upstream):
        """Starts the gate at an address that stays the same."""
        behind = ["--upstream", upstream[0]] if upstream[0].startswith("http") else ["--", *upstream]
        policy = self.write("policy.yaml", self.policy)
        listen = ["127.0.0.1:0"]

        def start():
            gate = self.started(["--policy", policy, "--listen", listen[0]], behind)
            listen[0] = gate.url.removeprefix("http://").removesuffix("/mcp")
            return gate
        return start

    def echo(self, client, text="x"):
        return client.call("echo", {"text": text})

    def assertEchoes(self, client):
        answer = self.echo(client)
        self.assertEqual(client.status, 200, answer)
        self.assertFalse(answer["result"].get("isError"), answer)

    def goes_on(self, *upstream):
        start = self.starts(*upstream)
        gate = start()
        client, ended = gate.client(), gate.client()
        client.initialize()
        ended.initialize()
        self.assertEchoes(client)
        self.assertEqual(ended.exchange("DELETE")[0], 200)
        for how in (signal.SIGTERM, signal.SIGKILL, signal.SIGKILL):
            gate = self.again(gate, how, start)
            self.assertEchoes(client)
            self.assertEqual(ended.exchange("POST", b'{"jsonrpc":"2.0","id":1,"method":"ping"}')[0], 404, "what ended stays ended")
        self.assertEqual(client.exchange("DELETE")[0], 200)
        gate = self.again(gate, signal.SIGKILL, start)
        self.assertEqual(client.exchange("POST", b'{"jsonrpc":"2.0","id":1,"method":"ping"}')[0], 404)

    def test_before_a_child(self):
        """Protocol item 22."""
        self.goes_on(*self.fake())
        self.assertEqual(len(self.seen("tools/call")), 4 + len([m for m in self.seen("tools/call") if m["params"]["name"] != "echo"]), "each call once")

    def test_before_a_server_over_http(self):
        """Protocol item 22."""
        self.goes_on(self.fake_http())

    def test_before_several_servers_at_one_address(self):
        """Protocol item 22."""
        policy = self.write("policy.yaml", POLICY)
        servers = "".join(f"  {name}: {{command: {json.dumps(self.fake())}, policy: {policy}}}\n" for name in ("one", "two"))
        listen = ["127.0.0.1:0"]

        def start():
            gate = self.started(["--config", self.write("callgate.yaml", f"listen: {listen[0]}\nauth: none\naggregate: true\nservers:\n{servers}")], [])
            listen[0] = gate.ready["url"].removeprefix("http://")
            return gate
        gate = start()
        client = world.Http(gate.ready["url"] + "/mcp")
        client.initialize()
        call = lambda: client.call("two__echo", {"text": "x"})["result"]
        self.assertFalse(call().get("isError"))
        for how in (signal.SIGTERM, signal.SIGKILL, signal.SIGKILL, signal.SIGKILL):
            gate = self.again(gate, how, start)
            self.assertFalse(call().get("isError"))
        gate = self.again(gate, signal.SIGKILL, start)
        self.assertTrue(call().get("isError"), "the sixth of five in an hour, whatever happened between")
        self.assertEqual(client.exchange("DELETE")[0], 200)
        gate = self.again(gate, signal.SIGKILL, start)
        self.assertEqual(client.exchange("POST", b'{"jsonrpc":"2.0","id":1,"method":"ping"}')[0], 404)

    def test_a_session_that_was_opened_just_before_the_kill_is_there(self):
        start = self.starts(*self.fake())
        gate = start()
        clients = [gate.client() for _ in range(20)]
        for client in clients:
            client.initialize()
        gate = self.again(gate, signal.SIGKILL, start)
        for client in clients[:3] + clients[-1:]:
            self.assertEchoes(client)

    def test_limits_of_a_session_do_not_begin_anew(self):
        """Security requirement S19."""
        start = self.starts(*self.fake())
        gate = start()
        client = gate.client()
        client.initialize()
        for _ in range(3):
            self.assertEchoes(client)
        gate = self.again(gate, signal.SIGTERM, start)
        verdicts = [decision_of(self.echo(client)).get("verdict", "allow") for _ in range(3)]
        self.assertEqual(verdicts, ["allow", "allow", "rate_limited"])

    def test_a_session_of_another_grant_is_not_found_afterwards_either(self):
        """Security requirement S18."""
        import subprocess
        self.write("policy.yaml", POLICY)
        self.write("callgate.yaml", f"listen: 127.0.0.1:0\nauth: grants\nservers:\n  it: {{command: {json.dumps(self.fake())}, policy: policy.yaml}}\n")
        options = ["--config", str(self.dir / "callgate.yaml")]
        tokens = [subprocess.run([world.gate_binary(), "grant", "create", name, "--server", "it", "--policy", str(self.dir / "policy.yaml"), "--data", str(self.dir / "data")],
                                 capture_output=True, text=True, check=True).stdout.strip() for name in ("ann", "bob")]
        gate = self.started(options, [])
        ann = gate.client(token=tokens[0])
        ann.initialize()
        self.assertEchoes(ann)
        gate = self.again(gate, signal.SIGKILL, lambda: self.started(options, []))
        bob, unknown = gate.client(token=tokens[1]), gate.client(token=tokens[1])
        bob.headers["Mcp-Session-Id"] = ann.headers["Mcp-Session-Id"]
        unknown.headers["Mcp-Session-Id"] = "0" * 64
        ping = b'{"jsonrpc":"2.0","id":1,"method":"ping"}'
        self.assertEqual(bob.exchange("POST", ping)[::2], unknown.exchange("POST", ping)[::2])
        again = gate.client(token=tokens[0])
        again.headers["Mcp-Session-Id"] = ann.headers["Mcp-Session-Id"]
        self.assertEchoes(again)

    def holds(self, name):
        """Another process has all of that database until it is let go of."""
        holder = sqlite3.connect(self.dir / "data" / name, isolation_level=None)
        self.addCleanup(holder.close)
        holder.execute("PRAGMA locking_mode=EXCLUSIVE")
        holder.execute("BEGIN EXCLUSIVE")
        return holder

    def waits_for(self, gate, word):
        until = time.monotonic() + world.LONG
        while word not in gate.log.read_text():
            self.assertLess(time.monotonic(), until, f"the log never says {word}")
            time.sleep(0.02)

    def status(self, client, method="POST"):
        return client.exchange(method, b'{"jsonrpc":"2.0","id":1,"method":"ping"}' if method == "POST" else None)[0]

    def test_a_file_that_another_process_holds_is_taken_up_later(self):
        start = self.starts(*self.fake())
        gate = start()
        old, ended = gate.client(), gate.client()
        for client in (old, ended):
            client.initialize()
            self.assertEchoes(client)
        gate.process.kill()
        gate.process.wait()
        holder = self.holds("sessions.db")
        began = time.monotonic()
        gate = self.again(gate, signal.SIGTERM, start)
        started = time.monotonic() - began
        self.assertIn("sessions_not_kept", gate.log.read_text())
        self.assertFalse((self.dir / "data" / "sessions.db.damaged").exists())
        self.assertEqual(self.status(ended, "DELETE"), 404, "nobody knows of it")
        clients = []

        def opens():
            clients.append(gate.client())
            began = time.monotonic()
            clients[-1].initialize()
            self.assertEchoes(clients[-1])
            return (time.monotonic() - began,)

        [opened] = self.in_time(opens, 0.5 if world.LONG <= 20 else 5)
        client = clients[-1]
        holder.close()
        began = time.monotonic()
        self.waits_for(gate, "sessions_kept_again")
        print(f"        ready in {started * 1000:.0f} ms while it was held, a session open in {opened * 1000:.0f} ms, taken up {(time.monotonic() - began) * 1000:.0f} ms after it was let go")
        self.assertEchoes(old)
        self.assertEqual(self.status(ended), 404, "what a client ended meanwhile is over")
        gate = self.again(gate, signal.SIGKILL, start)
        self.assertEchoes(old)
        self.assertEchoes(client)
        self.assertEqual(self.status(ended), 404)

    def test_before_several_servers_what_ended_while_the_file_was_held_is_over(self):
        policy = self.write("policy.yaml", POLICY)
        config = self.write("callgate.yaml", f"listen: 127.0.0.1:0\nauth: none\naggregate: true\nservers:\n  one: {{command: {json.dumps(self.fake())}, policy: {policy}}}\n")
        start = lambda: self.started(["--config", config], [])
        gate = start()
        old, ended = (world.Http(gate.ready["url"] + "/mcp") for _ in range(2))
        for client in (old, ended):
            client.initialize()
        gate.process.kill()
        gate.process.wait()
        holder = self.holds("sessions.db")
        gate = self.again(gate, signal.SIGTERM, start)
        for client in (old, ended):
            client.address = urllib.parse.urlsplit(gate.ready["url"] + "/mcp")
        self.assertEqual(self.status(ended, "DELETE"), 404)
        holder.close()
        self.waits_for(gate, "sessions_kept_again")
        self.assertEqual([self.status(each) for each in (old, ended)], [200, 404])

    def test_a_file_that_is_damaged_keeps_nobody_from_starting(self):
        start = self.starts(*self.fake())
        gate = start()
        gate.client().initialize()
        gate.process.kill()
        gate.process.wait()
        for name in ("sessions.db-wal", "sessions.db-shm"):
            (self.dir / "data" / name).unlink()
        (self.dir / "data" / "sessions.db").write_bytes(b"x" * 8192)
        gate = self.again(gate, signal.SIGTERM, start)
        self.assertIn("sessions_unreadable", gate.log.read_text())
        client = gate.client()
        client.initialize()
        self.assertEchoes(client)
        gate = self.again(gate, signal.SIGKILL, start)
        self.assertEchoes(client)

    def test_a_round_of_a_gate_that_was_killed_is_known_and_asked_anew(self):
        """Protocol item 58: its seal outlives the gate, its question does not."""
        self.policy = "callgate: 1\ndefault: allow\ntools:\n  echo: {action: require_approval}\n"
        start = self.starts(*self.fake())
        gate = start()
        first = stateless_call(gate.client(), "echo", {"text": "x"}, {"elicitation": {}})["result"]
        self.assertEqual(first["resultType"], "input_required", first)
        gate = self.again(gate, signal.SIGKILL, start)
        again = stateless_call(gate.client(), "echo", {"text": "x"}, {"elicitation": {}}, {"requestState": first["requestState"]})
        self.assertEqual(again["result"]["resultType"], "input_required", again)
        self.assertIn("inputRequests", again["result"], "a new question is shown")

    def rounds(self, policy):
        """A server that asks for more three times, then is content; gives `again()` and `call(state)`."""
        def script(incoming):
            message = incoming.message or {}
            if message.get("method") != "tools/call" or message["params"]["name"] != "odd":
                return False
            count = len(server.calls("odd"))
            incoming.result({"resultType": "input_required", "inputRequests": {"k": {"method": "elicitation/create", "params": {}}}, "requestState": f"s-{count}"} if count < 4
                            else {"resultType": "complete", "content": [{"type": "text", "text": "done"}]})
            return True
        server = Scripted(script)
        self.addCleanup(server.end)
        self.policy = policy
        return server, self.starts(server.url)

    def call(self, gate, state=None):
        more = {"requestState": state, "inputResponses": {"k": {"action": "accept"}}} if state else None
        return stateless_call(gate.client(), "odd", {}, {"elicitation": {}}, more)["result"]

    def test_a_call_of_several_rounds_is_counted_once_over_restarts_and_kills(self):
        """Protocol item 31."""
        server, start = self.rounds("callgate: 1\ndefault: allow\nelicitation: allow\ntools:\n  odd: {action: allow, rate_limit: {max: 1, window: 1h, per: server}}\n")
        gate = start()
        self.assertEqual(self.call(gate)["requestState"], "s-1")
        for state, how in (("s-1", signal.SIGKILL), ("s-2", signal.SIGTERM), ("s-3", signal.SIGKILL)):
            gate = self.again(gate, how, start)
            self.assertFalse(self.call(gate, state).get("isError"), state)
        gate = self.again(gate, signal.SIGKILL, start)
        for state in (None, "s-1", "s-2", "s-3"):
            self.assertEqual(decision_of({"result": self.call(gate, state)}).get("verdict"), "rate_limited", "used before: a call of its own")
        self.assertEqual(len(server.calls("odd")), 4)
        self.assertEqual((self.dir / "data" / "rounds.db").stat().st_mode & 0o777, 0o600)

    def test_a_person_is_asked_once_about_a_call_of_several_rounds(self):
        """Protocol item 31, security requirement S20."""
        server, start = self.rounds("callgate: 1\ndefault: allow\nelicitation: allow\ntools:\n  odd: {action: require_approval}\n")
        gate = start()
        asked = self.call(gate)
        waiting = json.loads(self.callgate("approvals", "list", "--json"))["approvals"]
        self.callgate("approvals", "approve", waiting[0]["id"], "--yes")
        self.assertEqual(self.call(gate, asked["requestState"])["requestState"], "s-1")
        for state, next_state in (("s-1", "s-2"), ("s-2", "s-3")):
            gate = self.again(gate, signal.SIGKILL, start)
            self.assertEqual(self.call(gate, state)["requestState"], next_state)
        self.assertEqual(json.loads(self.callgate("approvals", "list", "--json"))["approvals"], [], "nobody is asked again")
        self.assertTrue(self.call(gate, "s-2")["requestState"].startswith("callgate:q:"), "used before: a person is asked")
        self.assertEqual(len(server.calls("odd")), 3)

    def callgate(self, *words):
        return subprocess.run([world.gate_binary(), *words, "--data", str(self.dir / "data")], capture_output=True, text=True, check=True, timeout=world.LONG).stdout

    def test_a_file_of_rounds_that_is_damaged_keeps_nobody_from_starting(self):
        _, start = self.rounds("callgate: 1\ndefault: allow\nelicitation: allow\ntools:\n  odd: {action: allow, rate_limit: {max: 2, window: 1h, per: server}}\n")
        gate = start()
        self.call(gate)
        gate.process.kill()
        gate.process.wait()
        for name in ("rounds.db-wal", "rounds.db-shm"):
            (self.dir / "data" / name).unlink(missing_ok=True)
        (self.dir / "data" / "rounds.db").write_bytes(b"x" * 8192)
        gate = self.again(gate, signal.SIGTERM, start)
        self.assertFalse(self.call(gate, "s-1").get("isError"), "the second of two: counted anew")
        self.assertIn("rounds_unreadable", gate.log.read_text())
        self.assertEqual(decision_of({"result": self.call(gate)}).get("verdict"), "rate_limited")

    def test_a_file_of_rounds_that_another_process_holds_is_read_once_it_is_let_go(self):
        """Fails closed: meanwhile a round is counted as a call of its own, and no call waits for long."""
        server, start = self.rounds("callgate: 1\ndefault: allow\nelicitation: allow\ntools:\n  odd: {action: allow, rate_limit: {max: 1, window: 1h, per: server}}\n")
        gate = start()
        self.assertEqual(self.call(gate)["requestState"], "s-1")
        gate.process.kill()
        gate.process.wait()
        holder = self.holds("rounds.db")
        began = time.monotonic()
        gate = self.again(gate, signal.SIGTERM, start)
        started = time.monotonic() - began

        def meanwhile():
            began = time.monotonic()
            self.assertEqual(decision_of({"result": self.call(gate, "s-1")}).get("verdict"), "rate_limited")
            return (time.monotonic() - began,)

        [refused] = self.in_time(meanwhile, 1.5 if world.LONG <= 20 else 5)
        self.assertEqual(len(server.calls("odd")), 1)
        holder.close()
        began = time.monotonic()
        while self.call(gate, "s-1").get("isError"):
            self.assertLess(time.monotonic() - began, world.LONG)
        print(f"        ready in {started * 1000:.0f} ms while it was held, refused in {refused * 1000:.0f} ms, goes on {(time.monotonic() - began) * 1000:.0f} ms after it was let go")
        self.assertEqual(len(server.calls("odd")), 2)


if __name__ == "__main__":
    world.main()
