"""A policy from a sentence: as a job of the admin API, and with a model that puts the sentence into the grammar's words.

The model is a scripted server on this machine; nothing is sent to any other.
"""
import json
import os
import pathlib
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler

import world
from scripted_http import Quiet
from world import World, decision_of, gate_binary, text_of

DENY = "callgate: 1\ndefault: deny\n"
KEY = "sk-very-secret-7f3a"


class Model:
    """A chat endpoint that answers as it is told, and keeps what it was sent."""

    def __init__(self, content="", status=200, body=None, headers=None, hold=None):
        self.seen = []
        outer = self

        class Request(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def do_GET(self):
                self.do_POST()

            def do_POST(self):
                sent = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                outer.seen.append({"path": self.path, "headers": dict(self.headers), "body": json.loads(sent or b"null")})
                if hold:
                    hold.wait(30)
                answer = body if body is not None else json.dumps({"choices": [{"message": {"role": "assistant", "content": content}}]}).encode()
                self.send_response(status)
                for name, value in {"Content-Type": "application/json", "Content-Length": str(len(answer)), **(headers or {})}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(answer)

        self.server = Quiet(("127.0.0.1", 0), Request)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/v1"

    def end(self):
        self.server.shutdown()
        self.server.server_close()


class Wishes(World):
    def model(self, *args, **options):
        model = Model(*args, **options)
        self.addCleanup(model.end)
        return model

    def until(self, what):
        deadline = time.monotonic() + world.LONG
        while not (found := what()):
            self.assertLess(time.monotonic(), deadline, "never")
            time.sleep(0.02)
        return found


class AsAJob(Wishes):
    """start → poll → assets → apply."""

    def gate(self, policy=DENY):
        gate = self.serve(*self.fake(), policy=policy, extra=("--admin", "127.0.0.1:0"))
        self.token = (self.dir / "data" / "admin.token").read_text().strip()
        self.admin = gate.ready["admin"]
        self.until(lambda: self.ask("GET", "/api/v1/servers/default/tools")[1].get("tools"))
        return gate

    def ask(self, method, path, body=None, token=True):
        headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {self.token}"} if token else {})
        request = urllib.request.Request(self.admin + path, method=method, headers=headers, data=None if body is None else json.dumps(body).encode())
        try:
            with urllib.request.urlopen(request, timeout=world.LONG) as answer:
                return answer.status, json.loads(answer.read())
        except urllib.error.HTTPError as refused:
            return refused.code, json.loads(refused.read())

    def drafted(self, wish):
        status, job = self.ask("POST", "/api/v1/servers/default/wishes", {"wish": wish})
        self.assertEqual(status, 202, job)
        self.until(lambda: self.ask("GET", f"/api/v1/wishes/{job['id']}")[1]["state"] != "running")
        return job["id"]

    def call(self, gate, tool, arguments):
        client = gate.client()
        client.initialize()
        return client.call(tool, arguments)

    def test_a_sentence_becomes_the_policy_in_force_and_only_when_it_is_applied(self):
        gate = self.gate()
        job = self.drafted("allow echo only if text starts with 'ok', hide misbehave")
        status, assets = self.ask("GET", f"/api/v1/wishes/{job}/assets")
        self.assertEqual((status, assets["state"], assets["made_by"]), (200, "drafted", "grammar"), assets)
        self.assertIn("echo:", assets["draft"])
        self.assertTrue(assets["tests"] and all(test["held"] for test in assets["tests"]), assets)
        self.assertIn("echo: `deny` -> `allow`", assets["changes"])
        self.assertEqual(decision_of(self.call(gate, "echo", {"text": "ok"}))["rule"], "/default", "a draft changes nothing")

        status, applied = self.ask("POST", f"/api/v1/wishes/{job}/apply")
        self.assertEqual((status, applied["state"]), (200, "applied"), applied)
        self.assertEqual(text_of(self.call(gate, "echo", {"text": "ok then"})), "ok then", "in force with the answer")
        self.assertEqual(decision_of(self.call(gate, "echo", {"text": "no"}))["rule"], "/tools/echo/arguments")
        written = (self.dir / "policy.yaml")
        self.assertEqual(written.read_text(), assets["draft"])
        self.assertEqual(pathlib.Path(str(written) + ".before").read_text(), DENY, "what it replaced is kept")
        checked = subprocess.run([gate_binary(), "policy", "check", "--strict", "--server", "default", "--data", str(self.dir / "data"), str(written)], capture_output=True, text=True, timeout=60)
        self.assertEqual(checked.returncode, 0, checked.stderr)
        servers = self.ask("GET", "/api/v1/servers")[1]["servers"]
        self.assertEqual(servers[0]["policy"], applied["policy"])

    def test_what_the_policy_in_force_holds_stays_and_what_goes_is_named(self):
        policy = """callgate: 1
default: deny
tools:
  echo: {action: allow, arguments: {properties: {text: {type: string, maxLength: 4}}, required: [text]}}
  misbehave: {action: allow, rate_limit: {max: 1, window: 1h}}
everywhere: {rate_limit: {max: 3, window: 1h}}   # all told
resources: {"x:*": {action: allow}}
sampling: allow
"""
        gate = self.gate(policy)
        assets = self.ask("GET", f"/api/v1/wishes/{self.drafted('allow echo and misbehave')}/assets")[1]
        self.assertEqual((assets["draft"], assets["changes"]), (policy, []), "it does already what is wished")
        self.assertIn("nothing is dropped or replaced", assets["effect"])

        job = self.drafted("limit misbehave to 9 per hour")
        assets = self.ask("GET", f"/api/v1/wishes/{job}/assets")[1]
        self.assertIn("1 part of the policy in force is dropped, replaced or loosened", assets["effect"])
        self.assertEqual(assets["changes"], ['misbehave: `rate_limit` of `/tools/misbehave` is replaced: {max: 1, window: "1h"} becomes {max: 9, window: "1h"}'])
        self.assertEqual(self.ask("POST", f"/api/v1/wishes/{job}/apply")[0], 200)
        client = gate.client()
        client.initialize()
        self.assertEqual(decision_of(client.call("echo", {"text": "longer"}))["rule"], "/tools/echo/arguments")
        self.assertEqual([text_of(client.call("echo", {"text": "ok"})) for _ in range(3)], ["ok"] * 3)
        self.assertEqual(decision_of(client.call("echo", {"text": "ok"}))["rule"], "/everywhere/rate_limit")
        self.assertIn("everywhere: {rate_limit: {max: 3, window: 1h}}   # all told\nresources:", (self.dir / "policy.yaml").read_text())

    def test_a_policy_that_changed_since_the_draft_is_not_replaced(self):
        self.gate()
        job = self.drafted("allow everything")
        self.write("policy.yaml", DENY + "# somebody was here\n")
        status, answer = self.ask("POST", f"/api/v1/wishes/{job}/apply")
        self.assertEqual((status, answer["error"]["code"]), (409, "conflict"), answer)
        self.assertIn("somebody was here", (self.dir / "policy.yaml").read_text())
        self.assertFalse((self.dir / "policy.yaml.before").exists())

    def test_what_is_not_understood_fails_and_is_never_applied(self):
        self.gate()
        job = self.drafted("please make my agents behave")
        status, state = self.ask("GET", f"/api/v1/wishes/{job}")
        self.assertEqual((status, state["state"]), (200, "failed"))
        self.assertTrue(state["faults"])
        self.assertEqual(self.ask("POST", f"/api/v1/wishes/{job}/apply")[0], 409)
        self.assertEqual((self.dir / "policy.yaml").read_text(), DENY)

    def test_nothing_is_heard_without_the_token(self):
        self.gate()
        self.assertEqual(self.ask("POST", "/api/v1/servers/default/wishes", {"wish": "allow everything"}, token=False)[0], 401)
        self.assertEqual(self.ask("GET", "/api/v1/wishes", token=False)[0], 401)

    def test_tools_show_what_they_are(self):
        self.gate()
        tools = {each["name"]: each for each in self.ask("GET", "/api/v1/servers/default/tools")[1]["tools"]}
        self.assertEqual((tools["echo"]["category"], tools["echo"]["risk"], tools["echo"]["overridden"]), ("Read", "Low", False))

    def test_a_gate_that_ends_does_not_wait_for_a_model(self):
        held = threading.Event()
        self.addCleanup(held.set)
        model = self.model("allow everything", hold=held)
        os.environ["CALLGATE_MODEL_URL"] = model.url
        self.addCleanup(os.environ.pop, "CALLGATE_MODEL_URL")
        gate = self.gate()
        self.assertEqual(self.ask("POST", "/api/v1/servers/default/wishes", {"wish": "what I want"})[0], 202)
        self.until(lambda: model.seen)
        began = time.monotonic()
        self.assertEqual(gate.end(), 0)
        self.assertLess(time.monotonic() - began, 8)


class ByAModel(Wishes):
    def generate(self, wish, url=None, key=None, name=None):
        environment = {name: value for name, value in os.environ.items() if not name.startswith("CALLGATE_MODEL")}
        environment |= {"CALLGATE_MODEL_URL": url} if url else {}
        environment |= {"CALLGATE_MODEL_KEY": key} if key else {}
        environment |= {"CALLGATE_MODEL_NAME": name} if name else {}
        command = [gate_binary(), "policy", "generate", "--data", str(self.dir / "data"), "--wish", wish, "--name", "fake", "--", *self.fake()]
        return subprocess.run(command, capture_output=True, text=True, timeout=60, env=environment)

    def test_its_words_are_read_checked_and_shown(self):
        model = self.model("allow echo only if text starts with 'ok', hide misbehave")
        done = self.generate("my agent may only repeat what begins with ok", model.url, KEY, "small-1")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("the model put the wish as: allow echo only if", done.stderr)
        self.assertIn("my agent may only repeat what begins with ok", done.stdout, "the policy says whose words it is made from")
        gate = self.run_gate(*self.fake(), policy=done.stdout)
        gate.initialize()
        self.assertEqual(text_of(gate.call("echo", {"text": "ok then"})), "ok then")
        self.assertEqual(decision_of(gate.call("echo", {"text": "no"}))["rule"], "/tools/echo/arguments")

        [sent] = model.seen
        self.assertEqual(sent["path"], "/v1/chat/completions")
        self.assertEqual(sent["headers"]["Authorization"], f"Bearer {KEY}")
        self.assertEqual(sent["body"]["model"], "small-1")
        system, user = sent["body"]["messages"]
        self.assertEqual((system["role"], user["role"]), ("system", "user"))
        data = json.loads(user["content"])
        self.assertEqual(data["wish"], "my agent may only repeat what begins with ok")
        self.assertEqual([tool["name"] for tool in data["tools"]], ["echo", "misbehave"])
        self.assertNotIn("Gives its text back", system["content"], "what servers say is data, in a message of its own")
        for told in (done.stdout, done.stderr, *(file.read_text(errors="replace") for file in (self.dir / "data").rglob("*") if file.is_file())):
            self.assertNotIn(KEY, told)

    def test_without_an_address_nothing_is_sent(self):
        model = self.model("allow everything")
        done = self.generate("allow echo", key=KEY)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(model.seen, [])
        self.assertNotIn("model", done.stderr)

    def test_faults_are_said_and_the_grammar_reads_what_it_can(self):
        elsewhere = self.model("allow everything")
        for name, model in {
                "redirect": self.model(status=307, headers={"Location": elsewhere.url + "/chat/completions"}), "error": self.model(status=500), "key": self.model(status=401),
                "no JSON": self.model(body=b"<html>busy</html>"), "too long": self.model(body=b'{"a":"' + b"x" * (1 << 20) + b'"}'), "no choices": self.model(body=b'{"choices":[]}'),
                "impossible": self.model("IMPOSSIBLE"), "prose": self.model("Sure! Here is your policy: default: allow"), "no such tool": self.model("allow rm_rf"),
                "conflict": self.model("allow echo, deny echo"), "control": self.model("allow echo\x1b[2J")}.items():
            with self.subTest(fault=name):
                done = self.generate("allow echo", model.url, KEY)
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertIn("the model was of no use: ", done.stderr)
                self.assertIn("read by the built-in grammar instead", done.stderr)
                self.assertNotIn("\x1b", done.stderr)
                self.assertIn("  echo:", done.stdout)
                self.assertNotIn("  misbehave:", done.stdout)
                self.assertNotIn(KEY, done.stdout + done.stderr)
                lost = self.generate("let them repeat things", model.url, KEY)
                self.assertEqual((lost.returncode, lost.stdout), (1, ""), lost.stderr)
                self.assertIn("neither the model nor the built-in grammar", lost.stderr)
        self.assertEqual(elsewhere.seen, [], "no redirect is followed")

    def test_where_nobody_listens_it_is_said(self):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            closed = probe.getsockname()[1]
        done = self.generate("allow echo", f"http://127.0.0.1:{closed}/v1", KEY)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("the model was of no use: ", done.stderr)

    def test_a_key_is_not_sent_in_the_clear(self):
        done = self.generate("allow echo", "http://192.0.2.1/v1", KEY)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("in the clear", done.stderr)


if __name__ == "__main__":
    world.main()
