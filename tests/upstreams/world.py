"""A small world for tests from outside: the gate as a process, a server behind it, a client in front.

Standard library only. Everything that is started is ended when the test ends; ports are taken free, readiness is
waited for by a message, every wait has a limit.
"""
import concurrent.futures
import contextlib
import http.client
import io
import itertools
import json
import os
import pathlib
import queue
import signal
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import urllib.parse

HERE = pathlib.Path(__file__).resolve().parent
FAKE = [sys.executable, "-B", str(HERE / "fake_server.py")]
LONG = 60.0 if "CALLGATE_SLOW" in os.environ else 20.0  # seconds until a wait counts as never
# ThreadSanitizer keeps some bytes of its own for each one that the program touches, and they count as the program's.
SHADOW = 3 if os.environ.get("CALLGATE_SANITIZED_BY") == "thread" else 1
ALLOW = "callgate: 1\ndefault: allow\n"
LATEST_HANDSHAKE = "2025-11-25"


def forgets_what_is_freed():
    """A way to start a sanitized gate whose memory is to be measured: AddressSanitizer keeps 256 MiB of freed memory unless it is told otherwise."""
    return ["env", f"ASAN_OPTIONS={os.environ.get('ASAN_OPTIONS', '')}:quarantine_size_mb=8"]


def gate_binary():
    path = os.environ.get("CALLGATE", "")
    if not os.access(path, os.X_OK):
        sys.exit("set CALLGATE to the program under test, as in: CALLGATE=build/release/callgate python3 " + sys.argv[0])
    return os.path.abspath(path)


class World(unittest.TestCase):
    """A test case with a scratch folder, and with gates and servers that end with it."""

    around = ()  # a command that starts the gate somewhere else

    def setUp(self):
        scratch = tempfile.TemporaryDirectory(prefix="callgate-world-")
        self.addCleanup(scratch.cleanup)
        self.dir = pathlib.Path(scratch.name)
        self.record = self.dir / "seen.jsonl"  # what the fake server received, one message a line

    def write(self, name, text):
        path = self.dir / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        path.chmod(0o600)
        return str(path)

    def fake(self, *behaviour):
        return [*FAKE, "--record", str(self.record), *behaviour]

    def fake_http(self, *behaviour):
        """Starts the fake as an HTTP server; gives its URL."""
        process = subprocess.Popen([*self.fake(*behaviour), "--http"], stdout=subprocess.PIPE, text=True)
        self.addCleanup(end, process)
        return process.stdout.readline().strip()

    def serve(self, *upstream, policy=ALLOW, extra=()):
        """`callgate serve` before one server, given as a command or as one URL."""
        behind = ["--upstream", upstream[0]] if upstream[0].startswith("http") else ["--", *upstream]
        return self.started(["--policy", self.write("policy.yaml", policy), "--listen", "127.0.0.1:0", *extra], behind)

    def serve_config(self, command=None, url=None, policy=ALLOW, settings="", top=""):
        """`callgate serve --config`, one server named `it`; `settings` are further lines of that server."""
        self.write("policy.yaml", policy)
        target = f"url: {url}" if url else f"command: {json.dumps(command)}"
        lines = "".join(f"\n    {line}" for line in settings.splitlines())
        text = f"listen: 127.0.0.1:0\nauth: none\n{top}\nservers:\n  it:\n    {target}\n    policy: policy.yaml{lines}\n"
        return self.started(["--config", self.write("callgate.yaml", text)], [])

    def started(self, options, behind):
        gate = Gate(self.dir, [*self.around, gate_binary(), "serve", *options, "--data", str(self.dir / "data")], behind)
        self.addCleanup(gate.end)
        return gate

    def run_gate(self, *upstream, policy=ALLOW, extra=()):
        """`callgate run`: lines in, lines out."""
        behind = ["--upstream", upstream[0]] if upstream[0].startswith("http") else ["--", *upstream]
        command = [*self.around, gate_binary(), "run", "--policy", self.write("policy.yaml", policy), "--data", str(self.dir / "data"), *extra, *behind]
        pipe = Pipe(command, self.dir / "gate.log")
        self.addCleanup(pipe.end)
        return pipe

    def go_on(self):
        """The fake answers the calls that it holds (`misbehave` with `how: held`)."""
        pathlib.Path(f"{self.record}.go_on").touch()

    def seen(self, method=None):
        """What reached the fake server, oldest first."""
        if not self.record.exists():
            return []
        messages = [json.loads(line) for line in self.record.read_text(encoding="utf-8").splitlines()]
        return [m for m in messages if method is None or m.get("method") == method]

    def in_time(self, attempt, *limits, attempts=3):
        """`attempt()` does it and gives the seconds of each part, which have their limits; gives those of the attempt that kept them.
        A machine that others are busy on stands still for a moment, and the next attempt tells: what is too slow is so each time."""
        took = []
        for _ in range(attempts):
            took.append(attempt())
            self.assertEqual(len(took[-1]), len(limits))
            if all(seconds < limit for seconds, limit in zip(took[-1], limits)):
                return took[-1]
        self.fail(f"{took} seconds, of which none is within {limits}: {attempts} times too slow")

    def assertNothingReachedTheServer(self):
        calls = [m for m in self.seen("tools/call") if not str(m["params"].get("name", "")).startswith(("probe", "callgate"))]
        calls = [m for m in calls if m["params"].get("name") in {"echo", "misbehave", "Echo"} or "rubbish" in m]
        self.assertEqual(calls, [])


def end(process, patience=10.0):
    """Asks a process to end, and makes it."""
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(patience)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    for stream in (process.stdin, process.stdout, process.stderr):
        with contextlib.suppress(OSError, AttributeError):
            stream.close()


class Watched:
    """Memory of a gate, which is `process`."""

    def resident_mib(self, which="VmHWM:"):
        """The most memory that the gate's process had, in MiB."""
        for line in pathlib.Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith(which):
                return int(line.split()[1]) / 1024
        return 0.0

    def resident_now_mib(self):
        return self.resident_mib("VmRSS:")

    def forget_peak_mib(self):
        """From here on `resident_mib` tells a new peak; gives what there is now."""
        pathlib.Path(f"/proc/{self.process.pid}/clear_refs").write_text("5")
        return self.resident_now_mib()


class Gate(Watched):
    """`callgate serve` as a process; `url` once calls are taken."""

    def __init__(self, folder, command, behind):
        ready = folder / "ready.json"
        self.log = folder / "gate.log"
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen([*command, "--ready-file", str(ready), *behind], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        deadline = time.monotonic() + LONG
        while not (ready.exists() and ready.read_text().endswith("\n")):
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"the gate is not ready (exit {self.process.poll()}): {self.last_words()}")
            time.sleep(0.01)
        self.ready = json.loads(ready.read_text())
        self.url = next(iter(self.ready["servers"].values()))

    def client(self, **options):
        return Http(self.url, **options)

    def last_words(self):
        return self.log.read_text(errors="replace")[-3000:]

    def said(self, words):
        """Whether they stand in its log, however much was said since."""
        return words in self.log.read_text(errors="replace")

    def alive(self):
        return self.process.poll() is None

    def end(self):
        end(self.process)
        return self.process.returncode


class Pipe(Watched):
    """A process that speaks one JSON message a line, as `callgate run` and every stdio server do."""

    def __init__(self, command, log):
        self.log = log
        with open(log, "wb") as errors:
            self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors)
        self.lines = queue.Queue()
        self.ids = itertools.count(1)
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for line in self.process.stdout:
            self.lines.put(line)
        self.lines.put(b"")

    def send(self, line):
        self.process.stdin.write((line if isinstance(line, bytes) else json.dumps(line).encode()) + b"\n")
        self.process.stdin.flush()

    def receive(self, limit=LONG):
        """The next message; None when the other side closed."""
        try:
            line = self.lines.get(timeout=limit)
        except queue.Empty:
            raise AssertionError(f"no answer in {limit} s: {self.log.read_text(errors='replace')[-3000:]}") from None
        return json.loads(line) if line else None

    def answer_to(self, identity, limit=LONG):
        """The answer with this id; other messages on the way are put aside."""
        deadline = time.monotonic() + limit
        while (message := self.receive(max(0.1, deadline - time.monotonic()))) is not None:
            if "method" not in message and message.get("id") == identity:
                return message
        raise AssertionError(f"the other side closed before it answered {identity}: {self.log.read_text(errors='replace')[-3000:]}")

    def initialize(self, revision=LATEST_HANDSHAKE, capabilities=None):
        self.send(request("init", "initialize", {"protocolVersion": revision, "capabilities": capabilities or {}, "clientInfo": {"name": "world", "version": "1"}}))
        answer = self.answer_to("init")
        self.send({"jsonrpc": "2.0", "method": "notifications/initialized"})
        return answer

    def ask(self, method, params=None, limit=LONG):
        identity = next(self.ids)
        self.send(request(identity, method, params))
        return self.answer_to(identity, limit)

    def call(self, tool, arguments=None, limit=LONG):
        return self.ask("tools/call", {"name": tool, "arguments": arguments or {}}, limit)

    def end(self):
        with contextlib.suppress(OSError):
            self.process.stdin.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(5)
        end(self.process)
        return self.process.returncode


class Http:
    """A client of Streamable HTTP that also sends what no client should."""

    def __init__(self, url, token=None):
        self.address = urllib.parse.urlsplit(url)
        self.headers = {"Accept": "application/json, text/event-stream", "Content-Type": "application/json"}
        if token:
            self.headers["Authorization"] = f"Bearer {token}"
        self.ids = itertools.count(1)

    def exchange(self, method, body=None, headers=None, limit=LONG):
        """(status, headers, body) of one request on a connection of its own."""
        connection = http.client.HTTPConnection(self.address.hostname, self.address.port, timeout=limit)
        try:
            connection.request(method, self.address.path, body, {**self.headers, **(headers or {})})
            response = connection.getresponse()
            return response.status, response.headers, response.read()
        finally:
            connection.close()

    def post(self, message, limit=LONG, **headers):
        """The JSON-RPC answer to a message (an object, or bytes as they are); None for 202."""
        body = message if isinstance(message, bytes) else json.dumps(message).encode()
        status, fields, text = self.exchange("POST", body, {k.replace("_", "-"): v for k, v in headers.items()}, limit)
        self.status = status
        if fields.get("Mcp-Session-Id"):
            self.headers["Mcp-Session-Id"] = fields["Mcp-Session-Id"]
        if "text/event-stream" in fields.get("Content-Type", ""):
            events = [json.loads(line[5:]) for line in text.decode().splitlines() if line.startswith("data:") and line[5:].strip()]
            self.events = events
            return next((event for event in events if "method" not in event), None)
        return json.loads(text) if text.strip() else None

    def initialize(self, revision=LATEST_HANDSHAKE, capabilities=None):
        answer = self.post(request("init", "initialize", {"protocolVersion": revision, "capabilities": capabilities or {}, "clientInfo": {"name": "world", "version": "1"}}))
        self.headers["MCP-Protocol-Version"] = answer.get("result", {}).get("protocolVersion", revision)
        self.post({"jsonrpc": "2.0", "method": "notifications/initialized"})
        return answer

    def ask(self, method, params=None, limit=LONG):
        return self.post(request(next(self.ids), method, params), limit)

    def call(self, tool, arguments=None, limit=LONG):
        return self.ask("tools/call", {"name": tool, "arguments": arguments or {}}, limit)


def stateless_call(client, tool, arguments, capabilities, more=None):
    """A call of 2026-07-28 with all that it needs; gives the answer."""
    meta = {"io.modelcontextprotocol/protocolVersion": "2026-07-28", "io.modelcontextprotocol/clientCapabilities": capabilities}
    fields = {"MCP-Protocol-Version": "2026-07-28", "Mcp-Method": "tools/call", "Mcp-Name": tool}
    return client.post(request(next(client.ids), "tools/call", {"name": tool, "arguments": arguments, **(more or {}), "_meta": meta}), **fields)


def until(ask, is_right):
    """Asks until the answer is right or the time is over; gives the last answer."""
    over = time.monotonic() + LONG
    while not is_right(answer := ask()) and time.monotonic() < over:
        time.sleep(0.05)
    return answer


def request(identity, method, params=None):
    return {"jsonrpc": "2.0", "id": identity, "method": method, **({"params": params} if params is not None else {})}


def text_of(answer):
    """The text of a tool's result."""
    return "".join(block.get("text", "") for block in answer["result"]["content"])


def decision_of(answer):
    """What the gate says for programs about a call it refused; empty when it refused nothing."""
    return answer.get("result", {}).get("_meta", {}).get("dev.callgate/decision", {})


class Sentences(unittest.TextTestResult):
    """Prints each test as a sentence, and keeps count of what passed."""
    passed = 0
    started_at = time.monotonic()

    def startTest(self, test):
        super().startTest(test)
        self.started_at = time.monotonic()

    def say(self, mark, test):
        name = getattr(test, "_testMethodName", str(test))[5:].replace("_", " ")
        print(f"{mark:7} {type(test).__name__}: {name}  ({time.monotonic() - self.started_at:.1f} s)", flush=True)

    def addSuccess(self, test):
        super().addSuccess(test)
        self.passed += 1
        self.say("ok", test)

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self.say("FAILED", test)

    def addError(self, test, err):
        super().addError(test, err)
        self.say("FAILED", test)

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        print(f"skipped {reason}", flush=True)


def beside(test):
    """Marks a test that runs beside the others: it waits most of its time, or they leave it a processor."""
    test.beside = True
    return test


def tests_of(suite):
    for each in suite:
        yield from tests_of(each) if isinstance(each, unittest.TestSuite) else (each,)


def run(tests):
    """The result, and what the runner says of failures."""
    said = io.StringIO()
    result = unittest.TextTestRunner(stream=said, resultclass=Sentences, verbosity=0).run(unittest.TestSuite(tests))
    return result, said.getvalue()


def main():
    """Runs the calling module's tests; closes with one line of counts."""
    names = sys.argv[1:] or None
    suite = unittest.defaultTestLoader.loadTestsFromNames(names, sys.modules["__main__"]) if names else \
        unittest.defaultTestLoader.loadTestsFromModule(sys.modules["__main__"])
    tests = list(tests_of(suite))
    apart = [test for test in tests if hasattr(getattr(test, test._testMethodName, None), "beside")]
    with concurrent.futures.ThreadPoolExecutor(len(apart) or 1) as pool:
        begun = [pool.submit(run, [test]) for test in apart]
        outcomes = [run([test for test in tests if test not in apart]), *(each.result() for each in begun)]
    results = [result for result, _ in outcomes]
    print("".join(said for result, said in outcomes if not result.wasSuccessful()), end="")
    failed = sum(len(result.failures) + len(result.errors) for result in results)
    print(f"{sum(result.passed for result in results)} passed, {failed} failed, {sum(len(result.skipped) for result in results)} skipped")
    sys.exit(1 if failed or not sum(result.testsRun for result in results) else 0)
