"""Servers of the field that start for a list with dummy credentials (field/servers.toml): each directly, through the gate, scanned, under a policy, on pages.

CALLGATE=build/dev/callgate PACKAGES=build/packages python3 -B tests/upstreams/ring_test.py [NAME...]

No tool is called: what reaches each server is kept by a witness between gate and server. What a registry withholds is skipped, named and counted.
"""
import collections
import concurrent.futures
import contextlib
import json
import os
import pathlib
import re
import secrets
import subprocess
import sys
import tempfile
import time

import ring_packages
from ring_packages import Unreachable, Withheld
from world import ALLOW, LATEST_HANDSHAKE, Pipe, gate_binary, request

CATEGORIES = ("Read", "Write", "Execute", "Destructive", "Financial")
RISKS = ("Low", "Medium", "High", "Critical")
PATIENCE = 240.0  # seconds for a start: many of these take half a minute where the machine is busy
AWS = {"AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "{secret}", "AWS_SECRET_ACCESS_KEY": "{secret}", "AWS_EC2_METADATA_DISABLED": "true"}


class Talk(Pipe):
    """A client that keeps lines as they came, puts aside those that are no messages, and declines whatever a server asks of it."""

    def answer_line(self, identity):
        over = time.monotonic() + PATIENCE
        while line := self.next_line(over):
            try:
                message = json.loads(line)
            except ValueError:
                continue
            if "method" not in message and message.get("id") == identity:
                return line.decode("utf-8"), message
            if "method" in message and "id" in message:
                self.send({"jsonrpc": "2.0", "id": message["id"], **({"result": {}} if message["method"] == "ping" else {"error": {"code": -32601, "message": "no"}})})
        raise AssertionError(f"it ended before it answered: {self.last_words()}")

    def next_line(self, over):
        try:
            return self.lines.get(timeout=max(0.1, over - time.monotonic()))
        except Exception:
            raise AssertionError(f"no answer in {PATIENCE:.0f} s: {self.last_words()}") from None

    def send(self, line):
        with contextlib.suppress(BrokenPipeError):  # what it says at its end is told where the answer is waited for
            super().send(line)

    def last_words(self):
        return " ".join(self.log.read_text(errors="replace").split())[-400:]

    def listed(self):
        """(the tools, what stands between the brackets of each page, other members of the pages)"""
        begun = time.monotonic()
        self.send(request("init", "initialize", {"protocolVersion": LATEST_HANDSHAKE, "capabilities": {}, "clientInfo": {"name": "ring", "version": "1"}}))
        self.revision = result_of(self.answer_line("init")[1])["protocolVersion"]
        self.started_in = time.monotonic() - begun
        self.send({"jsonrpc": "2.0", "method": "notifications/initialized"})
        tools, texts, others, cursor = [], [], {}, None
        while cursor or not texts:
            identity = next(self.ids)
            self.send(request(identity, "tools/list", {"cursor": cursor} if cursor else {}))
            line, message = self.answer_line(identity)
            page = result_of(message)
            tools += page["tools"]
            texts.append(text_of_tools(line, page["tools"]))
            others |= {key: value for key, value in page.items() if key != "tools"}
            cursor = page.get("nextCursor")
        return tools, texts, others


def result_of(message):
    if "result" not in message:
        raise AssertionError(f"an error: {json.dumps(message.get('error'))[:300]}")
    return message["result"]


def text_of_tools(line, tools):
    """The list of tools as it was written."""
    for found in re.finditer(r'"tools"\s*:\s*', line):
        if line[found.end():found.end() + 1] == "[":
            value, end = json.JSONDecoder().raw_decode(line, found.end())
            if value == tools:
                return line[found.end():end]
    raise AssertionError("the list is not where it was read")


def difference(one, other, path=""):
    """Where two values differ first, and how; empty when they do not, nor in the order of their members."""
    if isinstance(one, dict) and isinstance(other, dict):
        if one.keys() != other.keys():
            return f"{path}: members {sorted(one.keys() ^ other.keys())}"
        inner = next(filter(None, (difference(one[key], other[key], f"{path}/{key}") for key in one)), "")
        return inner or ("" if list(one) == list(other) else f"{path}: the order of members")
    if isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        return next(filter(None, (difference(a, b, f"{path}/{n}") for n, (a, b) in enumerate(zip(one, other)))), "")
    return "" if json.dumps(one) == json.dumps(other) else f"{path}: {json.dumps(one)[:80]} became {json.dumps(other)[:80]}"


class Case:
    """One server, the whole way; `faults` says what is not as it should be."""

    def __init__(self, server, scratch):
        self.server, self.name = server, server.name
        self.dir, self.data, self.home = scratch, scratch / "data", scratch / "home"
        self.secret = secrets.token_hex(16)  # no word, so that it stands nowhere by chance
        for name, text in {".aws/config": "[default]\nregion = us-east-1\n", **server.files}.items():
            (self.home / name).parent.mkdir(parents=True, exist_ok=True)
            (self.home / name).write_text(self.filled(text), encoding="utf-8")
        self.faults, self.seen = [], {}
        programs = server.programs
        self.command = [str(programs / server.start[0]), *map(self.filled, server.start[1:])]
        places = os.pathsep.join([str(programs), ring_packages.node_folder(), "/usr/local/bin", "/usr/bin", "/bin"])
        self.env = {"PATH": places, "HOME": str(self.home), "LANG": "C.UTF-8", **{key: self.filled(value) for key, value in {**AWS, **server.env}.items()}}
        self.witness = self.dir / "witness.jsonl"

    def filled(self, text):
        return text.replace("{secret}", self.secret).replace("{scratch}", str(self.home))

    def around(self, *command):
        return ["env", "-i", "-C", str(self.home), *(f"{key}={value}" for key, value in self.env.items()), *command]

    def witnessed(self):
        """The server, with whatever it is sent written down on the way."""
        return ["sh", "-c", 'tee -a "$0" | exec "$@"', str(self.witness), *self.command]

    def fault(self, words):
        self.faults.append(words)

    def expect(self, holds, words):
        if not holds:
            self.fault(words)

    def callgate(self, *args):
        done = subprocess.run(self.around(gate_binary(), *args), capture_output=True, timeout=PATIENCE, check=False)
        what = " ".join(args[:2]) if args[0] != "scan" else "scan"
        with open(self.dir / f"{what.replace(' ', '-')}.said", "ab") as file:
            file.write(done.stdout + done.stderr)
        if done.returncode != 0:
            said = (done.stderr + done.stdout).decode(errors="replace")
            raise AssertionError(f"{what}: exit {done.returncode}: {' '.join(said.split())[-500:]}")
        return done.stdout.decode()

    def listed(self, what, command):
        talk = Talk(command, self.dir / f"{what}.log")
        try:
            return talk, *talk.listed()
        finally:
            talk.end()

    def whole_way(self):
        """Each step needs the one before, so the first that cannot be done is the last that is tried; what was said on the way is looked through all the same."""
        all(self.done(step) for step in (self.compare, self.scan, self.policy, self.pages))
        for step in (self.nothing_was_called, self.nothing_shows):
            self.done(step)

    def done(self, step):
        try:
            step()
        except AssertionError as fault:
            self.fault(str(fault))
        except (subprocess.TimeoutExpired, OSError, ValueError, KeyError) as fault:
            self.fault(f"{step.__name__}: {type(fault).__name__}: {fault}")
        else:
            return True
        return False

    def compare(self):
        talk, self.tools, texts, others = self.listed("direct", self.around(*self.command))
        self.seen |= {"tools": len(self.tools), "KB": sum(map(len, texts)) // 1024, "starts": f"{talk.started_in:.1f}", "revision": talk.revision}
        self.expect(len(self.tools) == self.server.tools, f"it lists {len(self.tools)} tools, the table says {self.server.tools}")
        policy = self.dir / "allow.yaml"
        policy.write_text(ALLOW, encoding="utf-8")
        policy.chmod(0o600)
        gate = self.around(gate_binary(), "run", "--policy", str(policy), "--name", self.name, "--data", str(self.data), "--", *self.witnessed())
        behind, tools, gated_texts, gated_others = self.listed("gate", gate)
        self.seen |= {"gated": f"{behind.started_in:.1f}"}
        self.expect(behind.revision == talk.revision, f"through the gate it speaks {behind.revision}, directly {talk.revision}")
        self.expect(others == gated_others, f"beside the tools: {others} became {gated_others}")
        warnings = self.warnings()  # some write what is no message to their output; nothing else that they do while they are listed is worth a warning
        self.expect(warnings <= {"upstream_line_skipped"}, f"the gate's log warns: {', '.join(sorted(warnings))}")
        change = difference(self.tools, tools)
        if change:
            again = self.listed("again", self.around(*self.command))[1]
            self.expect(difference(self.tools, again), f"the list through the gate: {change}")
            change = f"varies by itself: {difference(self.tools, again)}"
        self.seen["list"] = change or ("bytes" if texts == gated_texts else self.other_bytes(texts, gated_texts))
        if warnings:
            self.seen["list"] += ", beside lines that are no messages"

    def warnings(self):
        """What the gate's log warns of, by event."""
        entries = [json.loads(line) for line in (self.dir / "gate.log").read_text(encoding="utf-8").splitlines()]
        return {entry["event"] for entry in entries if entry["level"] not in {"info", "debug"}}

    @staticmethod
    def other_bytes(texts, gated_texts):
        one, other = "".join(texts), "".join(gated_texts)
        at = next((n for n, (a, b) in enumerate(zip(one, other)) if a != b), min(len(one), len(other)))
        return f"written otherwise: {one[max(0, at - 20):at + 20]!r} {other[max(0, at - 20):at + 20]!r}"

    def scan(self):
        found = json.loads(self.callgate("scan", "--json", "--name", self.name, "--data", str(self.data), "--", *self.command))
        self.scanned = {each["tool"]: each for each in found}
        names = {tool["name"] for tool in self.tools}
        self.expect(self.scanned.keys() == names, f"scan: {sorted(self.scanned.keys() ^ names)[:5]} are not on both sides")
        for tool, each in self.scanned.items():
            whole = each["category"] in CATEGORIES and each["risk"] in RISKS and {"category", "risk"} <= {evidence["for"] for evidence in each["evidence"]}
            self.expect(whole, f"scan: `{tool}` has no class, risk or evidence")
        risks = collections.Counter(each["risk"] for each in found)
        self.seen["risks"] = " ".join(f"{risks[risk]}" for risk in RISKS)

    def policy(self):
        file = self.dir / "generated.yaml"
        pinned = ["--server", self.name, "--data", str(self.data)]
        file.write_text(self.callgate("policy", "generate", *pinned), encoding="utf-8")
        file.chmod(0o600)
        self.callgate("policy", "check", "--strict", str(file), *pinned)
        self.callgate("policy", "test", str(file), *pinned)

    def pages(self):
        pages = self.dir / "pages"
        pinned = ["--server", self.name, "--data", str(self.data)]
        self.callgate("catalogue", "build", "--out", str(pages), *pinned)
        folder = pages / self.name
        for tool, each in self.scanned.items():
            page = json.loads((folder / f"{tool}.json").read_text(encoding="utf-8"))
            self.expect((page["category"], page["risk"]) == (each["category"], each["risk"]), f"the page of `{tool}` says another class than the scan")
            self.expect(f"<code>{tool}</code>" in (folder / f"{tool}.html").read_text(encoding="utf-8"), f"the page of `{tool}` does not name it")
        rules = [str(folder / f"{tool}.yaml") for tool in self.scanned]
        self.callgate("policy", "check", "--strict", *rules, *pinned)

    def nothing_was_called(self):
        """By what reached the server, and by what the journal says. The gate asks once for a tool that nobody has, to learn how the server says so: of its own, and on record as that."""
        if not self.data.exists():
            return  # no gate was started
        sent = [json.loads(line) for line in self.witness.read_text(encoding="utf-8").splitlines()]
        called = {message["params"]["name"] for message in sent if message.get("method") == "tools/call"}
        self.expect(any(message.get("method") == "tools/list" for message in sent), "the witness saw no list being asked for")
        self.expect(all(re.fullmatch(r"callgate_probe_[0-9a-f]{32}", name) for name in called), f"called: {sorted(called)}")
        lines = [line for file in self.data.glob("journal/*/*.jsonl") for line in file.read_text(encoding="utf-8").splitlines()]
        records = [json.loads(line) for line in lines]
        self.expect(any(record.get("method") == "tools/list" for record in records), "the journal has no list")
        self.expect(not any(record.get("method") == "tools/call" for record in records), "the journal has a call")
        self.expect(len(called) <= sum(record.get("internal") == "probe_unknown_tool" for record in records), "the call of an unlisted name is not on record")
        self.callgate("audit", "verify", str(self.data))

    def nothing_shows(self):
        """The dummy credential, anywhere in what gate and commands wrote: data folder, log, answers, policies, pages."""
        needle = self.secret.encode()
        others = {"direct.log", "again.log", "witness.jsonl"}
        if any("{secret}" in part for part in self.server.start):
            others |= {"callgate.db", "callgate.db-wal"}  # for the owner's eyes alone, and pins belong to the command that they were read from
        for file in self.dir.rglob("*"):
            if not file.is_file() or self.home in file.parents or file.name in others:
                continue
            text = file.read_bytes()
            if needle in text:
                at = text.index(needle)
                self.fault(f"the dummy credential shows in {file.relative_to(self.dir)}: {text[max(0, at - 60):at + 10]!r}")


def tried(server):
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="callgate-ring-", ignore_cleanup_errors=True) as scratch:
        case = Case(server, pathlib.Path(scratch))
        case.whole_way()
    case.seen["took"] = f"{time.monotonic() - begun:.1f}"
    say("✗" if case.faults else "✓", server.name, f"{case.seen['took']:>6} s", f"{case.seen.get('tools', '?'):>4} tools", *case.faults)
    return case


def say(mark, name, *words):
    print(f"  {mark} {name:50} {'   '.join(words)}", flush=True)


def install(servers, before):
    """One at a time; gives those that are there, what is withheld and why, those that could not be installed."""
    ready, withheld, broken, closed = [], [], [], {}
    for server in servers:
        begun = time.monotonic()
        try:
            if not ring_packages.is_installed(server, before):
                if server.registry in closed:
                    raise closed[server.registry]
                ring_packages.install(server, before)
                say("✓", server.name, f"{time.monotonic() - begun:6.1f} s", "installed")
            ready.append(server)
        except Withheld as why:
            if isinstance(why, Unreachable):
                closed[server.registry] = why
            withheld.append(f"{server.name} ({why})")
            say("–", server.name, f"{time.monotonic() - begun:6.1f} s", f"skipped: {why}")
        except (RuntimeError, OSError, subprocess.TimeoutExpired) as fault:
            broken.append(server)
            say("✗", server.name, f"{time.monotonic() - begun:6.1f} s", str(fault))
    return ready, withheld, broken


def show(cases, withheld):
    """One line a server; starts in seconds, directly and through the gate."""
    shape = "{} {:50} {:10} {:>5} {:>4} {:>6} {:>6}  {:>15}  {}"
    print("\n" + shape.format(" ", "server", "revision", "tools", "KB", "start", "gated", "low med hig cri", "list through the gate"))
    for case in cases:
        values = [case.seen.get(key, "?") for key in ("revision", "tools", "KB", "starts", "gated", "risks", "list")]
        values[5] = " ".join(f"{number:>3}" for number in values[5].split())
        print(shape.format("✗" if case.faults else "✓", case.name, *map(str, values)))
        for fault in case.faults:
            print(f"    {fault}")
    for words in withheld:
        print(f"– skipped: {words}")


def main():
    servers, before = ring_packages.table()
    if sys.argv[1:]:
        servers = [server for server in servers if server.name in sys.argv[1:]]
    print(f"installing {len(servers)} servers, one at a time; those that are there are kept")
    ready, withheld, broken = install(servers, before)
    print(f"\n{len(ready)} servers, two at a time")
    with concurrent.futures.ThreadPoolExecutor(max_workers=2) as pool:
        cases = list(pool.map(tried, ready))
    show(cases, withheld)
    failed = sum(bool(case.faults) for case in cases) + len(broken)
    print(f"\n{len(cases) - failed + len(broken)} passed, {failed} failed, {len(withheld)} skipped")
    return 1 if failed or not cases else 0


if __name__ == "__main__":
    sys.exit(main())
