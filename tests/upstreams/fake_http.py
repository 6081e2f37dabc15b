"""The HTTP half of fake_server.py: bytes written by hand, so that it can lie about lengths, codings and ids."""
import gzip
import json
import socket
import socketserver
import sys
import threading
import time
import uuid

from fake_server import MIB, UNINVITED, result, says

REASON = {200: "OK", 202: "Accepted", 301: "Moved Permanently", 302: "Found", 303: "See Other", 307: "Temporary Redirect", 308: "Permanent Redirect", 400: "Bad Request", 404: "Not Found", 405: "Method Not Allowed", 500: "Internal Server Error"}
sessions = set()


class Handler(socketserver.StreamRequestHandler):
    """One connection; requests one after the other."""
    disable_nagle_algorithm = True  # head and body are two writes; the second would wait for an acknowledgement

    def handle(self):
        try:
            while self.one():
                pass
        except (ConnectionError, TimeoutError, ValueError):
            pass

    def one(self):
        line = self.rfile.readline(65536).decode("latin-1").split()
        if len(line) < 3:
            return False
        headers = {}
        while (field := self.rfile.readline(65536).decode("latin-1").strip()):
            name, _, value = field.partition(":")
            headers[name.lower()] = value.strip()
        body = self.rfile.read(int(headers.get("content-length", 0)))
        if line[0] != "POST":
            self.send(405)
            return True
        message = json.loads(body)
        fake = self.server.fake
        fake.note_down({**message, "headers": headers})
        how = (message.get("params") or {}).get("arguments", {}) if message.get("method") == "tools/call" else {}
        if how.get("how") and message["params"].get("name") == "misbehave":
            return self.misbehave(message, how["how"], how.get("size", 1))
        answer = fake.answer(message)
        if answer is None:
            self.send(202)
            return True
        fields = {}
        if message["method"] == "initialize":
            session = str(uuid.uuid4())
            sessions.add(session)
            fields["Mcp-Session-Id"] = session
        elif headers.get("mcp-session-id") not in sessions:
            self.send(404, b'{"jsonrpc":"2.0","id":null,"error":{"code":-32001,"message":"Session not found"}}', **{"Content-Type": "application/json"})
            return True
        self.send_json(answer, **fields)
        return True

    def raw(self, data):
        self.wfile.write(data)
        self.wfile.flush()

    def head(self, status, **fields):
        self.raw((f"HTTP/1.1 {status} {REASON[status]}\r\n" + "".join(f"{k}: {v}\r\n" for k, v in fields.items()) + "\r\n").encode("latin-1"))

    def send(self, status, body=b"", **fields):
        self.head(status, **{"Content-Length": len(body), **fields})
        self.raw(body)

    def send_json(self, message, **fields):
        self.send(200, json.dumps(message).encode(), **{"Content-Type": "application/json", **fields})

    def events(self, *events):
        """An event stream that ends with the connection."""
        self.head(200, **{"Content-Type": "text/event-stream", "Connection": "close"})
        for event in events:
            self.raw(event if isinstance(event, bytes) else b"event: message\ndata: " + json.dumps(event).encode() + b"\n\n")

    def hang(self):
        """Says nothing more until the other side leaves."""
        self.connection.settimeout(60)
        self.connection.recv(1)
        return False

    def misbehave(self, message, how, size):
        identity = message["id"]
        good = result(identity, says("done"))
        whole = json.dumps(good).encode()
        as_json = {"Content-Type": "application/json"}
        if how == "silence":
            return self.hang()
        if how == "die":
            self.connection.shutdown(socket.SHUT_RDWR)
            return False
        if how == "html":
            self.send(200, b"<html><body>Bad gateway</body></html>", **{"Content-Type": "text/html"})
        elif how == "accepted":
            self.send(202)
        elif how == "redirect":
            self.send(size if size in REASON else 302, Location=f"http://127.0.0.1:{self.server.trap}/mcp")
        elif how == "gzip":
            self.send(200, gzip.compress(whole), **as_json, **{"Content-Encoding": "gzip"})
        elif how == "gzip_bomb":
            self.send(200, gzip.compress(b" " * (64 * MIB) + whole), **as_json, **{"Content-Encoding": "gzip"})
        elif how == "chunks_that_lie":
            self.head(200, **as_json, **{"Transfer-Encoding": "chunked"})
            self.raw(b"5\r\n" + whole + b"\r\n0\r\n\r\n")
            return False
        elif how == "chunks_break_off":
            self.head(200, **as_json, **{"Transfer-Encoding": "chunked"})
            self.raw(b"%x\r\n" % len(whole) + whole[:-10])
            return False
        elif how == "chunk_size_overflows":
            self.head(200, **as_json, **{"Transfer-Encoding": "chunked"})
            self.raw(b"fffffffffffffffff\r\n" + whole + b"\r\n0\r\n\r\n")
            return False
        elif how == "two_lengths":
            self.raw(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 5\r\nContent-Length: %d\r\n\r\n" % len(whole) + whole)
            return False
        elif how == "length_too_short":
            self.head(200, **as_json, **{"Content-Length": 10})
            self.raw(whole)
            return False
        elif how == "length_too_long":
            self.head(200, **as_json, **{"Content-Length": len(whole) + 100})
            self.raw(whole)
            return False
        elif how == "ten_gigabytes_declared":
            self.head(200, **as_json, **{"Content-Length": 10_000_000_000})
            return self.hang()
        elif how == "no_http":
            self.raw(b"SSH-2.0-OpenSSH_9.2\r\n")
            return False
        elif how == "slow_headers":
            self.raw(b"HTTP/1.1 200 OK\r\nContent-")
            return self.hang()
        elif how == "slow_body":
            self.head(200, **as_json, **{"Content-Length": len(whole)})
            self.raw(whole[:10])
            return self.hang()
        elif how == "endless_headers":
            self.raw(b"HTTP/1.1 200 OK\r\n")
            for number in range(200_000):
                self.raw(b"X-%d: y\r\n" % number)
        elif how == "huge":
            self.head(200, **as_json, **{"Connection": "close"})
            self.raw(whole[:-20])
            for _ in range(size):
                self.raw(b" " * MIB)
            return False
        elif how == "cookies":
            self.send(200, whole, **as_json, **{"Set-Cookie": "a=b", "Access-Control-Allow-Origin": "*", "X-Secret": "s"})
        elif how == "foreign_session":
            self.send(200, whole, **as_json, **{"Mcp-Session-Id": "somebody-elses"})
        elif how == "another_id":
            self.send_json(result(987654, says("not yours")))
        elif how == "server_error":
            self.send(500, b"Traceback (most recent call last)")
        elif how == "bad_request":
            self.send(400, b'{"jsonrpc":"2.0","id":null,"error":{"code":-32000,"message":"no"}}', **as_json)
        elif how == "session_vanishes":
            sessions.clear()
            self.send(404, b'{"jsonrpc":"2.0","id":null,"error":{"code":-32001,"message":"Session not found"}}', **as_json)
        elif how == "stream_ends_without_an_answer":
            self.events(b": hello\n\n", {"jsonrpc": "2.0", "method": "notifications/message", "params": {"level": "info", "data": "soon"}})
            return False
        elif how == "stream_breaks_off":
            self.events(b"event: message\ndata: " + whole[:-10])
            return False
        elif how == "stream_answers_another":
            self.events(result(987654, says("not yours")))
            return False
        elif how == "uninvited_sampling":
            self.events(UNINVITED, good)
            return False
        elif how == "comments_only":
            self.events(b": one\n\n", b": two\n\n")
            return self.hang()
        elif how == "stream_answers_twice":
            self.events(good, result(identity, says("the second answer")))
            return False
        elif how == "stream_with_rubbish":
            self.events(b"data: {not json\n\n", good)
            return False
        elif how == "endless_stream":
            self.events()
            while True:
                self.raw(b'data: {"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":"' + b"x" * MIB + b'"}}\n\n')
        elif how == "good_stream":
            self.events(b": hello\n\n", b"id: 1\nretry: 100\ndata: \n\n", good)
            return False
        else:
            self.send_json(good)
        return True


class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    request_queue_size = 4096  # who comes while this process stands still is not sent away: a call may take half a minute to come again
    allow_reuse_address = True

    def handle_error(self, request, client_address):
        pass


def serve(fake, port=0):
    server = Server(("127.0.0.1", port), Handler)
    server.fake = fake
    trap = Server(("127.0.0.1", 0), Trap)  # where a redirect leads: nobody may come
    trap.fake = fake
    server.trap = trap.server_address[1]
    threading.Thread(target=trap.serve_forever, daemon=True).start()
    print(f"http://127.0.0.1:{server.server_address[1]}/mcp", flush=True)
    server.serve_forever()


class Trap(socketserver.StreamRequestHandler):
    def handle(self):
        self.rfile.readline()
        self.server.fake.note_down({"method": "trap"})
        time.sleep(0.1)


if __name__ == "__main__":
    sys.exit("start fake_server.py --http")
