"""From a server's tools to a gate that holds them: `policy generate`, `catalogue build`, then calls. No tool is called before the gate stands."""
import json
import signal
import subprocess
import sys
import urllib.request

from world import Http, Pipe, World, decision_of, gate_binary, main, text_of, until


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

    def file_of(self, **servers):
        """A `callgate.yaml` whose servers name no policy."""
        lines = "".join(f"  {name}:\n    command: {json.dumps(command)}\n" for name, command in servers.items())
        return self.write("callgate.yaml", f"listen: 127.0.0.1:0\nauth: none\nservers:\n{lines}")

    def client_of(self, gate, server):
        client = Http(gate.ready["servers"][server])
        client.initialize()
        return client

    def made(self, server):
        return list((self.dir / "data" / "policies").glob(f"{server}-*.yaml"))

    def test_a_server_of_a_file_that_names_no_policy_gets_one_that_is_kept(self):
        gate = self.started(["--config", self.file_of(it=self.fake())], [])
        client = self.client_of(gate, "it")
        self.assertEqual(text_of(client.call("echo", {"text": "hello"})), "hello")
        self.assertEqual(decision_of(client.call("echo", {"text": 7}))["verdict"], "invalid_arguments")
        gate.end()
        [kept] = self.made("it")
        self.assertEqual(kept.stat().st_mode & 0o777, 0o600)
        lines = [json.loads(line) for line in gate.log.read_text(encoding="utf-8").splitlines()]
        printed = "".join(line["text"] for line in lines if line["event"] == "policy_text")
        self.assertEqual(printed, kept.read_text(encoding="utf-8"), "it is printed, and the log stays lines of JSON")
        self.assertEqual(self.callgate("policy", "check", "--strict", str(kept)).returncode, 0)
        mine = "callgate: 1\ndefault: deny\n"
        kept.write_text(mine, encoding="utf-8")
        (self.dir / "ready.json").unlink()
        gate = self.started(["--config", self.file_of(it=self.fake())], [])
        self.assertEqual(decision_of(self.client_of(gate, "it").call("echo", {"text": "hello"}))["rule"], "/default")
        gate.end()
        self.assertEqual(kept.read_text(encoding="utf-8"), mine, "what somebody wrote is never replaced")

    def test_a_kept_policy_with_a_fault_is_refused_and_not_made_anew(self):
        gate = self.started(["--config", self.file_of(it=self.fake())], [])
        until(lambda: self.made("it"), bool)
        gate.end()
        [kept] = self.made("it")
        kept.write_text("callgate: 1\n", encoding="utf-8")
        done = self.callgate("serve", "--config", self.file_of(it=self.fake()), "--data", str(self.dir / "data"))
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn(f"{kept}:1:1: `default` is missing", done.stderr)
        self.assertEqual(kept.read_text(encoding="utf-8"), "callgate: 1\n")

    def test_run_before_a_server_of_a_file_makes_one_too(self):
        gate = Pipe([gate_binary(), "run", "--config", self.file_of(it=self.fake()), "--data", str(self.dir / "data")], self.dir / "gate.log")
        self.addCleanup(gate.end)
        gate.initialize()
        self.assertEqual(text_of(gate.call("echo", {"text": "hello"})), "hello")
        self.assertEqual(decision_of(gate.call("echo", {"text": 7}))["verdict"], "invalid_arguments")

    def test_a_server_that_cannot_be_read_yet_holds_up_no_other_and_is_closed(self):
        gate = self.started(["--config", self.file_of(gone=["/nowhere/at/all"], it=self.fake())], [])
        self.assertEqual(text_of(self.client_of(gate, "it").call("echo", {"text": "hello"})), "hello")
        self.assertEqual(self.made("gone"), [])
        self.assertIn("policy_awaited", gate.log.read_text(encoding="utf-8"))

    def test_without_room_for_it_everything_is_refused_until_there_is(self):
        place = self.dir / "data" / "policies"
        place.parent.mkdir(mode=0o700)
        place.write_text("in the way", encoding="utf-8")
        gate = self.started(["--config", self.file_of(it=self.fake()), "--admin", "127.0.0.1:0"], [])
        client = self.client_of(gate, "it")
        self.assertEqual(decision_of(client.call("echo", {"text": "hello"}))["verdict"], "deny")
        self.assertEqual(client.ask("tools/list")["result"]["tools"], [])
        self.assertNotIn("echo", [call["params"]["name"] for call in self.seen("tools/call")])
        self.assertIn("policy_not_made", gate.log.read_text(encoding="utf-8"))
        token = (self.dir / "data" / "admin.token").read_text(encoding="utf-8").strip()
        health = urllib.request.Request(gate.ready["admin"] + "/api/v1/health", headers={"Authorization": f"Bearer {token}"})
        with urllib.request.urlopen(health, timeout=20) as answer:
            self.assertIn("`it` has no policy, so every call is refused", answer.read().decode())
        place.unlink()
        gate.process.send_signal(signal.SIGHUP)
        called = until(lambda: client.call("echo", {"text": "hello"}), lambda answer: "isError" not in answer["result"])
        self.assertEqual(text_of(called), "hello")

    def test_a_server_that_is_new_in_the_file_gets_one_as_well(self):
        gate = self.started(["--config", self.file_of(it=self.fake())], [])
        self.client_of(gate, "it")
        self.file_of(it=self.fake(), more=self.fake())
        gate.process.send_signal(signal.SIGHUP)
        gate.ready["servers"]["more"] = gate.ready["url"] + "/mcp/more"
        until(lambda: self.made("more"), bool)
        client = self.client_of(gate, "more")
        self.assertEqual(text_of(client.call("echo", {"text": "hello"})), "hello")
        self.assertEqual(decision_of(client.call("echo", {"text": 7}))["verdict"], "invalid_arguments")

    def test_a_gate_does_not_start_under_a_policy_whose_own_test_does_not_hold(self):
        policy = self.write("p.yaml", "callgate: 1\ndefault: allow\nexpect:\n  - {call: {tool: echo}, verdict: deny}\n")
        done = self.callgate("run", "--policy", policy, "--data", str(self.dir / "data"), "--", *self.fake())
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertIn(f"{policy}:4:5: its own test does not hold, tool `echo`: expected `deny`, the policy says `allow` by `/default`", done.stderr)
        self.assertEqual(self.seen(), [])

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
        self.assertNotIn("echo", [call["params"]["name"] for call in self.seen("tools/call")])


if __name__ == "__main__":
    main()
