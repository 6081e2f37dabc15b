"""How long the first event of a call's stream is under way, from the server's `send` to the client's `recv`.

The server writes the time at which it sends into the event; both sides read one clock (CLOCK_MONOTONIC).
"""

import json
import socket
import socketserver
import statistics
import subprocess
import sys
import time

TOOL = {"name": "echo", "inputSchema": {"type": "object"}}
HEAD = "HTTP/1.1 200 OK\r\n{}\r\n\r\n"
EVENTS = "Content-Type: text/event-stream\r\nTransfer-Encoding: chunked"


def read_message(file) -> tuple[str, dict[str, str], bytes] | None:
    first = file.readline().decode()
    if not first:
        return None
    headers = {}
    while (line := file.readline().decode().strip()):
        name, _, value = line.partition(":")
        headers[name.lower()] = value.strip()
    return first, headers, file.read(int(headers.get("content-length", 0)))


class Answering(socketserver.StreamRequestHandler):
    """A server with one session, whose calls are answered by a stream: an event at once, the answer 2 ms later."""

    disable_nagle_algorithm = True

    def handle(self) -> None:
        while (message := read_message(self.rfile)):
            first, _, body = message
            request = json.loads(body) if body else {}
            if not first.startswith("POST"):
                self.send("HTTP/1.1 405 Method Not Allowed\r\nContent-Length: 0\r\n\r\n")
            elif request.get("id") is None:
                self.send("HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n")
            elif request["method"] == "tools/call":
                self.stream(request["id"])
            else:
                self.answer(request)

    def send(self, text: str) -> None:
        self.request.sendall(text.encode())

    def answer(self, request: dict) -> None:
        results = {"initialize": {"protocolVersion": "2025-11-25", "capabilities": {"tools": {}}, "serverInfo": {"name": "events", "version": "1"}},
                   "tools/list": {"tools": [TOOL]}}
        result = results.get(request["method"])
        said = {"result": result} if result else {"error": {"code": -32601, "message": "method not found"}}
        text = json.dumps({"jsonrpc": "2.0", "id": request["id"], **said})
        session = "Mcp-Session-Id: 1\r\n" if request["method"] == "initialize" else ""
        self.send(HEAD.format(f"{session}Content-Type: application/json\r\nContent-Length: {len(text)}") + text)

    def event(self, message: dict) -> None:
        text = f"event: message\ndata: {json.dumps({'jsonrpc': '2.0', **message})}\n\n"
        self.send(f"{len(text):x}\r\n{text}\r\n")

    def stream(self, call) -> None:
        self.send(HEAD.format(EVENTS))
        time.sleep(0.002)  # so that the head has gone by itself
        self.event({"method": "notifications/progress", "params": {"progressToken": "t", "progress": time.monotonic_ns()}})
        time.sleep(0.002)
        self.event({"id": call, "result": {"content": [], "isError": False}})
        self.send("0\r\n\r\n")


class Server:
    """In a process of its own: it must not wait for the client's interpreter."""

    def __enter__(self) -> "Server":
        self.process = subprocess.Popen([sys.executable, "-B", __file__], stdout=subprocess.PIPE, text=True)
        self.port = int(self.process.stdout.readline())
        return self

    def __exit__(self, *_) -> None:
        self.process.terminate()
        self.process.wait()


class Client:
    def __init__(self, port: int):
        self.port = port
        self.session = ""
        self.socket = socket.create_connection(("127.0.0.1", port), 10)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.file = self.socket.makefile("rb")

    def post(self, message: dict) -> None:
        body = json.dumps({"jsonrpc": "2.0", **message})
        session = f"Mcp-Session-Id: {self.session}\r\n" if self.session else ""
        self.socket.sendall((f"POST /mcp HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\nAccept: application/json, text/event-stream\r\n{session}"
                             f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}").encode())

    def open(self) -> None:
        self.post({"id": 0, "method": "initialize",
                   "params": {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "events", "version": "1"}}})
        first, headers, body = read_message(self.file)
        if "mcp-session-id" not in headers:
            raise RuntimeError(f"no session was opened: {first.strip()} {body[:200]!r}")
        self.session = headers["mcp-session-id"]
        self.post({"method": "notifications/initialized"})
        read_message(self.file)

    def call(self, number: int) -> float:
        """µs from the server's clock in the first event to its arrival."""
        self.post({"id": number, "method": "tools/call", "params": {"name": "echo", "arguments": {"payload": "p", "filter": "status = open"}, "_meta": {"progressToken": "t"}}})
        under_way = None
        while (line := self.file.readline()) != b"0\r\n":
            now = time.monotonic_ns()
            if not line:
                raise RuntimeError("the stream broke off")
            if line.startswith(b"data:") and b"notifications/progress" in line:
                under_way = (now - json.loads(line[5:])["params"]["progress"]) / 1000
        self.file.readline()
        if under_way is None:
            raise RuntimeError("the stream had no event")
        return under_way


def measure(port: int, calls: int) -> dict:
    client = Client(port)
    deadline = time.monotonic() + 15
    while True:
        try:
            client.open()
            break
        except RuntimeError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
    times = sorted(client.call(number) for number in range(1, calls + 1))[: calls]
    return {"calls": calls, "p50": statistics.median(times), "p99": times[int(calls * 0.99)], "max": times[-1]}


class Threads(socketserver.ThreadingTCPServer):
    daemon_threads = True


if __name__ == "__main__":
    with Threads(("127.0.0.1", 0), Answering) as server:
        print(server.server_address[1], flush=True)
        server.serve_forever()
