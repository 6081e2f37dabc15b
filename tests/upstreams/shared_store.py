"""A real Redis or Valkey for the tests of gateways that share one, and a wire to it that can be cut or made slow."""
import os
import select
import shutil
import signal
import socket
import subprocess
import threading
import time

import world


def program():
    """$CALLGATE_REDIS_SERVER, else what stands in PATH; ./dev installs one."""
    return os.environ.get("CALLGATE_REDIS_SERVER") or shutil.which("valkey-server") or shutil.which("redis-server")


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return taken.getsockname()[1]


class Store:
    """On a port of its own; what it was told is on the disk before it answers, so that it may be killed."""

    def __init__(self, folder, *more):
        self.port, self.folder, self.more, self.process = free_port(), folder / "store", more, None
        self.folder.mkdir()
        self.start()

    def start(self):
        command = [program(), "--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self.folder), "--save", "",
                   "--appendonly", "yes", "--appendfsync", "always", *self.more]
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        said = []
        for line in self.process.stdout:
            said.append(line)
            if "eady to accept connections" in line:
                break
        else:
            raise AssertionError("the store did not start: " + "".join(said))
        threading.Thread(target=self.process.stdout.read, daemon=True).start()

    def kill(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.kill()
        self.process.wait()

    def freeze(self):
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self):
        self.process.send_signal(signal.SIGCONT)

    def ask(self, *words, password=None):
        """One command; its reply's first line, or its text."""
        with socket.create_connection(("127.0.0.1", self.port), world.LONG) as connection:
            stream = connection.makefile("rb")
            for each in ([("AUTH", password)] if password else []) + [words]:
                connection.sendall(b"*%d\r\n" % len(each) + b"".join(b"$%d\r\n%s\r\n" % (len(w.encode()), w.encode()) for w in each))
                head = stream.readline().decode().rstrip()
            return stream.read(int(head[1:])).decode() if head.startswith("$") and head != "$-1" else head


class Wire:
    """A TCP proxy that hands on what the server says only after `delay` seconds."""

    def __init__(self, port):
        self.delay, self.target = 0.0, port
        self.sent = self.handed_on = 0  # bytes to the server, and back
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                near, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._carry, args=(near,), daemon=True).start()

    def _carry(self, near):
        try:
            with near, socket.create_connection(("127.0.0.1", self.target)) as far:
                due = []  # (when, bytes) on their way back
                while True:
                    patience = max(0.0, due[0][0] - time.monotonic()) if due else None
                    readable, _, _ = select.select([near, far], [], [], patience)
                    for end in readable:
                        if not (data := end.recv(65536)):
                            return
                        if end is near:
                            far.sendall(data)
                            self.sent += len(data)
                        else:
                            due.append((time.monotonic() + self.delay, data))
                    while due and due[0][0] <= time.monotonic():
                        near.sendall(due[0][1])
                        self.handed_on += len(due.pop(0)[1])
        except OSError:
            pass

    def end(self):
        self.listener.close()
