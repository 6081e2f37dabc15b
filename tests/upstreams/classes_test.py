"""What an operator's file says of a server's tools, in front of a server that runs: rules for classes and the journal go by it."""
import json
import pathlib
import subprocess
import sys
import time

import world
from world import FAKE, World, decision_of, gate_binary, text_of

READS_ONLY = "callgate: 1\ndefault: deny\nclasses: {Read: {action: allow}}\n"


class Classes(World):
    def hinted(self):
        """A server whose tool cannot be told and calls itself read-only."""
        text = pathlib.Path(FAKE[-1]).read_text(encoding="utf-8")
        text = text.replace('"name": "misbehave", "description": "Does what a server should not"', '"name": "misbehave", "description": "Frobnicates", "annotations": {"readOnlyHint": True}')
        self.assertIn("readOnlyHint", text)
        return [sys.executable, "-B", self.write("server.py", text), "--record", str(self.record)]

    def call(self, gate, tool, arguments):
        client = gate.client()
        client.initialize()
        return client.call(tool, arguments)

    def until(self, what):
        deadline = time.monotonic() + world.LONG
        while not what():
            self.assertLess(time.monotonic(), deadline, "never")
            time.sleep(0.02)

    def fingerprint(self, tool):
        done = subprocess.run([gate_binary(), "server", "tools", "it", "--json", "--data", str(self.dir / "data")], capture_output=True, text=True, timeout=60)
        return next(each["fingerprint"] for each in json.loads(done.stdout)["tools"] if each["name"] == tool)

    def says(self, definition):
        return f'classes: {{echo: {{category: Financial, risk: Critical, reason: it bills, definition: "{definition}"}}}}'

    def judged(self, tool):
        records = [json.loads(line) for file in (self.dir / "data" / "journal").rglob("*.jsonl") for line in file.read_text().splitlines()]
        found = [(each.get("category"), each.get("risk")) for each in records if each.get("tool") == tool and each.get("verdict")]
        return found[-1] if found else (None, None)  # a refusal is written at the end of the turn that answered it

    def test_a_hint_lowers_nothing_unless_the_file_trusts_the_server(self):
        gate = self.serve_config(command=self.hinted(), policy=READS_ONLY)
        self.assertEqual(decision_of(self.call(gate, "misbehave", {"how": "well"})).get("rule"), "/default")
        gate.end()
        (self.dir / "ready.json").unlink()
        gate = self.serve_config(command=self.hinted(), policy=READS_ONLY, settings="trust_hints: true")
        self.assertEqual(decision_of(self.call(gate, "misbehave", {"how": "well"})), {})

    def test_what_the_file_says_of_a_tool_decides_as_soon_as_it_stands_there(self):
        gate = self.serve_config(command=self.fake(), policy=READS_ONLY)
        self.assertEqual(text_of(self.call(gate, "echo", {"text": "hello"})), "hello")
        self.assertEqual(self.judged("echo")[0], "Read")
        file = self.dir / "callgate.yaml"
        self.write("callgate.yaml", file.read_text() + f"    {self.says(self.fingerprint('echo'))}\n")
        self.until(lambda: decision_of(self.call(gate, "echo", {"text": "again"})).get("rule") == "/default")
        self.until(lambda: self.judged("echo") == ("Financial", "Critical"))

    def test_what_the_file_says_of_another_definition_does_not_count_and_is_logged(self):
        gate = self.serve_config(command=self.fake(), policy=READS_ONLY, settings=self.says("sha256:" + "0" * 64))
        self.assertEqual(text_of(self.call(gate, "echo", {"text": "hello"})), "hello")
        self.until(lambda: "class_lapsed" in gate.log.read_text())

    def test_flags_say_it_as_the_file_does(self):
        gate = self.serve(*self.hinted(), policy=READS_ONLY, extra=("--trust-hints", "--name", "it"))
        self.assertEqual(decision_of(self.call(gate, "misbehave", {"how": "well"})), {})
        self.write("classes.yaml", self.says(self.fingerprint("echo")) + "\n")
        gate.end()
        (self.dir / "ready.json").unlink()
        gate = self.serve(*self.hinted(), policy=READS_ONLY, extra=("--classes", str(self.dir / "classes.yaml"), "--name", "it"))
        self.assertEqual(decision_of(self.call(gate, "misbehave", {"how": "well"})).get("rule"), "/default")
        self.assertEqual(decision_of(self.call(gate, "echo", {"text": "hello"})).get("rule"), "/default")
        self.until(lambda: self.judged("echo") == ("Financial", "Critical"))

    def test_a_registered_server_has_its_own(self):
        data = ["--data", str(self.dir / "data")]
        policy = self.write("policy.yaml", READS_ONLY)
        subprocess.run([gate_binary(), "server", "add", "it", "--policy", policy, "--trust-hints", *data, "--", *self.hinted()], check=True, capture_output=True, timeout=60)
        gate = self.started(["--listen", "127.0.0.1:0"], [])
        self.assertEqual(decision_of(self.call(gate, "misbehave", {"how": "well"})), {})
        classes = self.write("classes.yaml", self.says(self.fingerprint("echo")) + "\n")
        subprocess.run([gate_binary(), "server", "classes", "it", "--classes", classes, *data], check=True, capture_output=True, timeout=60)
        self.until(lambda: decision_of(self.call(gate, "echo", {"text": "again"})).get("rule") == "/default")
        self.until(lambda: decision_of(self.call(gate, "misbehave", {"how": "well"})).get("rule") == "/default")
        self.until(lambda: self.judged("echo") == ("Financial", "Critical"))
        shown = subprocess.run([gate_binary(), "server", "tools", "it", *data], capture_output=True, text=True, timeout=60).stdout
        self.assertIn("by the configuration (judged Read, Low): it bills", shown)


if __name__ == "__main__":
    world.main()
