"""A few lines of HTTP for clients that are written by hand: requests whose answers are read as they arrive."""
import asyncio
import json
import urllib.parse


class Exchange:
    """One request on a connection of its own; `status` and `fields` once opened, then `messages()`."""

    def __init__(self, url):
        self.address = urllib.parse.urlsplit(url)
        self.status, self.fields = 0, {}

    async def open(self, method, headers, message=None):
        self.reader, self.writer = await asyncio.open_connection(self.address.hostname, self.address.port)
        body = json.dumps(message).encode() if message is not None else b""
        target = self.address.path + (f"?{self.address.query}" if self.address.query else "")
        lines = [f"{method} {target} HTTP/1.1", f"Host: {self.address.netloc}", "Connection: close"]
        if method == "POST":
            lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        self.writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        self.status = int(head[0].split()[1])
        self.fields = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)}
        return self

    async def pieces(self):
        if "chunked" not in self.fields.get("transfer-encoding", ""):
            length = self.fields.get("content-length")
            yield await (self.reader.read() if length is None else self.reader.readexactly(int(length)))
            return
        while size := int(await self.reader.readuntil(b"\r\n"), 16):
            yield await self.reader.readexactly(size)
            await self.reader.readexactly(2)

    async def events(self):
        """(event, data) of a stream, as they come."""
        rest, event, data = b"", "message", []
        async for piece in self.pieces():
            *lines, rest = (rest + piece).split(b"\n")
            for line in (line.rstrip(b"\r").decode() for line in lines):
                field, _, value = line.partition(":")
                if field == "data":
                    data.append(value.removeprefix(" "))
                elif field == "event":
                    event = value.strip()
                elif line == "":
                    if any(data):
                        yield event, "\n".join(data)
                    event, data = "message", []

    async def messages(self):
        """Each JSON-RPC message of the answer, be it one object or a stream."""
        if "text/event-stream" in self.fields.get("content-type", ""):
            async for _, data in self.events():
                yield json.loads(data)
            return
        text = b"".join([piece async for piece in self.pieces()])
        if text.strip():
            yield json.loads(text)

    def close(self):
        self.writer.close()
