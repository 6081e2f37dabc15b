"""`callgate scan` as a process before servers that run, misbehave or are not there. No tool is ever called."""
import json
import pathlib
import subprocess
import sys
import time
import unittest

from world import FAKE, World, gate_binary


class Scan(World):
    def scan(self, *args):
        return subprocess.run([gate_binary(), "scan", "--data", str(self.dir / "data"), *args], capture_output=True, text=True, timeout=60)

    def test_a_servers_tools_are_listed_and_none_is_called(self):
        done = self.scan("--json", "--name", "fake", "--", *self.fake())
        self.assertEqual(done.returncode, 0, done.stderr)
        tools = json.loads(done.stdout)
        self.assertEqual([tool["tool"] for tool in tools], ["echo", "misbehave"])
        self.assertEqual({tool["server"] for tool in tools}, {"fake"})
        for tool in tools:
            self.assertTrue({"category", "risk", "confidence", "evidence", "signals", "classifier"} <= tool.keys())
        self.assertEqual(self.seen("tools/call"), [])

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

    def test_fail_on_counts(self):
        self.assertEqual(self.scan("--fail-on", "high", "--", *self.fake()).returncode, 1)
        self.assertEqual(self.scan("--fail-on", "critical", "--", *self.fake()).returncode, 0)


if __name__ == "__main__":
    unittest.main()
