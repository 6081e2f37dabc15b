"""Servers that try to get more out of the gate than they are given, and ends that come at the wrong moment."""
import json
import socket
import sys
import threading
import time
from http.client import HTTPConnection

import world
from scripted_http import TOOLS, Scripted
from world import Http, World, decision_of, request

MODERN = {"io.modelcontextprotocol/protocolVersion": "2026-07-28", "io.modelcontextprotocol/clientCapabilities": {}}
OPEN = "callgate: 1\ndefault: allow\ntools:\n  hidden: {action: hide}\n"

# A server of 2026-07-28 that asks its client in the midst of a call, as none of that revision may.
PUSHES = '''
import json, sys
for line in sys.stdin:
    message = json.loads(line)
    if "id" not in message or "method" not in message:
        continue
    say = lambda member: print(json.dumps({"jsonrpc": "2.0", "id": message["id"], **member}), flush=True)
    if message["method"] == "server/discover":
        say({"result": {"resultType": "complete", "supportedVersions": ["2026-07-28"], "capabilities": {"tools": {}}}})
    elif message["method"] == "tools/list":
        say({"result": {"resultType": "complete", "tools": [{"name": "push", "inputSchema": {"type": "object"}}]}})
    elif message["method"] == "tools/call":
        say({"id": "asks", "method": "sampling/createMessage", "params": {"messages": [], "maxTokens": 1}})
        say({"result": {"resultType": "complete", "content": []}})
    else:
        say({"error": {"code": -32601, "message": "Method not found"}})
'''


def is_call(incoming, tool):
    message = incoming.message or {}
    return message.get("method") == "tools/call" and message["params"]["name"] == tool


class Over_http(World):
    def behind(self, script=None, policy=OPEN, settings="", handshake=None):
        server = Scripted(script, handshake)
        self.addCleanup(server.end)
        self.over = threading.Event()
        self.addCleanup(self.over.set)
        return server, self.serve_config(url=server.url, policy=policy, settings=settings)

    def session(self, gate):
        client = gate.client()
        client.initialize()
        return client

    def call_in_the_background(self, gate, client, tool):
        """A call on a connection of its own; the list gets its answer."""
        answers = []
        other = Http(gate.url)
        other.headers = dict(client.headers)
        thread = threading.Thread(target=lambda: answers.append(other.post(request("late", "tools/call", {"name": tool, "arguments": {}}))), daemon=True)
        thread.start()
        return thread, answers

    def fails_once_after(self, meanwhile):
        """A call is under way while the client does something else, then its server fails: it must not run again."""
        arrived, go_on = threading.Event(), threading.Event()

        def script(incoming):
            if is_call(incoming, "odd"):
                arrived.set()
                go_on.wait(world.LONG)
                return incoming.status(500) or True
            if incoming.message and incoming.message.get("method") == "ping":
                return incoming.status(404) or True
            return False

        server, gate = self.behind(script)
        client = self.session(gate)
        thread, answers = self.call_in_the_background(gate, client, "odd")
        self.assertTrue(arrived.wait(world.LONG))
        meanwhile(client)
        go_on.set()
        thread.join(world.LONG)
        self.assertIn("error", answers[0])
        self.assertEqual(len(server.calls("odd")), 1)

    def test_a_call_does_not_run_again_because_the_session_was_lost_meanwhile(self):
        """Protocol item 22."""
        self.fails_once_after(lambda client: client.ask("ping"))

    def test_a_call_does_not_run_again_when_its_session_was_ended(self):
        self.fails_once_after(lambda client: client.exchange("DELETE"))

    def test_what_was_sent_counts_also_when_the_server_knows_no_session(self):
        """Security requirement S19, protocol item 34: a limit is given back only when no byte was sent."""
        def script(incoming):
            return is_call(incoming, "odd") and (incoming.status(404) or True)

        server, gate = self.behind(script, policy="callgate: 1\ndefault: deny\ntools:\n  odd: {action: allow, rate_limit: {max: 2, window: 1h}}\n")
        client = self.session(gate)
        verdicts = [decision_of(client.call("odd")).get("verdict") for _ in range(5)]
        self.assertEqual(verdicts[1:], ["rate_limited"] * 4)
        self.assertLessEqual(len(server.calls("odd")), 2)  # one that goes once more, on a new session, counts once more

    def test_what_was_sent_counts_also_when_no_new_session_can_be_opened(self):
        """Security requirement S19: a server that runs a call, forgets the session and opens no other gives nothing back."""
        forgot = threading.Event()

        def script(incoming):
            if is_call(incoming, "odd"):
                forgot.set()
                return incoming.status(404) or True
            return forgot.is_set() and incoming.verb == "POST" and incoming.message.get("method") == "initialize" and (incoming.status(500) or True)

        server, gate = self.behind(script, policy="callgate: 1\ndefault: deny\ntools:\n  odd: {action: allow, rate_limit: {max: 1, window: 1h, per: grant}}\n")
        client = self.session(gate)
        client.call("odd")
        forgot.clear()
        self.assertEqual(decision_of(self.session(gate).call("odd")).get("verdict"), "rate_limited")
        self.assertEqual(len(server.calls("odd")), 1)

    def test_a_list_does_not_come_in_by_a_resumed_stream(self):
        """Security requirement S21, protocol item 71: what is resumed was decided before; a list that nobody filtered is not let in."""
        asked, lie = [], threading.Event()

        def script(incoming):
            if lie.is_set() and incoming.verb == "POST" and incoming.message.get("method") == "tools/list":
                asked.append(incoming.message["id"])
                incoming.stream()
                incoming.event(identity="e1")
                return True
            if incoming.verb == "GET":
                incoming.stream()
                incoming.event({"jsonrpc": "2.0", "id": asked[0], "result": {"tools": TOOLS}}, identity="e2")
                return True
            return False

        _, gate = self.behind(script)
        client = self.session(gate)
        client.call("plain")
        lie.set()
        answer = client.ask("tools/list")
        self.assertIn("error", answer)
        status, _, body = client.exchange("GET", headers={"Last-Event-ID": "e1"})
        self.assertNotIn(b"hidden", body, status)

    def test_the_answer_of_a_call_may_come_by_a_resumed_stream(self):
        asked = []

        def script(incoming):
            if is_call(incoming, "odd"):
                asked.append(incoming.message["id"])
                incoming.stream()
                incoming.event(identity="e1")
                return True
            if incoming.verb == "GET" and asked:
                incoming.stream()
                incoming.event({"jsonrpc": "2.0", "id": asked[0], "result": {"content": [{"type": "text", "text": "late"}]}}, identity="e2")
                return True
            return False

        _, gate = self.behind(script)
        client = self.session(gate)
        self.assertIsNone(client.call("odd"))
        _, _, body = client.exchange("GET", headers={"Last-Event-ID": "e1"})
        self.assertIn(b"late", body)

    def test_the_servers_revision_does_not_become_a_header(self):
        """Protocol item 17."""
        server, gate = self.behind(handshake={"protocolVersion": "2025-11-25\r\nX-Evil: injected"})
        client = gate.client()
        self.assertIn("error", client.post(request("init", "initialize", {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "w", "version": "1"}})))
        self.assertEqual([headers for _, headers, _ in server.seen if "X-Evil" in headers], [])

    def test_an_endless_answer_to_a_refusal_does_not_hold_the_call(self):
        def script(incoming):
            if is_call(incoming, "odd"):
                incoming.stream()
                incoming.event({"jsonrpc": "2.0", "id": "q1", "method": "sampling/createMessage", "params": {"messages": [], "maxTokens": 1}})
                incoming.event({"jsonrpc": "2.0", "id": incoming.message["id"], "result": {"content": [{"type": "text", "text": "done"}]}})
                return True
            if incoming.message and "error" in incoming.message:
                incoming.stream()
                incoming.flood(self.over)
                return True
            return False

        _, gate = self.behind(script)
        self.assertEqual(world.text_of(self.session(gate).call("odd")), "done")

    def test_an_endless_answer_to_a_notification_does_not_hold_the_client(self):
        def script(incoming):
            if incoming.message and incoming.message.get("method") == "notifications/roots/list_changed":
                incoming.stream()
                incoming.flood(self.over)
                return True
            return False

        _, gate = self.behind(script)
        client = self.session(gate)
        self.assertIsNone(client.post({"jsonrpc": "2.0", "method": "notifications/roots/list_changed"}))
        self.assertEqual(client.status, 202)

    def test_tasks_of_others_are_out_of_reach(self):
        """Security requirement S8, protocol item 32."""
        def script(incoming):
            if not incoming.message or incoming.message.get("method") != "tasks/list":
                return False
            incoming.result({"tasks": [{"taskId": "theirs", "status": "working"}]})
            return True

        server, gate = self.behind(script)
        client = self.session(gate)
        self.assertEqual(client.ask("tasks/list")["result"]["tasks"], [])
        for method in ("tasks/get", "tasks/result", "tasks/cancel"):
            self.assertEqual(client.ask(method, {"taskId": "theirs"})["error"], {"code": -32602, "message": "Unknown task"})
        self.assertEqual({m["method"] for _, _, m in server.seen if m and str(m.get("method", "")).startswith("tasks/")}, {"tasks/list"})

    def modern(self, gate, method, params, name=None):
        fields = {"MCP-Protocol-Version": "2026-07-28", "Mcp-Method": method, **({"Mcp-Name": name} if name else {})}
        client = Http(gate.url)
        client.headers.update(fields)
        return client.post(request(1, method, {**params, "_meta": MODERN}))

    def test_what_a_modern_server_asks_of_the_client_is_decided(self):
        def script(incoming):
            if not is_call(incoming, "odd"):
                return False
            wanted = {"k": {"method": "sampling/createMessage", "params": {"messages": [], "maxTokens": 5}}}
            incoming.result({"resultType": "input_required", "inputRequests": wanted, "requestState": "x"})
            return True

        _, gate = self.behind(script)
        answer = self.modern(gate, "tools/call", {"name": "odd", "arguments": {}}, "odd")["result"]
        self.assertTrue(answer["isError"])
        self.assertIn("sampling/createMessage", answer["content"][0]["text"])
        self.assertNotIn("inputRequests", answer)

    def test_what_a_modern_server_asks_in_a_filtered_list_is_decided_too(self):
        """Protocol item 84, with the one above."""
        def script(incoming):
            message = incoming.message or {}
            if message.get("method") != "tools/list" or "clientAsks" not in message.get("params", {}):
                return False
            wanted = {"k": {"method": "sampling/createMessage", "params": {"messages": [], "maxTokens": 5}}}
            incoming.result({"tools": TOOLS, "inputRequests": wanted})
            return True

        _, gate = self.behind(script)
        self.assertNotIn("hidden", json.dumps(self.modern(gate, "tools/list", {})))
        for _ in range(2):  # neither when it is read nor when it could be remembered
            answer = self.modern(gate, "tools/list", {"clientAsks": True})
            self.assertIn("sampling/createMessage", answer["error"]["message"])

    def test_a_modern_client_does_not_listen_past_the_rules(self):
        """Protocol items 26, 74."""
        policy = OPEN + 'resources:\n  "file:///secret/*": {action: hide}\n'
        server, gate = self.behind(policy=policy)
        watched = ["file:///secret/x", "file:///open/y"]
        self.modern(gate, "subscriptions/listen", {"notifications": {"resourceSubscriptions": watched}})
        filters = [m["params"]["notifications"] for _, _, m in server.seen if m and m.get("method") == "subscriptions/listen"]
        self.assertEqual(filters, [{"resourceSubscriptions": ["file:///open/y"]}])

    def test_the_agent_does_not_learn_where_the_server_is(self):
        """Security requirement S25: the texts of errors are the gate's own."""
        server, gate = self.behind()
        client = self.session(gate)
        server.end()
        self.assertNotIn("127.0.0.1", json.dumps(client.call("plain")))


class As_a_child(World):
    """The gate outlives whatever a child says at the wrong moment."""

    def stream(self, gate, client):
        """An open GET stream, as a socket, once its head has come."""
        wire = socket.create_connection((client.address.hostname, client.address.port), timeout=world.LONG)
        self.addCleanup(wire.close)
        wire.sendall(f"GET {client.address.path} HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n"
                     f"Mcp-Session-Id: {client.headers['Mcp-Session-Id']}\r\n\r\n".encode())
        self.assertIn(b"200", wire.recv(4096))
        return wire

    def test_a_stream_that_ends_while_the_tools_are_read_anew_does_no_harm(self):
        gate = self.serve(*self.fake("--start", "changes_its_list_slowly"))
        client = gate.client()
        client.initialize()
        for _ in range(3):
            wire = self.stream(gate, client)
            client.call("misbehave", {"text": "change"})
            wire.close()
            client.call("echo", {"text": "on"})
        self.assertTrue(gate.alive(), gate.last_words())

    def test_a_child_that_asks_while_its_session_ends_does_no_harm(self):
        gate = self.serve(*self.fake("--start", "asks_without_end"))
        for _ in range(5):
            client = gate.client()
            client.initialize()
            self.assertEqual(client.exchange("DELETE")[0], 200)
        self.assertTrue(gate.alive(), gate.last_words())

    def pushed_to(self, call):
        """A client of a server that asks in the midst of a call, as its revision does not know it."""
        gate = self.serve(sys.executable, self.write("pushes.py", PUSHES), policy="callgate: 1\ndefault: allow\nsampling: allow\n")
        client = gate.client()
        call(client)
        self.assertNotIn("sampling", json.dumps(getattr(client, "events", [])))
        gate.end()
        records = [json.loads(line) for file in (self.dir / "data" / "journal").rglob("*.jsonl") for line in file.read_text().splitlines()]
        self.assertEqual([record.get("refused") for record in records if record.get("method") == "sampling/createMessage"],
                         ["the server sent a request, which its revision does not have"])

    def test_a_request_that_no_revision_of_its_server_has_is_on_record(self):
        """Protocol item 75."""
        self.pushed_to(lambda client: world.stateless_call(client, "push", {}, {"sampling": {}}))

    def test_a_request_that_no_revision_of_its_server_has_reaches_no_session_whose_revision_has_it(self):
        """Protocol item 75, behind a bridge."""
        def call(client):
            client.initialize(capabilities={"sampling": {}})
            client.call("push")

        self.pushed_to(call)

    def test_a_program_that_ends_unheard_is_started_less_and_less_often_until_it_speaks(self):
        """Protocol item 80."""
        starts, works = self.dir / "starts", self.dir / "works"
        program = f"import os, sys; open({str(starts)!r}, 'a').write('x'); os.path.exists({str(works)!r}) and os.execv(sys.executable, {self.fake()!r})"
        gate = self.serve(sys.executable, "-c", program)
        answers = []
        for _ in range(60):
            client = gate.client()
            answers.append(json.dumps(client.post(request("init", "initialize", {"protocolVersion": world.LATEST_HANDSHAKE, "capabilities": {}, "clientInfo": {"name": "w", "version": "1"}}))))
        count = len(starts.read_text())
        print(f"        60 handshakes, {count} starts")
        self.assertLess(count, 20)
        self.assertTrue(any("times in a row before it said anything" in answer for answer in answers), answers[-1])
        works.touch()
        until = time.monotonic() + world.LONG
        while "result" not in (answer := gate.client().initialize()) and time.monotonic() < until:
            time.sleep(0.1)
        self.assertIn("result", answer)

    def test_lines_that_are_no_messages_are_counted(self):
        """Protocol item 80."""
        gate = self.started(["--policy", self.write("policy.yaml", world.ALLOW), "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"], ["--", *self.fake()])
        client = gate.client()
        client.initialize()
        self.assertEqual(world.text_of(client.call("misbehave", {"how": "rubbish"})), "done")
        metrics = Http(gate.ready["admin"] + "/metrics", token=(self.dir / "data" / "admin.token").read_text().strip())
        lines = [line for line in metrics.exchange("GET")[2].decode().splitlines() if line.startswith("callgate_upstream_lines_skipped_total")]
        self.assertEqual(len(lines), 1, lines)
        self.assertGreater(int(lines[0].split()[-1]), 0)

    def test_a_client_that_does_not_read_its_stream_does_no_harm(self):
        """Protocol item 79."""
        self.around = world.forgets_what_is_freed()
        gate = self.serve(*self.fake())
        client = gate.client()
        client.initialize()
        wire = self.stream(gate, client)
        for _ in range(5):
            client.call("misbehave", {"how": "flood_of_big_notes"})
        wire.shutdown(socket.SHUT_WR)
        self.assertEqual(world.text_of(client.call("echo", {"text": "on"})), "on")
        resident = gate.resident_mib()
        print(f"        {resident:.1f} MiB resident")
        self.assertLess(resident, 250 if world.LONG > 20 else 120)

    def test_a_second_handshake_keeps_the_counts(self):
        pipe = self.run_gate(*self.fake(), policy="callgate: 1\ndefault: deny\ntools:\n  echo: {action: allow, rate_limit: {max: 2, window: 1h}}\n")
        passed = 0
        for _ in range(3):
            pipe.initialize()
            passed += sum(not decision_of(pipe.call("echo", {"text": "x"})) for _ in range(2))
        self.assertEqual(passed, 2)

    def test_events_of_one_call_are_bounded_in_bytes_and_time(self):
        """Security requirement S25, protocol item 79."""
        gate = self.serve_config(command=self.fake(), settings="call_timeout: 5s\n", top="limits: {result: 1MiB}\n")
        client = gate.client()
        client.initialize()
        began = time.monotonic()
        answer = client.call("misbehave", {"how": "notes_without_end"})
        self.assertTrue("error" in answer or answer["result"]["isError"])
        self.assertLess(time.monotonic() - began, world.LONG)

    def test_a_cancel_names_the_call_as_the_shared_child_knows_it(self):
        """Protocol items 65, 73."""
        pipe = self.run_gate(*self.fake())
        meta = {"_meta": MODERN}
        pipe.send(request(41, "tools/call", {"name": "misbehave", "arguments": {"how": "held"}, **meta}))
        while not (sent := [m for m in self.seen("tools/call") if m["params"].get("name") == "misbehave"]):
            time.sleep(0.01)
        pipe.send({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 41, **meta}})
        pipe.send({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 999, **meta}})
        pipe.send(request(42, "tools/call", {"name": "echo", "arguments": {"text": "on"}, **meta}))
        pipe.answer_to(42)
        until = time.monotonic() + world.LONG  # the cancel goes on record first; the next call may overtake it
        while not self.seen("notifications/cancelled") and time.monotonic() < until:
            time.sleep(0.01)
        self.assertEqual([m["params"]["requestId"] for m in self.seen("notifications/cancelled")], [sent[0]["id"]])

    def test_a_client_that_leaves_ends_its_own_call_and_not_anothers_of_the_same_id(self):
        """Protocol items 65, 72: two clients of one grant share a child."""
        gate = self.serve(*self.fake())
        connections = []
        for size in (1, 2):
            http = gate.client()
            connection = HTTPConnection(http.address.hostname, http.address.port, timeout=world.LONG)
            self.addCleanup(connection.close)
            params = {"name": "misbehave", "arguments": {"how": "held", "size": size}, "_meta": MODERN}
            fields = {**http.headers, "MCP-Protocol-Version": "2026-07-28", "Mcp-Method": "tools/call", "Mcp-Name": "misbehave"}
            connection.request("POST", http.address.path, json.dumps(request(7, "tools/call", params)), fields)
            connections.append(connection)
        calls = {}
        until = time.monotonic() + world.LONG
        while len(calls) < 2 and time.monotonic() < until:
            calls = {m["params"]["arguments"]["size"]: m["id"] for m in self.seen("tools/call") if m["params"].get("name") == "misbehave"}
            time.sleep(0.01)
        connections[1].close()
        while not self.seen("notifications/cancelled") and time.monotonic() < until:
            time.sleep(0.01)
        self.assertEqual([m["params"]["requestId"] for m in self.seen("notifications/cancelled")], [calls[2]])
        self.go_on()
        self.assertEqual(json.loads(connections[0].getresponse().read())["id"], 7)


if __name__ == "__main__":
    world.main()
