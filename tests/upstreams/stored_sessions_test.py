"""Sessions of one gate that is stopped or killed and started again: its clients go on without opening new ones."""
import json
import signal
import time

import world
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


if __name__ == "__main__":
    world.main()
