"""Every client with every server through the gate: the official SDKs of both generations and the wire of each revision,
with servers of either era, over HTTP and stdio, and with all of them at one address (`all`) (protocol items 9, 13-15, 66, 67, 104).

CALLGATE=build/release/callgate PACKAGES=build/packages python3 tests/upstreams/eras/matrix.py
    --only TEXT    the clients whose name holds this
    --direct       without the gate, where a client and a server share a transport: what to expect of them at best
    --update       waits as long for what is not expected as for what is, and writes what it saw into expected.txt
"""
import argparse
import concurrent.futures
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
import world  # noqa: E402
import cells  # noqa: E402

PACKAGES = pathlib.Path(os.environ.get("PACKAGES", "build/packages")).resolve()
POLICY = "callgate: 1\ndefault: allow\nsampling: allow\nelicitation: allow\nroots: allow\n"
FIXTURE = ["node", str(HERE.parents[1] / "conformance/fixture.mjs")]
SERVERS = {  # name: (flag of the fixture, what carries it)
    "legacy http": ("--legacy-only", "http"), "legacy stdio": ("--legacy-only", "stdio"), "HTTP+SSE": ("--sse", "http"),
    "modern http": ("--modern-only", "http"), "modern stdio": ("--modern-only", "stdio"),
}


def slug(server):
    return server.lower().replace(" ", "-").replace("+", "-")


def node22():
    """The second generation of the TypeScript SDK needs more than Debian's Node."""
    return next(iter(PACKAGES.glob("eras/node_modules/node-linux-*/bin/node")), None)


def typescript(generation):
    there = (PACKAGES / "eras/.stamp").exists() and node22()
    return [str(node22()), str(HERE / "ts_client.mjs"), generation, str(PACKAGES / "eras")] if there else None


def python_sdk(environment, program):
    interpreter = PACKAGES / environment / "bin/python"
    return [str(interpreter), "-B", str(HERE / program)] if interpreter.exists() else None


def wire(revision):
    return [sys.executable, "-B", str(HERE / "raw_client.py"), revision]


BEFORE_ELICITATION = {"elicit": "elicitation came with 2025-06-18"}
CLIENTS = {  # name: (command, what it cannot do and why)
    "TypeScript SDK v1": (typescript("v1"), {}),
    "TypeScript SDK v2": (typescript("v2"), {}),
    "TypeScript SDK v2, auto": (typescript("v2-auto"), {}),
    "Python SDK 1.x": (python_sdk("python-eras", "py1_client.py"), {}),
    "Python SDK 2.x": (python_sdk("python", "py2_client.py"), {}),
    "wire 2024-11-05, HTTP+SSE": (wire("2024-11-05+sse"), BEFORE_ELICITATION),
    "wire 2024-11-05": (wire("2024-11-05"), BEFORE_ELICITATION),
    "wire 2025-03-26": (wire("2025-03-26"), BEFORE_ELICITATION),
    "wire 2025-06-18": (wire("2025-06-18"), {}),
    "wire 2025-11-25": (wire("2025-11-25"), {}),
    "wire 2026-07-28": (wire("2026-07-28"), {}),
}
ROWS = [(client, via) for client in CLIENTS for via in ("http", "stdio", "all") if via == "http" or "SSE" not in client]


class Stage:
    """The servers, and the gate that stands before them for clients on HTTP."""

    def __init__(self, folder, direct):
        self.folder, self.direct, self.processes = folder, direct, []
        self.policy = self.write("policy.yaml", POLICY)
        self.urls, self.gate = {}, None

    def __enter__(self):
        try:
            self.urls = {era: self.listen(era) for era in ("--legacy-only", "--modern-only", "--sse")}
            self.gate = None if self.direct else self.serve()
        except BaseException:
            self.__exit__()
            raise
        return self

    def write(self, name, text):
        path = self.folder / name
        path.write_text(text, encoding="utf-8")
        path.chmod(0o600)
        return str(path)

    def listen(self, era):
        process = subprocess.Popen([*FIXTURE, "0", era], stdout=subprocess.PIPE, text=True)
        self.processes.append(process)
        return process.stdout.readline().strip()

    def serve(self):
        lines = ["listen: 127.0.0.1:0", "auth: none", "aggregate: true", "limits: {children: 400}", "servers:"]
        for name, (era, carrier) in SERVERS.items():
            behind = f"url: {self.urls[era]}" if carrier == "http" else f"command: {json.dumps([*FIXTURE, era, '--stdio'])}"
            lines.append(f"  {slug(name)}: {{{behind}, policy: policy.yaml}}")
        config = self.write("callgate.yaml", "\n".join(lines) + "\n")
        return world.Gate(self.folder, [world.gate_binary(), "serve", "--config", config, "--data", str(self.folder / "data")], [])

    def target(self, via, server, row):
        """How a client of that transport reaches a server; nothing when it cannot without the gate."""
        era, carrier = SERVERS[server]
        if self.direct:
            if via == "all" or via != carrier or (era == "--sse") != ("SSE" in row[0]):
                return None
            return {"url": self.urls[era]} if via == "http" else {"command": [*FIXTURE, era, "--stdio"]}
        if via == "all":
            # The first server has the URI that all of them have.
            first = server == next(iter(SERVERS))
            watched = {} if first else {"watched": f"callgate://{slug(server)}/test://watched-resource"}
            return {"url": f"{self.gate.ready['url']}/mcp", "prefix": f"{slug(server)}__", **watched}
        if via == "http":
            url = self.gate.ready["servers"][slug(server)]
            return {"url": url.replace("/mcp/", "/sse/") if "SSE" in row[0] else url}
        behind = ["--upstream", self.urls[era]] if carrier == "http" else ["--", *FIXTURE, era, "--stdio"]
        data = self.folder / f"run-{ROWS.index(row)}-{slug(server)}"
        return {"command": [world.gate_binary(), "run", "--policy", self.policy, "--data", str(data), *behind]}

    def __exit__(self, *_):
        if self.gate:
            self.gate.end()
        for process in self.processes:
            world.end(process)


def play(stage, row, expected, patient):
    """{server: marks} of one client over one transport, and {(server, step): why not}."""
    client, via = row
    command, cannot = CLIENTS[client]
    targets = []
    for server in SERVERS:
        target = stage.target(via, server, row)
        if target:
            patience = {step: cells.patience(patient or expected[row][server], step) for step in cells.STEPS if step not in cannot}
            targets.append({"name": server, **target, "patience": patience})
    try:
        done = subprocess.run([*command, json.dumps(targets)], capture_output=True, text=True, timeout=world.LONG * 6, stdin=subprocess.DEVNULL)
        lines, last_words = done.stdout, done.stderr
    except subprocess.TimeoutExpired as late:
        lines, last_words = (late.stdout or b"").decode(), "the client did not come to an end"
    said = {(line["server"], line["step"]): line for line in map(json.loads, filter(None, lines.splitlines()))}
    marks, why = {}, {}
    for target in targets:
        server = target["name"]
        marks[server] = "".join(cells.mark(step in cannot, said.get((server, step))) for step in cells.STEPS)
        for step in target["patience"]:
            line = said.get((server, step))
            if line is None and said.get((server, "open"), {"ok": True})["ok"]:
                why[server, step] = f"the client said nothing: {last_words[-300:]}"
            elif line and not line["ok"]:
                why[server, step] = line["why"]
    return marks, why


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--only", default="")
    options.add_argument("--direct", action="store_true")
    options.add_argument("--update", action="store_true")
    options = options.parse_args()
    if not options.direct:
        world.gate_binary()
    expected = cells.read(HERE / "expected.txt", ROWS, SERVERS)
    wanted = [row for row in ROWS if options.only in row[0]]
    skipped = [row for row in wanted if CLIENTS[row[0]][0] is None]
    rows = [row for row in wanted if row not in skipped]
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="callgate-eras-") as scratch:
        with Stage(pathlib.Path(scratch), options.direct) as stage, concurrent.futures.ThreadPoolExecutor(4) as pool:
            outcomes = dict(zip(rows, pool.map(lambda row: play(stage, row, expected, options.update and cells.ALL), rows)))
    seen = {row: marks for row, (marks, _) in outcomes.items()}
    reasons = {client: cannot for client, (_, cannot) in CLIENTS.items() if any(client == row[0] for row in rows) and cannot}
    print(cells.table(rows, SERVERS, seen, reasons))
    for client in dict.fromkeys(client for client, _ in skipped):
        print(f"skipped: {client} (its packages are not there)")
    if options.direct:
        for (client, via), (_, why) in outcomes.items():
            for (server, step), reason in why.items():
                print(f"{client} over {via}, {server}: {step}: {reason}")
        return 0
    if options.update:
        for row, marks in seen.items():
            expected[row] |= {server: cells.merged(expected[row][server], marks[server]) for server in marks}
        cells.write(HERE / "expected.txt", ROWS, SERVERS, expected)
        return 0
    failed = 0
    for row, (marks, why) in outcomes.items():
        for server, step, was, is_now in cells.differences(expected[row], marks):
            failed += 1
            print(f"{row[0]} over {row[1]}, {server}: {step} is {is_now}, expected {was}  {why.get((server, step), '')}")
    works = sum(mark == cells.WORKS for marks in seen.values() for row in marks.values() for mark in row)
    waits = sum(mark == cells.FAILS for marks in seen.values() for row in marks.values() for mark in row)
    print(f"{works} cells work, {waits} do not yet, {failed} are not as expected.txt has them; {time.monotonic() - began:.0f} s")
    print(f"{works} passed, {failed} failed, {len(skipped)} skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
