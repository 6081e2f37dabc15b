"""Memory that one caller or one server can make the gate take: answers without end, and many small values and answers.

Each prints by how much it grew at most. Security requirements S14, S25: what is held is bounded.
"""
import json
import socket
import sys
import threading
import time
import unittest

import wire
import world
from scripted_http import Scripted
from world import Http, World, request

OPEN = "callgate: 1\ndefault: allow\n"
MIB = 1 << 20
SANITIZED_SAYS_NOTHING = "how much a sanitized program takes for many small things is the sanitizer's, and it takes minutes"
# The shortest values there are, and how they are repeated until a text is full.
SMALL = {"zeros": b"0,", "empty strings": b'"",', "empty arrays": b"[],", "empty objects": b"{},", "nested arrays": b"[[[0]]],", "objects of one key": b'{"a":0},'}


def repeated(unit, size):
    """An array of about so many bytes."""
    return b"[" + unit * (size // len(unit) - 1) + unit[:-1] + b"]"


def members(size):
    """An object of about so many bytes, each key another one."""
    return b"{" + b",".join(b'"%06x":0' % number for number in range(size // 11)) + b"}"


class Measured(World):
    around = world.forgets_what_is_freed()
    MOST_MIB = 64 * world.SHADOW
    SPARE = 2 if world.LONG > 20 else 1  # sanitized, what grows is copied, and has zones around it

    def session(self, gate):
        """A client that has called once: what a first call needs is no growth."""
        client = gate.client()
        client.initialize()
        client.call("plain", {})
        return client

    def growth(self, gate, what):
        """What came of it, and the most MiB that the gate grew by meanwhile."""
        before = gate.forget_peak_mib()
        result = what()
        return result, gate.resident_mib() - before


class Answers_without_end(Measured):
    """Security requirement S25, in the most that memory grew by while the answer came."""
    PATIENCE = "call_timeout: 5s\n"

    def grows_little(self, gate, how, size=1):
        client = self.session(gate)
        answer, grown = self.growth(gate, lambda: client.call("misbehave", {"how": how, "size": size}))
        print(f"        {how}: memory grew by {grown:.1f} MiB")
        self.assertTrue("error" in answer or answer["result"].get("isError"), str(answer)[:300])
        self.assertLess(grown, self.MOST_MIB)

    def test_200_mb_of_a_child_do_not_fit(self):
        self.grows_little(self.serve_config(command=self.fake(), settings=self.PATIENCE), "huge", 200)

    def test_200_mb_over_http_do_not_fit(self):
        self.grows_little(self.serve_config(url=self.fake_http(), settings=self.PATIENCE), "huge", 200)

    def test_a_gzip_bomb_is_not_unpacked(self):
        self.grows_little(self.serve_config(url=self.fake_http(), settings=self.PATIENCE), "gzip_bomb")

    def test_an_endless_event_stream_is_cut(self):
        self.grows_little(self.serve_config(url=self.fake_http(), settings=self.PATIENCE), "endless_stream")


@unittest.skipIf(world.LONG > 20, SANITIZED_SAYS_NOTHING)
class Small_values_of_callers(Measured):
    """A request of 4 MiB may hold two million values, each of which takes more than its bytes."""
    AT_ONCE = 12
    POLICIES = {
        "judged by its name": OPEN,
        "judged by its arguments": 'callgate: 1\ndefault: deny\ntools:\n  plain: {action: allow}\n  odd:\n    action: allow\n    arguments: {properties: {x: {type: [array, object]}}, additionalProperties: false}\n',
    }

    def behind(self, policy):
        """A server that keeps calls waiting until it is told."""
        self.go_on = threading.Event()

        def script(incoming):
            message = incoming.message or {}
            if message.get("method") == "tools/call" and message["params"]["name"] == "odd":
                self.go_on.wait(world.LONG)
            return False

        server = Scripted(script)
        self.addCleanup(server.end)
        self.addCleanup(self.go_on.set)
        return server, self.serve_config(url=server.url, policy=policy)

    @staticmethod
    def call_of(values, identity=7):
        return b'{"jsonrpc":"2.0","id":%d,"method":"tools/call","params":{"name":"odd","arguments":{"x":%s}}}' % (identity, values)

    def test_one_request_of_them_takes_little(self):
        for way, policy in self.POLICIES.items():
            _, gate = self.behind(policy)
            self.go_on.set()
            client = self.session(gate)
            for name, values in {**{name: repeated(unit, 4 * MIB - 4096) for name, unit in SMALL.items()}, "keys": members(MIB)}.items():
                answer, grown = self.growth(gate, lambda values=values: client.post(self.call_of(values)))
                said = "result" if "result" in answer else answer["error"]["message"]
                print(f"        a request of {name}, {way}: memory grew by {grown:.1f} MiB ({said})")
                self.assertEqual(answer["id"], 7)
                self.assertLess(grown, self.SPARE * self.MOST_MIB, name)
            gate.end()
            (self.dir / "ready.json").unlink()

    def test_many_requests_of_them_wait_in_little_and_others_are_served(self):
        """What waits for its server is counted by what it takes; who has no room left is told to come again."""
        server, gate = self.behind(OPEN)
        client = self.session(gate)
        body = self.call_of(repeated(SMALL["zeros"], 4 * MIB - 4096))
        answers = []

        def one():
            other = Http(gate.url)
            other.headers = dict(client.headers)
            try:
                answer = other.post(body.replace(b'"id":7', b'"id":"%d"' % threading.get_ident()))
                answers.append((other.status, "result" in answer))
            except OSError:
                answers.append((503, False))  # it still sent what there is no room for, and did not come to read

        def all_at_once():
            threads = [threading.Thread(target=one, daemon=True) for _ in range(self.AT_ONCE)]
            for thread in threads:
                thread.start()
            deadline = time.monotonic() + world.LONG
            while len(answers) + len(server.calls("odd")) < self.AT_ONCE and time.monotonic() < deadline:
                time.sleep(0.01)
            served = client.call("plain", {"text": "meanwhile"})
            self.go_on.set()
            for thread in threads:
                thread.join(world.LONG)
            return served

        served, grown = self.growth(gate, all_at_once)
        print(f"        {self.AT_ONCE} requests of 4 MiB of zeros at once: {answers.count((200, True))} served, {answers.count((503, False))} told to come again, memory grew by {grown:.1f} MiB")
        self.assertIn("result", served)
        self.assertEqual(len(answers), self.AT_ONCE)
        self.assertEqual(set(answers), {(200, True), (503, False)})
        self.assertLess(grown, 2 * self.SPARE * self.MOST_MIB)  # a caller's share, and the one that is being read


    def test_many_requests_of_them_on_a_pipe_wait_in_little_and_others_are_served(self):
        pipe = self.run_gate(*self.fake())
        pipe.initialize()
        pipe.call("echo", {"text": "first"})
        zeros = repeated(SMALL["zeros"], 4 * MIB - 4096)
        told = []

        def all_at_once():
            for number in range(self.AT_ONCE):
                pipe.send(b'{"jsonrpc":"2.0","id":"%d","method":"tools/call","params":{"name":"misbehave","arguments":{"how":"silence","x":%s}}}' % (number, zeros))
            pipe.send(request("small", "tools/call", {"name": "echo", "arguments": {"text": "meanwhile"}}))
            while (answer := pipe.receive())["id"] != "small":
                told.append(answer)
            return answer

        served, grown = self.growth(pipe, all_at_once)
        print(f"        {self.AT_ONCE} requests of 4 MiB of zeros on a pipe: {self.AT_ONCE - len(told)} under way, {len(told)} told to come again, memory grew by {grown:.1f} MiB")
        self.assertEqual(world.text_of(served), "meanwhile")
        self.assertEqual({answer["error"]["message"] for answer in told}, {"too many large requests at once: try again"})
        self.assertGreater(self.AT_ONCE - len(told), 0)
        self.assertLess(grown, 2 * self.SPARE * self.MOST_MIB)


class Small_values_of_servers(Measured):
    """An answer has 16 MiB at most; what is made of it while it is read counts as well."""

    def behind(self, policy=OPEN):
        self.texts = {}

        def script(incoming):
            message = incoming.message or {}
            if message.get("method") != "tools/call" or message["params"]["name"] != "odd":
                return False
            body = self.texts[message["params"]["arguments"]["which"]] % json.dumps(message["id"]).encode()
            incoming.send_response(200)
            incoming.send_header("Content-Type", "application/json")
            incoming.send_header("Content-Length", str(len(body)))
            incoming.end_headers()
            incoming.wfile.write(body)
            return True

        server = Scripted(script)
        self.addCleanup(server.end)
        return self.serve_config(url=server.url, policy=policy)

    def call_raw(self, client, which):
        """The answer's beginning, without reading fifteen million values here."""
        _, _, body = client.exchange("POST", json.dumps(request(7, "tools/call", {"name": "odd", "arguments": {"which": which}})))
        return body

    PLACES = {"far down": b'{"content":[],"structuredContent":{"x":%s}}', "as content": b'{"content":%s}', "as the result": b"%s", "beside the content": b'{"content":[],"x":%s}'}

    def grows_little(self, policy, way):
        gate = self.behind(policy)
        client = self.session(gate)
        size = 15 * MIB
        filled = {**{name: repeated(unit, size) for name, unit in SMALL.items()}, "keys": members(size)}
        worst = (0.0, "")
        for place, around in self.PLACES.items():
            for name, values in filled.items():
                self.texts = {"it": b'{"jsonrpc":"2.0","id":%s,"result":' + (around % values).replace(b"%", b"%%") + b"}"}
                body, grown = self.growth(gate, lambda: self.call_raw(client, "it"))
                print(f"        an answer of {name} {place}, {way}: memory grew by {grown:.1f} MiB, {len(body) / MIB:.1f} MiB came", flush=True)
                worst = max(worst, (grown, f"{name} {place}"))
                self.assertIn(b'"id":7', body[-200:] + body[:200])
        self.assertLess(worst[0], self.SPARE * self.MOST_MIB, worst[1])

    def test_one_answer_of_them_takes_little(self):
        self.grows_little(OPEN, "unread")

    def test_one_answer_that_is_searched_for_hidden_names_takes_little(self):
        self.grows_little(OPEN + "tools:\n  hidden: {action: hide}\n", "searched")


@unittest.skipIf(world.LONG > 20, SANITIZED_SAYS_NOTHING)
class Small_values_of_children(Measured):
    """A child may be there for days: what one message of it took is not kept beside it."""
    SESSIONS = 4
    CHILD = """
import json, sys
KEYS = ",".join(f'"{number:06x}":0' for number in range(1_300_000))
WORDS = {"keys": '{"content":[],"structuredContent":{%s}}' % KEYS}
for line in sys.stdin:
    message = json.loads(line)
    if "id" not in message or "method" not in message:
        continue
    method = message["method"]
    result = {"initialize": '{"protocolVersion":"2025-11-25","capabilities":{"tools":{}},"serverInfo":{"name":"bulky","version":"1"}}',
              "tools/list": '{"tools":[%s]}' % ",".join('{"name":"%s","inputSchema":{"type":"object"}}' % name for name in ("keys", "news"))}.get(method, "{}")
    name = message["params"].get("name") if method == "tools/call" else None
    print('{"jsonrpc":"2.0","id":%s,"result":%s}' % (json.dumps(message["id"]), WORDS.get(name, '{"content":[]}') if name else result), flush=True)
    if name == "news":
        print('{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":[%s0]}}' % ("0," * 1_900_000), flush=True)
"""

    def are_not_kept(self, tool):
        gate = self.serve(sys.executable, self.write("bulky.py", self.CHILD))
        clients = [gate.client() for _ in range(self.SESSIONS)]
        for client in clients:
            client.initialize()
        before = gate.resident_now_mib()
        for client in clients:
            self.assertEqual(client.call(tool)["id"], 1)
            self.assertEqual(client.call("news")["id"], 2)  # behind whatever the first brought
        grown = world.until(lambda: gate.resident_now_mib() - before, lambda now: now < self.MOST_MIB)
        print(f"        {tool} of {self.SESSIONS} children: {grown:.1f} MiB are kept")
        self.assertLess(grown, self.MOST_MIB)

    def test_of_an_answer_are_not_kept(self):
        self.are_not_kept("keys")

    def test_of_what_belongs_to_no_call_are_not_kept(self):
        self.are_not_kept("news")


@unittest.skipIf(world.LONG > 20, SANITIZED_SAYS_NOTHING)
class Small_answers(Measured):
    """Many at a time for callers who do not read them."""
    CALLERS, AHEAD, EVENTS = 12, 600, 100_000  # the kernel itself takes some 4 MiB for each caller

    def behind(self, answer):
        """A gate before a server that answers `odd` in its own way, and that server."""
        def script(incoming):
            message = incoming.message or {}
            return message.get("method") == "tools/call" and message["params"]["name"] == "odd" and (answer(incoming) or True)

        server = Scripted(script)
        self.addCleanup(server.end)
        return server, self.serve_config(url=server.url, policy=OPEN)

    def ask_without_reading(self, client, how_often=1):
        """A connection that sends so many calls of `odd` ahead and has room for few of the answers."""
        one = socket.socket()
        self.addCleanup(one.close)
        one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        one.settimeout(world.LONG)
        one.connect((client.address.hostname, client.address.port))
        fields = "".join(f"{name}: {value}\r\n" for name, value in client.headers.items())
        for number in range(how_often):
            body = json.dumps(request(f"{one.fileno()}-{number}", "tools/call", {"name": "odd", "arguments": {}})).encode()
            one.sendall(f"POST {client.address.path} HTTP/1.1\r\nHost: {client.address.netloc}\r\n{fields}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        return one

    def stands_still(self, count):
        """The count once it has not grown for a second."""
        last, since = count(), time.monotonic()
        while time.monotonic() - since < 1:
            time.sleep(0.02)
            if count() != last:
                last, since = count(), time.monotonic()
        return last

    def test_that_nobody_reads_take_little(self):
        self.assertTrue(wire.raise_file_limit(4 * self.CALLERS + 200))
        text = "x" * 15_000  # too small to be counted by itself
        server, gate = self.behind(lambda incoming: incoming.result({"content": [{"type": "text", "text": text}]}))
        client = self.session(gate)

        def ask():
            self.waiting = [self.ask_without_reading(client, self.AHEAD) for _ in range(self.CALLERS)]
            return self.stands_still(lambda: len(server.calls("odd"))), client.call("plain", {})

        (answered, served), grown = self.growth(gate, ask)
        print(f"        {self.CALLERS} callers that read nothing, of {self.CALLERS * self.AHEAD} calls {answered} answered with 15 kB each: memory grew by {grown:.1f} MiB")
        self.assertIn("result", served)
        self.assertGreaterEqual(answered, self.CALLERS)
        self.assertLess(answered, self.CALLERS * self.AHEAD, "they wait for their callers")
        if self.SPARE == 1:  # sanitized, a connection alone takes 400 KiB
            self.assertLess(grown, self.MOST_MIB)

    def test_in_a_stream_that_nobody_reads_take_little_and_all_of_them_come(self):
        note = b'data: {"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":"small"}}\n\n'

        def answer(incoming):
            incoming.stream()
            incoming.wfile.write(note * self.EVENTS)
            incoming.event({"jsonrpc": "2.0", "id": incoming.message["id"], "result": {"content": [{"type": "text", "text": "last"}]}})

        _, gate = self.behind(answer)
        client = self.session(gate)

        def ask():
            one = self.ask_without_reading(client)
            for _ in range(50):  # what the gate would gather meanwhile, it gathers now
                self.assertIn("result", client.call("plain", {}))
            came = b""
            while b'"last"' not in came[-4096:] and (part := one.recv(1 << 16)):
                came += part
            return came.count(b'"small"')

        came, grown = self.growth(gate, ask)
        print(f"        {self.EVENTS} events in a stream that is read late: {came} came, memory grew by {grown:.1f} MiB")
        self.assertEqual(came, self.EVENTS)
        self.assertLess(grown, self.SPARE * self.MOST_MIB)


if __name__ == "__main__":
    world.main()
