"""Who is measured: the server itself, a plain reverse proxy, Callgate, and peers named on the command line."""

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

NGINX_CONF = """\
daemon off;
worker_processes 1;
pid {dir}/nginx.pid;
error_log {dir}/error.log;
worker_rlimit_nofile 20000;
events {{ worker_connections 16384; }}
http {{
  access_log off;
  client_body_temp_path {dir}/body;
  proxy_temp_path {dir}/proxy;
  fastcgi_temp_path {dir}/fastcgi;
  uwsgi_temp_path {dir}/uwsgi;
  scgi_temp_path {dir}/scgi;
  client_max_body_size 64m;
  client_body_buffer_size 2m;
  keepalive_requests 100000000;
  upstream behind {{
    server 127.0.0.1:{upstream};
    keepalive 128;
    keepalive_requests 100000000;
  }}
  server {{
    listen 127.0.0.1:{port};
    location / {{
      proxy_pass http://behind;
      proxy_http_version 1.1;
      proxy_set_header Connection '';
      proxy_buffering off;
    }}
  }}
}}
"""

HAPROXY_CFG = """\
global
  nbthread 1
  maxconn 4096
defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
frontend front
  bind 127.0.0.1:{port}
  default_backend behind
backend behind
  http-reuse always
  server upstream 127.0.0.1:{upstream}
"""

# One rule of the policy: the argument checks and the limit that every call in
# the measurement passes. The limit is counted, and is too high to refuse.
RULE = """\
  {tool}:
    action: allow
    rate_limit: {{max: 1000000000, window: 60s}}
    arguments:
      properties:
        payload: {{type: string, minLength: 1, maxLength: 2097152}}
        filter: {{type: string, maxLength: 64, pattern: "^[a-z_]+ (=|<|>) [a-z0-9_]+$"}}
        limit: {{type: integer, minimum: 1, maximum: 500}}
        amount: {{type: number, exclusiveMinimum: 0, maximum: 10000}}
        stream: {{type: boolean}}
        options:
          type: object
          properties:
            order: {{enum: [asc, desc]}}
      required: [payload, filter]
      additionalProperties: false
"""


def tool_names(count: int) -> list[str]:
    """The tools of bench-upstream, in its order (tools.cpp)."""
    return ["echo", *(f"tool_{n:04}" for n in range(1, count - 1)), "delete_all"]


DENIED = "  delete_all:\n    action: deny\n    reason: nothing is deleted through an agent\n"
HIDDEN = "tool_0007"


def policy_text(tools: int) -> str:
    """One rule a tool: all allowed under conditions but the last, which is denied."""
    rules = "".join(RULE.format(tool=name) for name in tool_names(tools)[:-1])
    return f"callgate: 1\ndefault: deny\ntools:\n{rules}{DENIED}"


def unlimited(tools: int) -> str:
    """The same rules without the limits: no call is counted."""
    return "".join(line for line in policy_text(tools).splitlines(keepends=True) if "rate_limit" not in line)


def open_policy(tools: int) -> str:
    """The same rules, and nothing that is denied or hidden."""
    return f"callgate: 1\ndefault: allow\ntools:\n{''.join(RULE.format(tool=name) for name in tool_names(tools)[:-1])}"


def filtering_policy(tools: int) -> str:
    """As that, but one tool is hidden and one denied; neither is called."""
    return open_policy(tools).replace(RULE.format(tool=HIDDEN), f"  {HIDDEN}: {{action: hide}}\n") + DENIED


def hiding_policy(tools: int) -> str:
    """Every tenth tool is hidden."""
    rules = "".join(f"  {name}: {{action: {'hide' if at % 10 == 7 else 'allow'}}}\n" for at, name in enumerate(tool_names(tools)[:-1]))
    return f"callgate: 1\ndefault: deny\ntools:\n{rules}"


def many_rules(tools: int, rules: int) -> str:
    """Rules for `rules` names: the tools that are called, then the other tools, then patterns that fit none of them."""
    names = tool_names(tools)[:-1]
    text = "".join(RULE.format(tool=name) for name in names[: min(rules, 8)])
    text += "".join(f"  {name}: {{action: allow, reason: a rule of its own}}\n" for name in names[8:rules])
    text += "".join(f"  \"zone_{at:05}_*\": {{action: deny, reason: a rule of its own}}\n" for at in range(max(0, rules - len(names))))
    return f"callgate: 1\ndefault: deny\ntools:\n{text}"


def many_clauses(clauses: int) -> str:
    """One tool whose arguments are held against so many clauses beside the usual ones."""
    own = "".join(f"        - properties: {{limit: {{maximum: {1000 + at}}}}}\n" for at in range(clauses))
    return f"callgate: 1\ndefault: deny\ntools:\n{RULE.format(tool='echo')}{'      allOf:' if clauses else ''}\n{own}"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@dataclass
class Contender:
    """How one program is started; `{port}`, `{upstream}` and `{dir}` are filled in at each start."""

    name: str
    command: list[str]
    files: dict[str, str] = field(default_factory=dict)
    denies: bool = False  # it has a policy that denies `delete_all`
    stdio: bool = False
    version: str = ""
    stateless_behind: bool = False  # the server behind has no sessions
    gateways: int = 0  # started side by side by one shell; 0: the program itself is started


class Running:
    """A started contender, or a bench-upstream: process, port, folder. Stopped with its whole group."""

    def __init__(self, contender: Contender, folder: Path, upstream: int, store: int = 0):
        self.contender = contender
        self.folder = folder
        self.port = free_port()
        self.process = None
        self.places = {"dir": str(folder), "port": self.port, "upstream": upstream, "store": store}
        folder.mkdir(mode=0o711, exist_ok=True)
        for name, text in contender.files.items():
            path = folder / name
            path.write_text(text.format(**self.places) if "{upstream}" in text else text)
            path.chmod(0o600)

    @property
    def command(self) -> list[str]:
        return [word.format(**self.places) for word in self.contender.command]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/mcp"

    @property
    def log(self) -> Path:
        return self.folder / "log.txt"

    def start(self) -> None:
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                self.command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, cwd=self.folder)
        set_priority(self.process.pid, os.nice(0))

    def wait_listening(self, seconds: float = 15) -> None:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise RuntimeError(f"{self.contender.name} ended with status {self.process.returncode}: {self.last_words()}")
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                time.sleep(0.005)
        raise RuntimeError(f"{self.contender.name} does not listen after {seconds:.0f} s: {self.last_words()}")

    def last_words(self) -> str:
        text = self.log.read_text(errors="replace") if self.log.exists() else ""
        return " ".join(text.split())[-300:]

    def stop(self) -> None:
        if self.process is None:
            return
        for sign in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(self.process.pid, sign)
            except ProcessLookupError:
                pass
            try:
                self.process.wait(5)
                break
            except subprocess.TimeoutExpired:
                continue
        self.process = None


def set_priority(pid: int, nice: int) -> None:
    """Under Linux's autogroups a nice value counts within a session only; between sessions this file does."""
    group = Path(f"/proc/{pid}/autogroup")
    if nice and group.exists():
        group.write_text(str(nice))


def version_of(command: list[str]) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return "unknown"
    lines = (done.stdout + done.stderr).strip().splitlines()
    return lines[0].strip() if lines else "unknown"


def nginx() -> Contender | None:
    program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")
    if program is None:
        return None
    return Contender("nginx", [program, "-p", "{dir}", "-c", "{dir}/nginx.conf", "-e", "{dir}/error.log"],
                     {"nginx.conf": NGINX_CONF}, version=version_of([program, "-v"]))


def haproxy() -> Contender | None:
    program = shutil.which("haproxy") or shutil.which("haproxy", path="/usr/sbin:/usr/local/sbin")
    if program is None:
        return None
    return Contender("haproxy", [program, "-f", "{dir}/haproxy.cfg"], {"haproxy.cfg": HAPROXY_CFG},
                     version=version_of([program, "-v"]))


def callgate(program: Path, policy: str, name: str = "callgate") -> Contender:
    """The journal syncs in batches (the default); limits, schemas and the server's own schemas are all on."""
    return Contender(name, [str(program), "serve", "--policy", "{dir}/policy.yaml", "--listen", "127.0.0.1:{port}",
                            "--upstream", "http://127.0.0.1:{upstream}/mcp", "--data", "{dir}/data"],
                     {"policy.yaml": policy}, denies=True, version=version_of([str(program), "--version"]))


CONFIG = """\
listen: 127.0.0.1:{port}
audit: {{sync: none}}
servers:
  bench:
    url: http://127.0.0.1:{upstream}/mcp
    policy: policy.yaml
"""


def callgate_unsynced(program: Path, policy: str) -> Contender:
    """The same with a journal that the system writes back when it likes."""
    return Contender("callgate-unsynced", [str(program), "serve", "--config", "{dir}/callgate.yaml", "--data", "{dir}/data"],
                     {"policy.yaml": policy, "callgate.yaml": CONFIG}, denies=True)


SHARED_CONFIG = """\
listen: 127.0.0.1:{{port}}
reuse_port: true
state: redis://127.0.0.1:{{store}}/{database}
servers:
  bench:
    url: http://127.0.0.1:{{upstream}}/mcp
    policy: policy.yaml
"""

# Each gateway is a process of its own with a data folder of its own; the shell is the root of the tree that is charged.
SIDE_BY_SIDE = 'for each in $(seq "$1"); do "$0" serve --config "$2/callgate.yaml" --data "$2/data-$each" & done; wait'


def gateways_on_one_port(program: Path, policy: str, count: int, database: int) -> Contender:
    """So many gateways that share a port and a store."""
    return Contender(f"callgate-{count}-gateway{'s' if count > 1 else ''}", ["sh", "-c", SIDE_BY_SIDE, str(program), str(count), "{dir}"],
                     {"policy.yaml": policy, "callgate.yaml": SHARED_CONFIG.format(database=database)}, denies=True, gateways=count)


def store() -> Contender | None:
    """What several gateways count by; it keeps nothing, so that disks do not count."""
    program = shutil.which("valkey-server") or shutil.which("redis-server")
    if program is None:
        return None
    return Contender("store", [program, "--port", "{port}", "--bind", "127.0.0.1", "--dir", "{dir}", "--save", "", "--appendonly", "no"],
                     version=version_of([program, "--version"]))


def stdio_contenders(program: Path | None, server: Path, tools: int) -> list[Contender]:
    behind = [str(server), "--stdio", f"--tools={tools}"]
    relay = server.with_name("bench-relay")
    out = [Contender("direct-stdio", behind, stdio=True),
           Contender("relay-stdio", [str(relay), "--record", "{dir}/record", "--", *behind], stdio=True)]
    if program is not None:
        out.append(Contender("callgate-stdio", [str(program), "run", "--policy", "{dir}/policy.yaml", "--data", "{dir}/data", "--", *behind],
                             {"policy.yaml": policy_text(tools)}, denies=True, stdio=True))
    return out


@dataclass(frozen=True)
class World:
    """What stands behind, which of it is called, and who stands in front."""

    tools: int
    called: list[str]
    contenders: Callable[[Path | None, Path], tuple[list[Contender], list[str]]]
    hidden: str = ""  # a tool that no list may show where there is a policy
    peers: bool = False
    store: bool = False  # gateways count on a Redis or Valkey


def proxies() -> tuple[list[Contender], list[str]]:
    found, missing = [Contender("direct", [])], []
    for name, proxy in (("nginx", nginx()), ("haproxy", haproxy())):
        found.append(proxy) if proxy else missing.append(f"{name} is not installed")
    return found, missing


def world(name: str, tools: int, spread: int, workers: int) -> World:
    """By name: docs/benchmarks.md tells them apart."""

    def usual(program, server):
        found, missing = proxies()
        return [*found, *([callgate(program, policy_text(tools))] if program else []), *stdio_contenders(program, server, tools)], missing

    def wide(program, _server):
        found, missing = proxies()
        return [*found, *([callgate(program, hiding_policy(1000))] if program else [])], missing

    def rules(program, _server):
        return [callgate(program, many_rules(1000, count), f"callgate-{count}-rules") for count in (10, 10_000)] if program else [], []

    def clauses(program, _server):
        return [callgate(program, many_clauses(count), f"callgate-{count}-clauses") for count in (0, 10_000)] if program else [], []

    def bridge(program, _server):
        policy = policy_text(tools)
        sessions, stateless = callgate(program, policy, "callgate-sessions-behind"), callgate(program, policy, "callgate-stateless-behind")
        stateless.stateless_behind = True
        return [sessions, stateless] if program else [], []

    def filters(program, _server):
        return [callgate(program, open_policy(tools), "callgate-open"), callgate(program, filtering_policy(tools), "callgate-filters")] if program else [], []

    def synced(program, _server):
        policy = policy_text(tools)
        return [callgate(program, policy), callgate_unsynced(program, policy)] if program else [], []

    def several(policy: str):
        def chosen(program, _server):
            return [callgate(program, policy), *(gateways_on_one_port(program, policy, count, at) for at, count in enumerate((1, workers)))] if program else [], []

        return chosen

    worlds = {
        "usual": World(tools, tool_names(tools)[:spread], usual, peers=True),
        "wide": World(1000, ["echo"], wide, hidden=HIDDEN),
        "rules": World(1000, tool_names(1000)[:8], rules),
        "clauses": World(4, ["echo"], clauses),
        "bridge": World(tools, tool_names(tools)[:1], bridge),
        "filters": World(tools, tool_names(tools)[:1], filters),
        "synced": World(tools, tool_names(tools)[:spread], synced),
        "several": World(tools, tool_names(tools)[:spread], several(policy_text(tools)), store=True),
        "free": World(tools, tool_names(tools)[:spread], several(unlimited(tools)), store=True),
    }
    return worlds[name]
