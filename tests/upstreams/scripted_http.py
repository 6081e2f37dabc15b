"""An MCP server over HTTP whose odd answers are written in the test that needs them; standard library only."""
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

TOOLS = [{"name": name, "description": name, "inputSchema": {"type": "object"}} for name in ("plain", "odd", "hidden")]


class Quiet(ThreadingHTTPServer):
    """Clients of these tests leave in the middle of a word; that is no news."""
    daemon_threads = True
    request_queue_size = 4096  # a thousand callers may come at once

    def handle_error(self, request, client_address):
        pass


class Scripted:
    """`script(request)` answers what it wants to and returns True; anything else is answered as a decent server would."""

    def __init__(self, script=None, handshake=None):
        self.script, self.handshake, self.seen, self.opened = script, handshake or {}, [], 0
        outer = self

        class Request(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True  # head and body are two writes; the second would wait for an acknowledgement

            def log_message(self, *_):
                pass

            def json(self, value, status=200, **headers):
                body = json.dumps(value).encode()
                self.send_response(status)
                for name, text in {"Content-Type": "application/json", "Content-Length": str(len(body)), **headers}.items():
                    self.send_header(name.replace("_", "-"), text)
                self.end_headers()
                self.wfile.write(body)

            def result(self, value, **headers):
                self.json({"jsonrpc": "2.0", "id": self.message["id"], "result": value}, **headers)

            def status(self, status):
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def stream(self):
                self.send_response(200)
                self.send_header("Content-Type", "text/event-stream")
                self.send_header("Connection", "close")
                self.end_headers()
                self.close_connection = True

            def event(self, value=None, identity=None):
                name = f"id: {identity}\n" if identity else ""
                self.wfile.write(f"{name}data: {json.dumps(value) if value is not None else ''}\n\n".encode())
                self.wfile.flush()

            def flood(self, ended):
                """Comments without end, until the other side leaves or the test is over."""
                while not ended.wait(0.02):
                    self.wfile.write(b": more\n\n")
                    self.wfile.flush()

            def answer(self, verb):
                length = int(self.headers.get("Content-Length", 0))
                self.verb, self.message = verb, json.loads(self.rfile.read(length)) if length else None
                outer.seen.append((verb, dict(self.headers), self.message))
                try:
                    if not (outer.script and outer.script(self)):
                        outer.decent(self)
                except (BrokenPipeError, ConnectionResetError):
                    self.close_connection = True

            def do_GET(self):
                self.answer("GET")

            def do_DELETE(self):
                self.answer("DELETE")

            def do_POST(self):
                self.answer("POST")

        self.server = Quiet(("127.0.0.1", 0), Request)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/mcp"

    def decent(self, request):
        if request.verb != "POST":
            return request.status(405 if request.verb == "GET" else 200)
        message = request.message
        method, identity = message.get("method"), message.get("id")
        if identity is None or method is None:
            return request.status(202)
        if method == "initialize":
            self.opened += 1
            return request.result({"protocolVersion": "2025-11-25", "capabilities": {"tools": {}}, "serverInfo": {"name": "scripted", "version": "1"},
                                   **self.handshake}, Mcp_Session_Id=f"theirs-{self.opened}")
        if method == "server/discover":
            return request.result({"resultType": "complete", "supportedVersions": ["2026-07-28"], "capabilities": {"tools": {}}})
        if method == "tools/list":
            return request.result({"tools": TOOLS})
        if method == "tools/call" and message["params"]["name"] not in {tool["name"] for tool in TOOLS}:
            return request.json({"jsonrpc": "2.0", "id": identity, "error": {"code": -32602, "message": f"no tool {message['params']['name']}"}})
        return request.result({"content": [{"type": "text", "text": "done"}]})

    def calls(self, tool):
        """Calls of a tool that arrived."""
        return [m for _, _, m in self.seen if m and m.get("method") == "tools/call" and m["params"].get("name") == tool]

    def end(self):
        self.server.shutdown()
        self.server.server_close()
