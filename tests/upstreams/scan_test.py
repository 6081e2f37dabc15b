"""`callgate scan` as a process before servers that run, misbehave or are not there. No tool is ever called."""
import json
import pathlib
import subprocess
import sys
import time
import unittest

from listed import GOOD, lister, schema, tool
from world import FAKE, World, gate_binary



class Scan(World):
    def scan(self, *args):
        return subprocess.run([gate_binary(), "scan", "--data", str(self.dir / "data"), *args], capture_output=True, text=True, timeout=60)

    def callgate(self, *args):
        return subprocess.run([gate_binary(), *args], capture_output=True, text=True, timeout=60)

    def test_a_servers_tools_are_listed_and_none_is_called(self):
        done = self.scan("--json", "--name", "fake", "--", *self.fake())
        self.assertEqual(done.returncode, 0, done.stderr)
        tools = json.loads(done.stdout)
        self.assertEqual([tool["tool"] for tool in tools], ["echo", "misbehave"])
        self.assertEqual({tool["server"] for tool in tools}, {"fake"})
        for tool in tools:
            self.assertTrue({"category", "risk", "confidence", "evidence", "signals", "classifier"} <= tool.keys())
        self.assertEqual(self.seen("tools/call"), [])

    def test_a_pipe_that_breaks_is_an_answer_and_no_end(self):
        done = self.scan("--", "/bin/sh", "-c", "kill -s PIPE $PPID; exit 0")
        self.assertEqual(done.returncode, 3, done.stderr)
        self.assertIn("callgate: server", done.stderr)

    def test_a_server_over_http_is_listed(self):
        done = self.scan("--json", "--upstream", self.fake_http())
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(len(json.loads(done.stdout)), 2)

    def test_the_second_look_says_that_nothing_changed(self):
        self.assertIn("first look", self.scan("--", *self.fake()).stdout)
        self.assertIn("nothing has changed", self.scan("--", *self.fake()).stdout)

    def test_what_changed_is_shown(self):
        server = self.dir / "server.py"
        original = pathlib.Path(FAKE[-1]).read_text(encoding="utf-8")
        server.write_text(original)
        command = [sys.executable, "-B", str(server)]
        self.scan("--", *command)
        server.write_text(original.replace("Gives its text back", "Deletes all files"))
        done = self.scan("--", *command)
        self.assertIn("changed since the last look: `echo`", done.stdout)
        self.assertIn("Deletes all files", done.stdout)

    def test_every_server_of_a_clients_file_is_scanned(self):
        config = {"mcpServers": {"one": {"command": FAKE[0], "args": FAKE[1:]}, "two": {"url": self.fake_http()},
                                 "broken": {"command": "/nowhere/at/all"}, "off": {"command": "x", "disabled": True}}}
        done = self.scan("--json", "--client-config", self.write("client.json", json.dumps(config)))
        self.assertEqual(done.returncode, 3)
        self.assertEqual({tool["server"] for tool in json.loads(done.stdout)}, {"one", "two"})
        self.assertIn("`broken`", done.stderr)
        self.assertIn("`off` is left out", done.stderr)

    def test_a_silent_server_is_given_up(self):
        silent = [sys.executable, "-c", "import time; time.sleep(60)"]
        started = time.monotonic()
        done = self.scan("--timeout", "1", "--", *silent)
        self.assertEqual(done.returncode, 3)
        self.assertLess(time.monotonic() - started, 20)
        self.assertIn("default", done.stderr)

    def test_a_port_where_nobody_listens_is_unavailable(self):
        self.assertEqual(self.scan("--upstream", "http://127.0.0.1:9/mcp").returncode, 3)

    def test_entries_that_are_no_tools_are_said_and_the_others_judged(self):
        odd = [{"name": 5}, {"description": "no name"}, {"name": "nul\0name"}, 7, "text", None, [], {"name": ""}]
        for each in odd:
            done = self.scan("--json", "--", *lister(self, [each, GOOD]))
            self.assertEqual(done.returncode, 0, (each, done.stderr))
            self.assertIn("read_note", [tool["tool"] for tool in json.loads(done.stdout)])
            if each != odd[2]:
                self.assertIn("entry 1 of the list has no name", done.stderr, each)
        command = lister(self, [*odd, GOOD])
        pages = self.dir / "pages"
        built = subprocess.run([gate_binary(), "catalogue", "build", "--out", str(pages), "--data", str(self.dir / "data"), "--name", "it", "--", *command], capture_output=True, text=True, timeout=60)
        self.assertEqual(built.returncode, 0, built.stderr)
        self.assertTrue((pages / "it/read_note.html").exists())
        for number in (1, 2, 4, 5, 6, 7, 8):
            self.assertIn(f"entry {number} of the list has no name", built.stderr)
        self.assertNotIn("\0", built.stderr)

    def test_pages_say_what_a_live_server_says_of_itself(self):
        pages = self.dir / "pages"

        def build(*args):
            built = subprocess.run([gate_binary(), "catalogue", "build", "--out", str(pages), "--data", str(self.dir / "data"), *args], capture_output=True, text=True, timeout=60)
            self.assertEqual(built.returncode, 0, built.stderr)

        build("--", *lister(self, [GOOD]))
        page = (pages / "default/index.html").read_text(encoding="utf-8")
        self.assertIn("<h1>lister</h1>", page, "nobody named it")
        self.assertIn('<th scope="row">Its own version</th><td><q>1</q></td>', page)
        self.assertIn('<th scope="row">Protocol</th><td>2025-06-18</td>', page)
        self.assertEqual(json.loads((pages / "default/read_note.json").read_text(encoding="utf-8"))["server"]["says"], {"name": "lister", "version": "1"})
        build("--name", "mine", "--upstream", self.fake_http())
        page = (pages / "mine/index.html").read_text(encoding="utf-8")
        self.assertIn("<h1>mine</h1>", page, "the operator named it")
        self.assertIn('<th scope="row">Its own name</th><td><q>fake</q></td>', page)

    def test_pages_of_a_server_without_sessions_hold_no_name_that_it_did_not_say(self):
        server = """import json, sys
meta = json.loads(sys.argv[2])
answers = {"server/discover": {"resultType": "complete", "supportedVersions": ["2026-07-28"], "capabilities": {"tools": {}}, **meta},
           "tools/list": {"resultType": "complete", "ttlMs": 0, "cacheScope": "private", "tools": json.load(open(sys.argv[1])), **meta}}
for line in sys.stdin:
    message = json.loads(line)
    if "id" in message:
        answer = {"result": answers[message["method"]]} if message["method"] in answers else {"error": {"code": -32601, "message": "unknown"}}
        print(json.dumps({"jsonrpc": "2.0", "id": message["id"], **answer}), flush=True)
"""
        command = [sys.executable, "-B", self.write("modern.py", server), self.write("tools.json", json.dumps([GOOD]))]
        for meta, called in (({}, "default"), ({"_meta": {"io.modelcontextprotocol/serverInfo": {"name": "newer", "title": "The newer one", "version": "3"}}}, "The newer one")):
            with self.subTest(called=called):
                pages = self.dir / f"pages of {called}"
                built = subprocess.run([gate_binary(), "catalogue", "build", "--out", str(pages), "--data", str(self.dir / "data"), "--", *command, json.dumps(meta)], capture_output=True, text=True, timeout=60)
                self.assertEqual(built.returncode, 0, built.stderr)
                page = (pages / "default/index.html").read_text(encoding="utf-8")
                self.assertIn(f"<h1>{called}</h1>", page)
                self.assertEqual("Its own version" in page, bool(meta))
                self.assertIn('<th scope="row">Protocol</th><td>2026-07-28</td>', page)

    def test_a_nul_in_the_name_of_an_argument_costs_its_own_tool_alone(self):
        bad = {"name": "bad", "description": "Get.", "inputSchema": {"type": "object", "properties": {"a\0b": {"type": "string"}}}}
        done = self.scan("--json", "--", *lister(self, [bad, GOOD]))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(["read_note"], [tool["tool"] for tool in json.loads(done.stdout)])
        self.assertIn("`bad` is left out: one of its member names holds `\\u0000`", done.stderr)

    def test_a_policy_of_a_list_with_such_entries_passes_the_checks_against_it(self):
        tools = [{"name": ""}, 7, GOOD]
        made = self.callgate("policy", "generate", "--data", str(self.dir / "data"), "--name", "it", "--", *lister(self, tools))
        self.assertEqual(made.returncode, 0, made.stderr)
        policy, saved = self.write("made.yaml", made.stdout), self.write("saved.json", json.dumps({"tools": tools}))
        for verb in (["check", "--strict"], ["test"]):
            done = self.callgate("policy", *verb, "--tools", saved, policy)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertIn("entry 1 of the list has no name", done.stderr)

    def test_names_that_look_alike_and_names_on_two_servers_are_signals(self):
        names = ["send_money", "send_m\u043eney", "Send_Money", "read_file", "read_fi1e"]
        command = lister(self, [tool(name, "Returns the time", inputSchema=schema({})) for name in names])
        both = {"mcpServers": {name: {"command": command[0], "args": command[1:]} for name in ("one", "two")}}
        done = self.scan("--json", "--client-config", self.write("client.json", json.dumps(both)))
        self.assertEqual(done.returncode, 0, done.stderr)
        tools = json.loads(done.stdout)
        self.assertEqual(len(tools), 10)
        risks = {}
        for each in tools:
            self.assertTrue({"look_alike", "shadows"} <= set(each["signals"]), each)
            self.assertEqual("odd_characters" in each["signals"], each["tool"] == names[1], each)
            risks.setdefault(each["tool"][:4].lower(), set()).add(each["risk"])
        self.assertEqual(risks["send"], {"Critical"}, "none is rated lower than its twin")
        said = [each for each in tools[0]["evidence"] if each["for"] == "signal" and each["field"] == "server:two/send_money/name"]
        self.assertIn("same name on server `two`", said[0]["says"])
        self.assertIn("! look_alike", self.scan("--", *command).stdout)

    def test_fail_on_counts(self):
        self.assertEqual(self.scan("--fail-on", "high", "--", *self.fake()).returncode, 1)
        self.assertEqual(self.scan("--fail-on", "critical", "--", *self.fake()).returncode, 0)


if __name__ == "__main__":
    unittest.main()
