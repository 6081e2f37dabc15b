"""Many connections at a time, with a few lines of HTTP and one thread."""
import asyncio
import json
import resource
import time
import urllib.parse

from world import LATEST_HANDSHAKE, request


def raise_file_limit(wanted):
    """As many open files as there may be; says whether that is enough."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(wanted, hard), hard))
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0] >= wanted


class Wire:
    """One connection that is kept; `session` once initialized."""

    def __init__(self, url):
        self.address = urllib.parse.urlsplit(url)
        self.reader = self.writer = self.session = None
        self.last = 0

    async def exchange(self, method, message=None, session=True):
        """(status, headers, body) of one request."""
        if self.writer is None or self.writer.is_closing():
            self.reader, self.writer = await asyncio.open_connection(self.address.hostname, self.address.port)
        body = json.dumps(message).encode() if message is not None else b""
        lines = [f"{method} {self.address.path} HTTP/1.1", f"Host: {self.address.netloc}", "Accept: application/json, text/event-stream",
                 "Content-Type: application/json", f"Content-Length: {len(body)}"]
        if session and self.session:
            lines += [f"Mcp-Session-Id: {self.session}", f"MCP-Protocol-Version: {LATEST_HANDSHAKE}"]
        self.writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        fields = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)}
        text = await self.body(fields)
        if fields.get("connection") == "close":
            self.close()
        return int(head[0].split()[1]), fields, text

    async def body(self, fields):
        if "chunked" not in fields.get("transfer-encoding", ""):
            return await self.reader.readexactly(int(fields.get("content-length", 0)))
        text = b""
        while size := int(await self.reader.readuntil(b"\r\n"), 16):
            text += await self.reader.readexactly(size)
            await self.reader.readexactly(2)
        await self.reader.readexactly(2)
        return text

    async def ask(self, method, params=None):
        self.last += 1
        status, _, text = await self.exchange("POST", request(self.last, method, params))
        return status, json.loads(text) if text else None

    async def call(self, tool, arguments=None):
        return await self.ask("tools/call", {"name": tool, "arguments": arguments or {}})

    async def initialize(self):
        params = {"protocolVersion": LATEST_HANDSHAKE, "capabilities": {}, "clientInfo": {"name": "wire", "version": "1"}}
        status, fields, _ = await self.exchange("POST", request("init", "initialize", params), session=False)
        self.session = fields.get("mcp-session-id")
        await self.exchange("POST", {"jsonrpc": "2.0", "method": "notifications/initialized"})
        return status

    def close(self):
        if self.writer is not None:
            self.writer.close()
        self.writer = None


async def timed(what, times):
    """Awaits it and notes the seconds it took."""
    began = time.monotonic()
    result = await what
    times.append(time.monotonic() - began)
    return result


def percentile_ms(times, share):
    return sorted(times)[min(len(times) - 1, int(len(times) * share))] * 1000
