"""What no server should do: the caller gets an answer with its id, the gate lives on, and the next call is answered.

CALLGATE=build/release/callgate python3 tests/upstreams/bad_server_test.py

Each fault prints how long its caller waited, how long until the next call was answered, what memory it took at most, and how
often the call was sent.
"""
import concurrent.futures
import json
import os
import signal
import subprocess
import threading
import time
import urllib.parse

import world
from wire import percentile_ms
from world import World, decision_of, text_of

SANITIZED = "CALLGATE_SLOW" in os.environ
# Sanitized code is several times slower: what floods the gate has to be read within this time too.
CALL_TIMEOUT = 6 if SANITIZED else 3
PATIENCE = f"start_timeout: 5s\ncall_timeout: {CALL_TIMEOUT}s"
# Seconds from a fault to its caller's answer, and from that, or from when the server is well again, to the next call's.
TOLD, RECOVERED = (world.LONG, world.LONG) if SANITIZED else (1, 2)
MOST_MIB = 64 * world.SHADOW

# Security requirement S25, protocol item 78, a row a clause: the tool's `how`, and what the caller gets: an answer ("done"), or an error ("error").
OVER_STDIO = {
    "die": "error", "die_in_the_middle_of_a_line": "error", "silence": "error", "half_a_line": "error", "another_id": "error",
    "id_of_another_type": "error", "no_id": "error", "result_and_error": "error", "neither": "error", "array": "error",
    "duplicate_keys": "error", "invalid_utf8": "error", "deep": "error", "forge_a_decision": "error",
    "answer_twice": "done", "rubbish": "done", "progress_after_the_answer": "done", "uninvited_sampling": "done", "flood_of_notes": "done",
}
OVER_HTTP = {
    "die": "error", "silence": "error", "html": "error", "accepted": "error", "redirect": "error", "chunks_that_lie": "error",
    "chunk_size_overflows": "error", "two_lengths": "error", "length_too_short": "error", "length_too_long": "error",
    "ten_gigabytes_declared": "error", "no_http": "error", "slow_headers": "error", "slow_body": "error", "endless_headers": "error",
    "another_id": "error", "server_error": "error", "bad_request": "error", "stream_ends_without_an_answer": "error",
    "comments_only": "error", "endless_stream": "error", "gzip_bomb": "error", "chunks_break_off": "error", "stream_breaks_off": "error",
    "stream_answers_another": "error",
    "cookies": "done", "foreign_session": "done", "stream_answers_twice": "done", "good_stream": "done", "uninvited_sampling": "done",
}
# Calls to which the server may still be about to answer: their time tells. On a pipe, what names no call that waits is nobody's answer.
SILENT_OVER_STDIO = {"silence", "half_a_line", "another_id", "id_of_another_type", "no_id", "array"}
SILENT_OVER_HTTP = {"silence", "slow_headers", "slow_body", "comments_only"}
# A 404 of its session says that the server took nothing: the call goes once more, on a new session, and never a third time.
SENT_AGAIN = {"session_vanishes"}


class Server_case(World):
    """One gate for all tests of a class, and a session of its own for each call."""

    before = 0.0  # the memory from which growth counts; where there is none, that before each call

    @classmethod
    def setUpClass(cls):
        cls.world = World()
        cls.world.setUp()
        cls.world.around = world.forgets_what_is_freed()
        cls.addClassCleanup(cls.world.doCleanups)
        cls.gate = cls.open(cls.world)

    def session(self):
        client = self.gate.client()
        client.initialize()
        return client

    def sent(self, how):
        """How often the server was asked to misbehave so."""
        return sum(m["params"].get("arguments", {}).get("how") == how for m in self.world.seen("tools/call"))

    def misbehave(self, how, expected, size=1, client=None):
        answers = []

        def once():
            answer, told, recovered = self.misbehaved(how, expected, size, client or self.session())
            answers.append(answer)
            return told, recovered

        self.in_time(once, TOLD + (CALL_TIMEOUT if how in self.silent else 0), RECOVERED)
        return answers[-1]

    def misbehaved(self, how, expected, size, client):
        identity = 4711 if how == "id_of_another_type" else f"mine-{how}"
        sent, before, began = self.sent(how), self.before or self.gate.forget_peak_mib(), time.monotonic()
        answer = client.post(world.request(identity, "tools/call", {"name": "misbehave", "arguments": {"how": how, "size": size}}))
        told = time.monotonic()
        self.assertTrue(self.gate.alive(), self.gate.last_words())
        self.assertEqual(text_of(self.session().call("echo", {"text": "next"})), "next")
        recovered, grown, sent = time.monotonic() - told, self.gate.resident_mib() - before, self.sent(how) - sent
        told -= began
        print(f"        {how}: answered after {told:.3f} s, the next call {recovered:.3f} s later, memory grew by {grown:.1f} MiB, sent {sent} time{'s' * (sent != 1)}")
        self.assertIsNotNone(answer, "no answer")
        self.assertEqual(answer.get("id"), identity, answer)
        if expected == "done":
            self.assertEqual(text_of(answer), "done")
        else:
            self.assertTrue("error" in answer or answer["result"].get("isError"), str(answer)[:500])
        self.assertLess(grown, MOST_MIB)
        self.assertEqual(sent, 2 if how in SENT_AGAIN else 1)
        self.assertEqual(self.world.seen("trap"), [], "a redirect was followed")
        return answer, told, recovered


class Silent(Server_case):
    """Calls whose time has to pass, all at once."""

    @world.beside
    def test_of_any_kind_are_told_in_time_and_the_next_call_is_answered(self):
        self.before = self.gate.forget_peak_mib()
        with concurrent.futures.ThreadPoolExecutor(len(self.silent)) as pool:
            list(pool.map(lambda how: self.misbehave(how, self.rows[how]), sorted(self.silent)))


class Silent_over_stdio(Silent):
    silent, rows = SILENT_OVER_STDIO, OVER_STDIO

    @classmethod
    def open(cls, shared):
        return shared.serve_config(command=shared.fake(), settings=PATIENCE)


class Silent_over_http(Silent):
    silent, rows = SILENT_OVER_HTTP, OVER_HTTP

    @classmethod
    def open(cls, shared):
        return shared.serve_config(url=shared.fake_http(), settings=PATIENCE)


class Over_stdio(Server_case):
    silent = SILENT_OVER_STDIO

    @classmethod
    def open(cls, shared):
        return shared.serve_config(command=shared.fake(), settings=PATIENCE)

    def test_an_answer_of_10_mib_passes(self):
        client = self.session()
        self.assertEqual(len(text_of(client.call("misbehave", {"how": "huge", "size": 10}))), 10 << 20)

    def test_an_answer_of_20_mib_is_refused(self):
        """Protocol item 85."""
        self.misbehave("huge", "error", 20)

    def test_an_answer_of_200_mb_is_refused_in_little_memory(self):
        self.misbehave("huge", "error", 200)

    def test_a_line_without_end_is_refused(self):
        self.misbehave("endless_line", "error")

    def test_a_session_outlives_the_death_of_its_server(self):
        client = self.session()
        self.misbehave("die", "error", client=client)
        answers = [client.call("echo", {"text": "again"}) for _ in range(2)]
        self.assertTrue(any(a and "result" in a and text_of(a) == "again" for a in answers) or client.status == 404, answers)

    def test_uninvited_sampling_is_answered_with_a_refusal(self):
        """Security requirement S8."""
        self.misbehave("uninvited_sampling", "done")
        refusals = [m for m in self.world.seen() if m.get("id") == "s1" and "error" in m]
        self.assertTrue(refusals)


class A_server_that_prints_without_end(World):
    def test_is_ended_and_said_to_be(self):
        gate = self.serve_config(command=["yes", "no message"], settings=PATIENCE)
        status, _, _ = gate.client().exchange("POST", json.dumps(world.request(1, "initialize", {"protocolVersion": world.LATEST_HANDSHAKE, "capabilities": {}, "clientInfo": {"name": "w", "version": "1"}})))
        self.assertGreaterEqual(status, 200)
        log = gate.log.read_text(errors="replace")
        self.assertIn('"event":"upstream_killed"', log)
        self.assertIn("too much that is no message", log)
        self.assertLess(len(log), 100_000)

    def test_leaves_time_to_its_neighbours(self):
        """Security requirement S31: no server has more than its share of a turn."""
        self.write("policy.yaml", world.ALLOW)
        chatty = json.dumps(["yes", '{"jsonrpc":"2.0","method":"notifications/x"}'])
        servers = f"servers:\n  it: {{command: {json.dumps(self.fake())}, policy: policy.yaml}}\n  chatty: {{command: {chatty}, policy: policy.yaml}}\n"
        gate = self.started(["--config", self.write("callgate.yaml", "listen: 127.0.0.1:0\nauth: none\n" + servers)], [])
        client = world.Http(gate.ready["servers"]["it"])
        client.initialize()
        client.call("echo", {"text": "first"})

        def calls():
            times = []
            for _ in range(500):
                began = time.monotonic()
                self.assertEqual(text_of(client.call("echo", {"text": "soon"})), "soon")
                times.append(time.monotonic() - began)
            p99 = percentile_ms(times, 0.99)
            print(f"        beside a server that floods: p50 {percentile_ms(times, 0.5):.1f} ms, p99 {p99:.1f} ms, slowest {max(times) * 1000:.0f} ms")
            return (p99,)

        self.in_time(calls, 500 if SANITIZED else 50)


class Over_http(Server_case):
    silent = SILENT_OVER_HTTP

    @classmethod
    def open(cls, shared):
        return shared.serve_config(url=shared.fake_http(), settings=PATIENCE)

    def test_a_redirect_of_any_kind_is_not_followed(self):
        """Security requirement S25."""
        for status in (301, 302, 303, 307, 308):
            self.misbehave("redirect", "error", status)

    def test_a_body_without_end_is_refused(self):
        self.misbehave("huge", "error", 200)

    def test_cookies_and_foreign_headers_stay_outside(self):
        """Security requirement S25."""
        client = self.session()
        body = b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"misbehave","arguments":{"how":"cookies"}}}'
        _, headers, _ = client.exchange("POST", body)
        for name in ("Set-Cookie", "Access-Control-Allow-Origin", "X-Secret"):
            self.assertNotIn(name, headers)

    def test_a_session_of_somebody_else_is_neither_passed_on_nor_taken_up(self):
        """Security requirement S25."""
        client = self.session()
        client.call("echo", {"text": "before"})
        mine = client.headers["Mcp-Session-Id"]
        theirs = self.world.seen("tools/call")[-1]["headers"]["mcp-session-id"]
        body = b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"misbehave","arguments":{"how":"foreign_session"}}}'
        self.assertNotIn("Mcp-Session-Id", client.exchange("POST", body)[1])
        client.call("echo", {"text": "after"})
        self.assertEqual(self.world.seen("tools/call")[-1]["headers"]["mcp-session-id"], theirs)
        self.assertEqual(client.headers["Mcp-Session-Id"], mine)

    def test_uninvited_sampling_is_answered_with_a_refusal(self):
        """Security requirement S8."""
        self.misbehave("uninvited_sampling", "done")
        self.assertTrue([m for m in self.world.seen() if m.get("id") == "s1" and "error" in m])

    def test_a_session_that_vanishes_is_opened_again_or_reported_lost(self):
        """Protocol item 22."""
        client = self.session()
        self.misbehave("session_vanishes", "error", client=client)
        answer = client.call("echo", {"text": "back"})
        self.assertTrue(client.status == 404 or text_of(answer) == "back", answer)

    def test_the_clients_own_headers_are_not_passed_on(self):
        """Security requirements S16, S28; protocol items 24, 93."""
        client = self.session()
        sent = {"Cookie": "a=b", "X-Forwarded-Host": "evil", "Callgate-Session": "s", "Authorization": "Bearer of-the-client", "Proxy-Authorization": "Basic eDp5",
                "X-HTTP-Method-Override": "DELETE", "TE": "trailers", "Connection": "keep-alive, X-Mine", "X-Mine": "1", "Last-Event-ID": "7"}
        client.post(world.request(1, "tools/call", {"name": "echo", "arguments": {"text": "headers"}}), **sent)
        seen = self.world.seen("tools/call")[-1]
        self.assertEqual(seen["params"]["arguments"]["text"], "headers")
        self.assertEqual({name for name in sent if name.lower() in seen["headers"] and seen["headers"][name.lower()] == sent[name]}, set())
        self.assertEqual({name for name in sent if name.lower() in seen["headers"]} - {"Connection"}, set())
        self.assertNotEqual(seen["headers"].get("mcp-session-id"), client.headers["Mcp-Session-Id"])


class Gone(World):
    """A server whose program is killed, that refuses connections meanwhile, and that comes back at the same address without its sessions."""

    def server(self, port=0):
        process = subprocess.Popen([*self.fake(), "--http", "--port", str(port)], stdout=subprocess.PIPE, text=True)
        self.addCleanup(world.end, process)
        return process, process.stdout.readline().strip()

    def kill(self, process):
        process.kill()
        process.wait()

    def client_of(self, url):
        gate = self.serve_config(url=url, settings=PATIENCE)
        client = gate.client()
        client.initialize()
        self.assertEqual(text_of(client.call("echo", {"text": "first"})), "first")
        return gate, client

    def comes_back(self, gate, client, url):
        """Seconds from when the server is there again until a call is answered."""
        self.server(urllib.parse.urlsplit(url).port)
        began = time.monotonic()
        while "result" not in (answer := client.call("echo", {"text": "back"})):
            self.assertLess(time.monotonic() - began, world.LONG, answer)
            if client.status == 404:
                client = gate.client()
                client.initialize()
        return time.monotonic() - began

    def told(self, what, fault, gate, client, url, answer, before, how_often, expected):
        """Seconds from the fault to the answer, and from the server's return to the next one."""
        waited = time.monotonic() - fault
        recovered, grown = self.comes_back(gate, client, url), gate.resident_mib() - before
        print(f"        {what}: answered after {waited:.3f} s, the next call {recovered:.3f} s after the server was back, memory grew by {grown:.1f} MiB, sent {how_often()} times")
        self.assertEqual(answer["id"], "mine")
        self.assertIn("error", answer)
        self.assertLess(grown, MOST_MIB)
        self.assertEqual(how_often(), expected)
        gate.end()
        (self.dir / "ready.json").unlink()
        self.record.unlink()
        return waited, recovered

    def test_a_server_that_refuses_connections_is_told_and_used_again_when_it_is_back(self):
        self.in_time(self.refuses, TOLD, RECOVERED)

    def refuses(self):
        process, url = self.server()
        gate, client = self.client_of(url)
        self.kill(process)
        before, fault = gate.forget_peak_mib(), time.monotonic()
        answer = client.post(world.request("mine", "tools/call", {"name": "echo", "arguments": {"text": "refused"}}))
        arrived = lambda: sum(m["params"]["arguments"].get("text") == "refused" for m in self.seen("tools/call"))
        return self.told("refuses", fault, gate, client, url, answer, before, arrived, 0)

    def test_a_call_in_whose_midst_the_server_is_killed_is_told_and_not_sent_again(self):
        self.in_time(self.killed_in_the_midst, TOLD, RECOVERED)

    def killed_in_the_midst(self):
        process, url = self.server()
        gate, client = self.client_of(url)
        answers, before = [], gate.forget_peak_mib()
        call = threading.Thread(target=lambda: answers.append(client.post(world.request("mine", "tools/call", {"name": "misbehave", "arguments": {"how": "silence"}}))), daemon=True)
        call.start()
        arrived = lambda: sum(m["params"]["arguments"].get("how") == "silence" for m in self.seen("tools/call"))
        deadline = time.monotonic() + world.LONG
        while not arrived():
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.005)
        self.kill(process)
        fault = time.monotonic()
        call.join(world.LONG)
        return self.told("killed in the midst of a call", fault, gate, client, url, answers[0], before, arrived, 1)


class At_the_start(World):
    """Servers that are odd from their first byte on."""

    def gate_before(self, start):
        gate = self.serve_config(command=self.fake("--start", start), settings=PATIENCE)
        client = gate.client()
        client.initialize()
        return gate, client

    def echoes(self, start):
        _, client = self.gate_before(start)
        self.assertEqual(text_of(client.call("echo", {"text": "fine"})), "fine")

    def answers(self, start):
        """Whatever it is, it is an answer with the caller's id, and the gate lives."""
        gate, client = self.gate_before(start)
        answer = client.post(world.request("mine", "tools/call", {"name": "echo", "arguments": {"text": "x"}}))
        self.assertEqual(answer.get("id"), "mine", answer)
        self.assertTrue(gate.alive(), gate.last_words())
        return answer

    def test_words_before_the_first_message_are_skipped(self):
        self.echoes("prints_before_json")

    def test_words_between_messages_are_skipped(self):
        self.echoes("prints_in_the_middle")

    def test_lines_may_end_with_crlf(self):
        self.echoes("ends_lines_with_crlf")

    def test_two_messages_in_one_write_are_two(self):
        self.echoes("two_messages_in_one_write")

    def test_a_message_may_come_byte_by_byte(self):
        self.echoes("writes_byte_by_byte")

    def test_a_child_that_keeps_stdout_open_does_no_harm(self):
        self.echoes("leaves_a_child_with_its_stdout")

    def test_tools_whose_names_differ_in_case_are_two_tools(self):
        self.echoes("names_differ_in_case")

    def test_a_server_that_exits_at_once_is_reported_to_the_caller(self):
        gate = self.serve_config(command=self.fake("--start", "exits_at_once"), settings=PATIENCE)
        answer = gate.client().post(world.request("mine", "initialize", {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "w", "version": "1"}}))
        self.assertEqual(answer.get("id"), "mine", answer)
        self.assertTrue(gate.alive())

    def test_a_server_that_never_answers_initialize_is_reported_in_time(self):
        gate = self.serve_config(command=self.fake("--start", "never_answers_initialize"), settings="start_timeout: 2s\ncall_timeout: 2s")
        started = time.monotonic()
        answer = gate.client().post(world.request("mine", "initialize", {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "w", "version": "1"}}))
        self.assertEqual(answer.get("id"), "mine", answer)
        self.assertLess(time.monotonic() - started, world.LONG)
        self.assertTrue(gate.alive())

    def test_the_same_name_twice_is_answered(self):
        self.answers("same_name_twice")

    def test_pages_without_end_are_cut(self):
        self.answers("endless_pages")

    def test_a_cursor_that_stands_still_is_cut(self):
        """Protocol item 46, with the one above."""
        self.answers("cursor_that_stands_still")

    def test_tools_that_are_no_list_allow_nothing(self):
        answer = self.answers("tools_are_no_list")
        self.assertTrue("error" in answer or answer["result"]["isError"], answer)

    def test_announcements_without_end_do_not_stop_calls(self):
        self.echoes("announces_without_end")

    def test_a_changed_tool_is_quarantined_and_a_new_one_unknown(self):
        """Security requirement S10, protocol item 50."""
        _, client = self.gate_before("changes_its_list")
        self.assertEqual(text_of(client.call("misbehave", {})), "done")  # and the list changes behind it
        deadline = time.monotonic() + world.LONG
        while not (verdict := decision_of(client.call("echo", {"text": "x"})).get("verdict")) and time.monotonic() < deadline:
            time.sleep(0.05)
        self.assertEqual(verdict, "quarantined")
        names = [tool["name"] for tool in client.ask("tools/list")["result"]["tools"]]
        self.assertEqual(names, ["misbehave"])
        extra = client.call("extra", {"text": "x"})
        self.assertTrue("error" in extra or extra["result"]["isError"])
        self.assertEqual(decision_of(extra), {})

    def test_a_server_that_ignores_its_end_is_ended(self):
        """Protocol item 80."""
        gate, client = self.gate_before("ignores_closed_stdin")
        self.assertEqual(text_of(client.call("echo", {"text": "x"})), "x")
        children = children_of(gate.process.pid)
        self.assertTrue(children)
        gate.end()
        deadline = time.monotonic() + 15
        while any(alive(child) for child in children) and time.monotonic() < deadline:
            time.sleep(0.05)
        self.assertEqual([child for child in children if alive(child)], [])


class What_a_child_sees(World):
    """Security requirements S27, S28: the environment of a server that the gate starts."""

    def names(self, client):
        client.initialize()
        return json.loads(text_of(client.call("misbehave", {"how": "tell_its_environment"})))

    def test_a_server_from_the_file_sees_nothing_of_the_gates_secrets(self):
        os.environ["OTHER_SERVERS_TOKEN"] = "secret"
        self.addCleanup(os.environ.pop, "OTHER_SERVERS_TOKEN")
        names = self.names(self.serve_config(command=self.fake(), settings="env: {MINE: mine}").client())
        self.assertIn("MINE", names)
        self.assertIn("PATH", names)
        self.assertNotIn("OTHER_SERVERS_TOKEN", names)

    def test_a_server_on_the_command_line_has_what_its_client_set_for_it(self):
        os.environ.update(SERVERS_TOKEN="for the server", CALLGATE_MODEL_KEY="for the gate")
        self.addCleanup(os.environ.pop, "SERVERS_TOKEN")
        self.addCleanup(os.environ.pop, "CALLGATE_MODEL_KEY")
        names = self.names(self.run_gate(*self.fake()))
        self.assertIn("SERVERS_TOKEN", names)
        self.assertNotIn("CALLGATE_MODEL_KEY", names)


class Before_a_client_on_stdio(World):
    """The same through `callgate run`, where the gate is the client's own child."""

    def test_a_dead_server_is_an_answer_not_an_end(self):
        client = self.run_gate(*self.fake())
        client.initialize()
        answer = client.call("misbehave", {"how": "die"})
        self.assertTrue("error" in answer or answer["result"]["isError"])
        self.assertIsNone(client.process.poll())
        self.assertIn("id", client.call("echo", {"text": "next"}))

    def test_what_the_server_prints_is_not_passed_on(self):
        client = self.run_gate(*self.fake("--start", "prints_in_the_middle"))
        client.initialize()
        for number in range(5):
            self.assertEqual(text_of(client.call("echo", {"text": str(number)})), str(number))

    def test_closed_stdin_ends_gate_and_server(self):
        client = self.run_gate(*self.fake())
        client.initialize()
        client.call("echo", {"text": "x"})
        children = children_of(client.process.pid)
        client.process.stdin.close()
        self.assertEqual(client.process.wait(15), 0)
        self.assertEqual([child for child in children if alive(child)], [])

    def test_sigterm_ends_gate_and_server(self):
        client = self.run_gate(*self.fake())
        client.initialize()
        client.call("echo", {"text": "x"})
        children = children_of(client.process.pid)
        client.process.send_signal(signal.SIGTERM)
        client.process.wait(15)
        self.assertEqual([child for child in children if alive(child)], [])


def children_of(pid):
    with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
        return [int(word) for word in file.read().split()]


def alive(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def give_tests(case, rows):
    for how, expected in rows.items():
        if how in case.silent:
            continue
        setattr(case, f"test_{how}_gives_{'an_error' if expected == 'error' else 'the_answer'}",
                lambda self, how=how, expected=expected: self.misbehave(how, expected))


give_tests(Over_stdio, OVER_STDIO)
give_tests(Over_http, OVER_HTTP)
del Server_case, Silent  # bases, not cases

if __name__ == "__main__":
    world.main()
