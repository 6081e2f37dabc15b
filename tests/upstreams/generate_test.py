"""From a server's tools to a gate that holds them: `policy generate`, `catalogue build`, then calls. No tool is called before the gate stands."""
import json
import subprocess
import sys

from world import Pipe, World, decision_of, gate_binary, main, text_of


class Generate(World):
    def callgate(self, *args):
        return subprocess.run([gate_binary(), *args], capture_output=True, text=True, timeout=60)

    def generate(self, *args):
        before = self.seen("tools/call")
        done = self.callgate("policy", "generate", "--data", str(self.dir / "data"), *args)
        self.assertEqual(self.seen("tools/call"), before, "no tool is called")
        return done

    def test_a_policy_for_a_live_server_is_printed_alone(self):
        done = self.generate("--name", "fake", "--", *self.fake())
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertTrue(done.stdout.startswith("# A policy to start from, for 2 tools of server `fake`."))
        self.assertIn("before: without a policy none is callable", done.stderr)

    def test_what_is_generated_passes_its_check_and_holds_the_gate(self):
        done = self.generate("--upstream", self.fake_http())
        self.assertEqual(done.returncode, 0, done.stderr)
        checked = self.callgate("policy", "check", "--strict", self.write("made.yaml", done.stdout))
        self.assertEqual(checked.returncode, 0, checked.stderr)
        gate = self.run_gate(*self.fake(), policy=done.stdout)
        gate.initialize()
        self.assertEqual(decision_of(gate.call("echo", {"text": 7}))["verdict"], "invalid_arguments")
        self.assertEqual(text_of(gate.call("echo", {"text": "hello"})), "hello")

    def test_a_start_without_a_policy_makes_one_and_keeps_it(self):
        for start in ("first", "second"):
            gate = Pipe([gate_binary(), "run", "--data", str(self.dir / "data"), "--", *self.fake()], self.dir / "gate.log")
            self.addCleanup(gate.end)
            gate.initialize()
            self.assertEqual(text_of(gate.call("echo", {"text": "hello"})), "hello")
            self.assertEqual(decision_of(gate.call("echo", {"text": 7}))["verdict"], "invalid_arguments", start)
            gate.end()
            told = (self.dir / "gate.log").read_text(encoding="utf-8")
            self.assertIn("one is made" if start == "first" else "of an earlier start", told)
        [kept] = (self.dir / "data" / "policies").glob("default-*.yaml")
        self.assertEqual(kept.stat().st_mode & 0o777, 0o600)
        checked = self.callgate("policy", "check", "--strict", str(kept))
        self.assertEqual(checked.returncode, 0, checked.stderr)

    def test_a_start_without_a_policy_before_a_server_that_is_not_there_ends(self):
        done = self.callgate("run", "--data", str(self.dir / "data"), "--", "/nowhere/at/all")
        self.assertEqual((done.returncode, done.stdout), (3, ""))
        self.assertIn("name one with `--policy FILE`", done.stderr)
        self.assertFalse((self.dir / "data" / "policies").exists())

    def test_a_wish_becomes_a_gate(self):
        done = self.generate("--wish", "allow echo only if text starts with 'ok', hide misbehave", "--", *self.fake())
        self.assertEqual(done.returncode, 0, done.stderr)
        gate = self.run_gate(*self.fake(), policy=done.stdout)
        gate.initialize()
        self.assertEqual([tool["name"] for tool in gate.ask("tools/list")["result"]["tools"]], ["echo"])
        self.assertEqual(text_of(gate.call("echo", {"text": "ok then"})), "ok then")
        self.assertEqual(decision_of(gate.call("echo", {"text": "no"}))["rule"], "/tools/echo/arguments")

    def test_a_journal_narrows_a_policy_to_what_was_called(self):
        gate = self.run_gate(*self.fake(), policy="callgate: 1\ndefault: allow\n")
        gate.initialize()
        gate.call("echo", {"text": "hello"})
        gate.end()
        done = self.generate("--from-audit", str(self.dir / "data"), "--", *self.fake())
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("  echo:", done.stdout)
        self.assertNotIn("misbehave", done.stdout)
        self.assertIn("learned from 1 call", done.stderr)

    def ranges_learned_from(self, gate):
        """Calls through a gate that records shapes; then the policy that is learned from them, in force."""
        recorded = [f"note-{n}" for n in range(24)]
        gate.initialize()
        for text in recorded:
            self.assertEqual(text_of(gate.call("echo", {"text": text})), text)
        return recorded

    def hold_to(self, recorded, done):
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("text: at most 16 characters, only [A-Za-z0-9_-]", done.stderr)
        checked = self.callgate("policy", "check", "--strict", self.write("learned.yaml", done.stdout))
        self.assertEqual(checked.returncode, 0, checked.stderr)
        gate = self.run_gate(*self.fake(), policy=done.stdout)
        gate.initialize()
        for text in recorded:
            self.assertEqual(text_of(gate.call("echo", {"text": text})), text)
        before = len(self.seen("tools/call"))
        for text in ("x" * 500, "../../etc/passwd"):
            decision = decision_of(gate.call("echo", {"text": text}))
            self.assertEqual((decision["verdict"], decision["rule"]), ("invalid_arguments", "/tools/echo/arguments"))
        self.assertEqual(len(self.seen("tools/call")), before, "refused calls do not reach the server")

    def test_ranges_are_learned_from_the_shapes_of_recorded_arguments(self):
        gate = self.run_gate(*self.fake(), extra=["--audit-shapes"])
        recorded = self.ranges_learned_from(gate)
        gate.end()
        journal = "".join(file.read_text(encoding="utf-8") for file in (self.dir / "data" / "journal").rglob("*.jsonl"))
        self.assertEqual(journal.count('"arg_shapes":{"/text":"identifier<=8"}'), len(recorded))
        self.assertFalse([text for text in recorded if text in journal], "no value is on record")
        self.hold_to(recorded, self.generate("--from-audit", str(self.dir / "data"), "--", *self.fake()))

    def test_a_gate_that_serves_records_shapes_where_its_configuration_says_so(self):
        gate = self.serve_config(command=self.fake(), top="audit: {shapes: true}")
        client = gate.client()
        recorded = self.ranges_learned_from(client)
        gate.end()
        self.hold_to(recorded, self.generate("--from-audit", str(self.dir / "data"), "--name", "it", "--", *self.fake()))

    def test_a_server_that_is_not_there_makes_nothing(self):
        done = self.generate("--", "/nowhere/at/all")
        self.assertEqual((done.returncode, done.stdout), (3, ""))

    def test_pages_of_live_servers_and_of_those_that_answer(self):
        config = {"mcpServers": {"one": {"command": sys.executable, "args": self.fake()[1:]}, "two": {"url": self.fake_http()}, "broken": {"command": "/nowhere/at/all"}}}
        pages = self.dir / "pages"
        done = self.callgate("catalogue", "build", "--data", str(self.dir / "data"), "--out", str(pages), "--client-config", self.write("client.json", json.dumps(config)))
        self.assertEqual(done.returncode, 3, "one of them is broken")
        self.assertIn("`broken`", done.stderr)
        for server in ("one", "two"):
            page = (pages / server / "echo.html").read_text(encoding="utf-8")
            self.assertIn("<h1><code>echo</code></h1>", page)
            rule = self.callgate("policy", "check", "--strict", self.write("rule.yaml", (pages / server / "echo.yaml").read_text()))
            self.assertEqual(rule.returncode, 0, rule.stderr)
        self.assertNotIn("/nowhere", "".join(path.read_text(errors="replace") for path in pages.rglob("*.html")))
        self.assertEqual(self.seen("tools/call"), [])


if __name__ == "__main__":
    main()
