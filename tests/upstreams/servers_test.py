"""Real servers from npm behind the gate, the official TypeScript client before it, in all four pairings.

CALLGATE=build/release/callgate PACKAGES=build/packages/upstreams python3 tests/upstreams/servers_test.py
"""
import json
import os
import pathlib
import socket
import subprocess
import time

import world
from world import HERE, World

PACKAGES = pathlib.Path(os.environ.get("PACKAGES", "build/packages/upstreams")).resolve()
SERVERS = PACKAGES / "node_modules/@modelcontextprotocol"

POLICY = """callgate: 1
default: allow
sampling: allow
elicitation: deny
roots: allow
tools:
  get-env: {action: deny, reason: the environment holds secrets}
  gzip-file-as-resource: {action: hide}
  get-sum:
    action: allow
    arguments: {properties: {a: {maximum: 100}}}
  get-tiny-image:
    action: allow
    rate_limit: {max: 2, window: 60}
"""


def server(name, *arguments):
    return ["node", str(SERVERS / f"server-{name}/dist/index.js"), *arguments]


class Real(World):
    def sdk(self, where, *steps):
        """Plays the steps with the official client; gives what it saw."""
        done = subprocess.run(["node", str(HERE / "sdk_client.mjs"), str(PACKAGES), json.dumps(where), json.dumps(steps)],
                              capture_output=True, text=True, timeout=120)
        self.assertEqual(done.returncode, 0, done.stderr[-3000:])
        return json.loads(done.stdout)

    def through_run(self, *behind, policy=POLICY, env=None):
        """How a client on stdio starts the gate: as its server's command."""
        upstream = ["--upstream", behind[0]] if behind[0].startswith("http") else ["--", *behind]
        command = [world.gate_binary(), "run", "--policy", self.write("policy.yaml", policy), "--data", str(self.dir / "data"), *upstream]
        return {"command": command, "env": env or {}}

    def text(self, answer):
        self.assertIn("content", answer, answer)
        return "".join(block.get("text", "") for block in answer["content"])

    def decision(self, answer):
        return answer.get("_meta", {}).get("dev.callgate/decision", {})

    def progress(self, answer):
        """What the server reported; below 0 is what the gate says while a server starts, or its list is read anew."""
        return [done for done in answer["progress"] if done >= 0]


class Everything(Real):
    """server-everything: tools, resources, prompts, progress, and requests that the server starts (protocol items 67, 77)."""

    STEPS = ({"list": "tools"}, {"call": "echo", "arguments": {"message": "hello"}}, {"call": "get-env"},
             {"call": "gzip-file-as-resource", "arguments": {"name": "x"}}, {"call": "get-sum", "arguments": {"a": 2, "b": 3}},
             {"call": "get-sum", "arguments": {"a": 200, "b": 3}}, {"call": "get-sum", "arguments": {"a": "2", "b": 3}},
             {"call": "trigger-long-running-operation", "arguments": {"duration": 0.2, "steps": 4}, "progress": True},
             {"list": "resources"}, {"read": "demo://resource/static/document/features.md"}, {"list": "prompts"},
             {"prompt": "args-prompt", "arguments": {"city": "Oslo"}}, {"ping": True},
             {"call": "get-tiny-image"}, {"call": "get-tiny-image"}, {"call": "get-tiny-image"},
             {"call": "trigger-sampling-request", "arguments": {"prompt": "one word"}},
             {"call": "no-such-tool"})

    def http_server(self):
        """server-everything on a free port; `PORT=0` is not understood, so a port is found first."""
        for _ in range(5):
            port = free_port()
            log = open(self.dir / "everything.log", "w+")
            self.addCleanup(log.close)
            process = subprocess.Popen(server("everything", "streamableHttp"), env={**os.environ, "PORT": str(port)}, stdout=log, stderr=log)
            self.addCleanup(world.end, process)
            if wait_for_port(port, process):
                return f"http://127.0.0.1:{port}/mcp"
        raise AssertionError("server-everything does not listen")

    def check(self, seen):
        tools, echo, env, gzip, five, too_much, not_a_number, slow, resources, document, prompts, prompt, ping, *rest = seen["answers"]
        one, two, three, sampled, unknown = rest
        names = [tool["name"] for tool in tools]
        self.assertEqual(seen["server"]["name"], "mcp-servers/everything")
        self.assertIn("echo", names)
        self.assertIn("get-env", names, "a denied tool is listed")
        self.assertNotIn("gzip-file-as-resource", names, "a hidden one is not")
        self.assertEqual(self.text(echo), "Echo: hello")
        self.assertTrue(env["isError"])
        self.assertIn("the environment holds secrets", self.text(env))
        self.assertEqual(self.decision(env)["rule"], "/tools/get-env")
        self.assertEqual(json.dumps(gzip).replace("gzip-file-as-resource", "no-such-tool"), json.dumps(unknown), "hidden looks like unknown")
        self.assertEqual(self.text(five), "The sum of 2 and 3 is 5.")
        self.assertEqual(self.decision(too_much)["rule"], "/tools/get-sum/arguments")
        self.assertEqual(self.decision(not_a_number)["verdict"], "invalid_arguments")
        self.assertEqual(self.decision(not_a_number)["rule"], "", "the tool's own schema")
        self.assertEqual(self.progress(slow), [1, 2, 3, 4])
        self.assertGreater(len(resources), 3)
        self.assertGreater(len(document["contents"][0]["text"]), 100)
        self.assertIn("args-prompt", [p["name"] for p in prompts])
        self.assertIn("Oslo", json.dumps(prompt))
        self.assertEqual(ping, {})
        self.assertEqual(one["content"], two["content"])
        self.assertEqual(self.decision(three)["verdict"], "rate_limited")
        self.assertLessEqual(self.decision(three)["retry_after_s"], 60)
        self.assertIn("a sampled word", self.text(sampled))
        self.assertIn("sampling", seen["asked"])

    def test_stdio_client_and_stdio_server(self):
        self.check(self.sdk(self.through_run(*server("everything", "stdio")), *self.STEPS))

    def test_stdio_client_and_http_server(self):
        self.check(self.sdk(self.through_run(self.http_server()), *self.STEPS))

    def test_http_client_and_stdio_server(self):
        self.check(self.sdk({"url": self.serve(*server("everything", "stdio"), policy=POLICY).url}, *self.STEPS))

    def test_http_client_and_http_server(self):
        self.check(self.sdk({"url": self.serve(self.http_server(), policy=POLICY).url}, *self.STEPS))

    def test_sampling_that_the_policy_denies_never_reaches_the_client(self):
        seen = self.sdk(self.through_run(*server("everything", "stdio"), policy=world.ALLOW),
                        {"call": "trigger-sampling-request", "arguments": {"prompt": "one word"}}, {"call": "echo", "arguments": {"message": "on"}})
        self.assertNotIn("sampling", seen["asked"])
        self.assertEqual(self.text(seen["answers"][1]), "Echo: on")

    @world.beside
    def test_a_cancelled_call_ends_and_the_next_is_answered(self):
        seen = self.sdk(self.through_run(*server("everything", "stdio")),
                        {"call": "trigger-long-running-operation", "arguments": {"duration": 30, "steps": 30}, "cancel_after_ms": 300},
                        {"call": "echo", "arguments": {"message": "on"}})
        self.assertIn("fault", seen["answers"][0])
        self.assertEqual(self.text(seen["answers"][1]), "Echo: on")


class Filesystem(Real):
    """server-filesystem: real writes, so a refusal can be seen on the disk."""

    def test_writes_are_decided_by_their_path(self):
        shelf = self.dir / "shelf"
        shelf.mkdir()
        policy = f"""callgate: 1
default: deny
tools:
  write_file:
    action: allow
    arguments: {{properties: {{path: {{pattern: "^{shelf}/notes-[a-z]+[.]txt$"}}}}, required: [path, content]}}
  read_text_file: {{action: allow}}
"""
        write = lambda path, content: {"call": "write_file", "arguments": {"path": str(path), "content": content}}
        seen = self.sdk({"url": self.serve(*server("filesystem", str(shelf)), policy=policy).url},
                        write(shelf / "notes-one.txt", "kept"), write(shelf / "other.txt", "lost"), write(shelf / "notes-one.txt\n", "lost"),
                        {"call": "read_text_file", "arguments": {"path": str(shelf / "notes-one.txt")}},
                        {"call": "move_file", "arguments": {"source": str(shelf / "notes-one.txt"), "destination": str(shelf / "gone.txt")}})
        kept, other, newline, read, move = seen["answers"]
        self.assertFalse(kept.get("isError"), kept)
        self.assertEqual(self.decision(other)["rule"], "/tools/write_file/arguments")
        self.assertEqual(self.decision(newline)["rule"], "/tools/write_file/arguments")
        self.assertEqual(self.text(read), "kept")
        self.assertEqual(self.decision(move)["rule"], "/default")
        self.assertEqual(sorted(path.name for path in shelf.iterdir()), ["notes-one.txt"])


class Memory(Real):
    """server-memory: what was not allowed is not in its file."""

    def test_a_denied_deletion_leaves_the_file_as_it_was(self):
        memory = self.dir / "memory.jsonl"
        policy = 'callgate: 1\ndefault: allow\ntools:\n  "delete_*": {action: deny, reason: nothing is forgotten}\n'
        seen = self.sdk(self.through_run(*server("memory"), policy=policy, env={"MEMORY_FILE_PATH": str(memory)}),
                        {"call": "create_entities", "arguments": {"entities": [{"name": "Ada", "entityType": "person", "observations": ["counts"]}]}},
                        {"call": "delete_entities", "arguments": {"entityNames": ["Ada"]}}, {"call": "read_graph"})
        created, deleted, graph = seen["answers"]
        self.assertFalse(created.get("isError"), created)
        self.assertEqual(self.decision(deleted)["rule"], "/tools/delete_*")
        self.assertIn("Ada", self.text(graph))
        self.assertIn("Ada", memory.read_text())


class Together(Real):
    """Three real servers at one address, one of them broken: each call to its own gate, each name and id back."""

    def together(self, **policies):
        """`callgate serve` with `aggregate: true`; gives the address of all."""
        servers = {"everything": server("everything", "stdio"), "memory": server("memory"), "broken": ["node", "-e", "process.exit(3)"]}
        lines = ""
        for name, command in servers.items():
            policy = self.write(f"{name}.yaml", policies.get(name, POLICY if name == "everything" else world.ALLOW))
            lines += f"  {name}:\n    command: {json.dumps(command)}\n    policy: {policy}\n    start_timeout: 10s\n"
            if name == "memory":
                lines += f"    env: {{MEMORY_FILE_PATH: {self.dir / 'memory.jsonl'}}}\n"
        config = self.write("callgate.yaml", f"listen: 127.0.0.1:0\nauth: none\naggregate: true\naggregate_wait: 8s\nservers:\n{lines}")
        return self.started(["--config", config], []).ready["url"] + "/mcp"

    def test_calls_go_to_the_server_that_their_name_says(self):
        where = {"url": self.together(memory='callgate: 1\ndefault: allow\ntools:\n  "delete_*": {action: deny, reason: nothing is forgotten}\n')}
        seen = self.sdk(where, {"list": "tools"}, {"call": "everything__echo", "arguments": {"message": "hello"}},
                        {"call": "memory__create_entities", "arguments": {"entities": [{"name": "Ada", "entityType": "person", "observations": ["counts"]}]}},
                        {"call": "memory__delete_entities", "arguments": {"entityNames": ["Ada"]}}, {"call": "memory__read_graph"},
                        {"call": "everything__get-env"}, {"call": "everything__gzip-file-as-resource", "arguments": {"name": "x"}}, {"call": "everything__no-such-tool"},
                        {"call": "everything__trigger-long-running-operation", "arguments": {"duration": 0.2, "steps": 4}, "progress": True},
                        {"call": "everything__trigger-sampling-request", "arguments": {"prompt": "one word"}},
                        {"call": "broken__echo"}, {"call": "echo"}, {"ping": True},
                        {"list": "resources"}, {"read": "demo://resource/static/document/features.md"}, {"list": "prompts"},
                        {"prompt": "everything__args-prompt", "arguments": {"city": "Oslo"}})
        self.assertEqual(seen["server"]["name"], "callgate")
        *seen["answers"], resources, document, prompts, prompt = seen["answers"]
        self.assertGreater(len(resources), 3)
        self.assertGreater(len(document["contents"][0]["text"]), 100)
        self.assertIn("everything__args-prompt", [each["name"] for each in prompts])
        self.assertIn("Oslo", json.dumps(prompt))
        tools, echo, created, deleted, graph, env, hidden, unknown, slow, sampled, broken, nameless, ping = seen["answers"]
        names = [tool["name"] for tool in tools]
        self.assertIn("everything__echo", names)
        self.assertIn("memory__read_graph", names)
        self.assertNotIn("everything__gzip-file-as-resource", names)
        self.assertTrue(all(name.startswith(("everything__", "memory__")) for name in names), names)
        self.assertEqual(self.text(echo), "Echo: hello")
        self.assertFalse(created.get("isError"), created)
        self.assertEqual(self.decision(deleted)["rule"], "/tools/delete_*")
        self.assertIn("Ada", self.text(graph))
        self.assertEqual(self.decision(env)["rule"], "/tools/get-env")
        self.assertEqual(json.dumps(hidden).replace("gzip-file-as-resource", "no-such-tool"), json.dumps(unknown), "hidden looks like unknown")
        self.assertEqual(self.progress(slow), [1, 2, 3, 4])
        self.assertIn("a sampled word", self.text(sampled))
        self.assertIn("broken", broken["fault"])
        self.assertIn("Unknown tool: echo", nameless["fault"])
        self.assertEqual(ping, {})


class Generated(Real):
    """From the tools of a real server to a page, to a policy, to a gate that holds them."""

    def made_for(self, *command):
        done = subprocess.run([world.gate_binary(), "policy", "generate", "--data", str(self.dir / "data"), "--", *command], capture_output=True, text=True, timeout=120)
        self.assertEqual(done.returncode, 0, done.stderr)
        file = self.write("made.yaml", done.stdout)
        checked = subprocess.run([world.gate_binary(), "policy", "check", "--strict", file], capture_output=True, text=True, timeout=60)
        self.assertEqual(checked.returncode, 0, checked.stderr)
        return done.stdout

    def test_reads_pass_and_writes_of_files_are_held(self):
        shelf = self.dir / "shelf"
        shelf.mkdir()
        (shelf / "a.txt").write_text("kept")
        command = server("filesystem", str(shelf))
        policy = self.made_for(*command)
        seen = self.sdk({"url": self.serve(*command, policy=policy, extra=("--name", "shelf")).url}, {"call": "read_text_file", "arguments": {"path": str(shelf / "a.txt")}},
                        {"call": "list_directory", "arguments": {"path": str(shelf)}}, {"call": "no_such_tool"})
        read, listed, unknown = seen["answers"]
        self.assertEqual(self.text(read), "kept")
        self.assertIn("a.txt", self.text(listed))
        self.assertNotIn("write_file: {action: allow}", policy, "what writes has a limit, or asks")

    def test_every_listed_tool_has_a_rule_and_a_page(self):
        command = server("memory")
        policy = self.made_for(*command)
        pages = self.dir / "pages"
        done = subprocess.run([world.gate_binary(), "catalogue", "build", "--data", str(self.dir / "data"), "--name", "memory", "--out", str(pages), "--", *command], capture_output=True, text=True, timeout=120)
        self.assertEqual(done.returncode, 0, done.stderr)
        tools = [tool["tool"] for tool in json.loads((pages / "memory/index.json").read_text())["tools"]]
        self.assertEqual(len(tools), 9)
        for tool in tools:
            self.assertIn(f"\n  {tool}:", policy)
            self.assertIn(tool, (pages / f"memory/{tool}.html").read_text())


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for_port(port, process):
    deadline = time.monotonic() + world.LONG
    while process.poll() is None and time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return True
        except OSError:
            time.sleep(0.05)
    return False


del Real  # a base, not a case

if __name__ == "__main__":
    if not SERVERS.is_dir():
        raise SystemExit(f"no packages in {PACKAGES}: ./dev test installs them")
    world.main()
