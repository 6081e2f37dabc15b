"""Clients written by hand, one for each revision, over HTTP, over stdio, and over the two endpoints of 2024-11-05.

python3 raw_client.py REVISION '[target, …]'; with `+sse` after the revision, HTTP is spoken as 2024-11-05 has it.
"""
import asyncio
import contextlib
import itertools
import json
import sys
import urllib.parse

import steps
from raw_http import Exchange

REVISION, _, TWO_ENDPOINTS = sys.argv[1].partition("+")
MODERN = REVISION >= "2026-07-28"
PREFIX = "io.modelcontextprotocol/"
INFO = {"name": "raw", "version": "1"}
CAPABILITIES = {"roots": {}, "sampling": {}, **({"elicitation": {}} if REVISION >= "2025-06-18" else {})}
NAMED = {"tools/call": "name", "resources/read": "uri", "prompts/get": "name"}


def answer_to(method):
    """What the person or the model in front of this client says."""
    if method == "elicitation/create":
        return {"action": "accept", "content": {"name": "Ada"}}
    if method == "sampling/createMessage":
        return {"role": "assistant", "model": "none", "content": {"type": "text", "text": "word"}}
    return {"roots": []}


class Unanswered(Exception):
    """The way back ended without an answer, as that of a cancelled request does."""


class Refused(Exception):
    pass


class Raw:
    """What all transports share; a transport has `exchange(message, hear)`, `tell(message)`, `leave(id)` and `begin(task)`."""

    def __init__(self):
        self.heard, self.ids, self.reports, self.tasks, self.running = steps.Heard(), itertools.count(1), {}, [], None

    def envelope(self, params):
        if not MODERN:
            return params
        meta = {PREFIX + "protocolVersion": REVISION, PREFIX + "clientInfo": INFO, PREFIX + "clientCapabilities": CAPABILITIES, **params.get("_meta", {})}
        return {**params, "_meta": meta}

    def begin(self, work):
        self.tasks.append(asyncio.create_task(work))

    async def hear(self, message):
        """Anything that is no answer to a request of ours."""
        if "method" not in message:
            return
        if "id" in message:
            await self.tell({"jsonrpc": "2.0", "id": message["id"], "result": answer_to(message["method"])})
            return
        params = message.get("params", {})
        self.heard.add(message["method"], params)
        if message["method"] == "notifications/progress" and params.get("progressToken") in self.reports:
            self.reports[params["progressToken"]](params["progress"])

    async def ask(self, method, params=None, identity=None):
        identity = next(self.ids) if identity is None else identity
        params = self.envelope(params or {})
        message = {"jsonrpc": "2.0", "id": identity, "method": method, **({"params": params} if params else {})}
        answer = await self.exchange(message)
        if "error" in answer:
            raise Refused(json.dumps(answer["error"])[:250])
        return answer["result"]

    async def open(self):
        if MODERN:
            found = await self.ask("server/discover")
            steps.must(REVISION in found["supportedVersions"], found)
            return
        params = {"protocolVersion": REVISION, "capabilities": CAPABILITIES, "clientInfo": INFO}
        result = await self.ask("initialize", params, "first")
        steps.must(result["protocolVersion"] == REVISION, result)
        await self.initialized()

    async def tools(self):
        return [tool["name"] for tool in (await self.ask("tools/list"))["tools"]]

    async def call(self, name, arguments=None, progress=None):
        params = {"name": name, "arguments": arguments or {}}
        while True:
            identity = next(self.ids)
            if progress:
                self.running, self.reports[identity] = identity, progress
                params["_meta"] = {"progressToken": identity}
            result = await self.ask("tools/call", params, identity)
            if result.get("resultType", "complete") != "input_required":
                return "".join(block.get("text", "") for block in result.get("content", []))
            inputs = {key: answer_to(question["method"]) for key, question in result["inputRequests"].items()}
            params = {**params, "inputResponses": inputs, **({"requestState": result["requestState"]} if "requestState" in result else {})}

    async def cancel(self, waiting):
        await self.leave(self.running)
        waiting.cancel()
        with contextlib.suppress(asyncio.CancelledError, Unanswered):
            await waiting

    async def subscribe(self, uri):
        if not MODERN:
            await self.ask("resources/subscribe", {"uri": uri})
            return
        self.begin(self.ask("subscriptions/listen", {"notifications": {"toolsListChanged": True, "resourceSubscriptions": [uri]}}))
        while not any(method == "notifications/subscriptions/acknowledged" for method, _ in self.heard.notes):
            done = self.tasks[-1]
            if done.done():
                done.result()
            await asyncio.sleep(0.02)

    async def note(self, method, params=None):
        await self.tell({"jsonrpc": "2.0", "method": method, **({"params": params} if params else {})})


class Http(Raw):
    def __init__(self, url):
        super().__init__()
        self.url, self.session = url, {}

    def headers(self, message):
        fields = {"Accept": "application/json, text/event-stream", **self.session}
        if MODERN and "method" in message:
            fields |= {"MCP-Protocol-Version": REVISION, "Mcp-Method": message["method"]}
            if message["method"] in NAMED:
                fields["Mcp-Name"] = message["params"][NAMED[message["method"]]]
        return fields

    async def exchange(self, message):
        http = await Exchange(self.url).open("POST", self.headers(message), message)
        try:
            if "mcp-session-id" in http.fields:
                self.session["Mcp-Session-Id"] = http.fields["mcp-session-id"]
            async for one in http.messages():
                if "method" not in one and one.get("id") in (message["id"], None):
                    return one
                await self.hear(one)
            raise (Unanswered if http.status == 200 else Refused)(f"status {http.status} and no answer")
        finally:
            http.close()

    async def tell(self, message):
        http = await Exchange(self.url).open("POST", self.headers(message), message)
        http.close()
        steps.must(http.status == 202, http.status)

    async def leave(self, identity):
        if not MODERN:  # in 2026-07-28 the closed connection says it
            await self.note("notifications/cancelled", {"requestId": identity})

    async def initialized(self):
        if REVISION >= "2025-06-18":
            self.session["MCP-Protocol-Version"] = REVISION
        await self.note("notifications/initialized")
        self.begin(self.listen())

    async def listen(self):
        http = await Exchange(self.url).open("GET", {"Accept": "text/event-stream", **self.session})
        async for message in http.messages():
            await self.hear(message)


class Pairing(Raw):
    """A transport whose answers come on a channel of their own."""

    def __init__(self):
        super().__init__()
        self.waiting = {}

    async def arrived(self, message):
        if "method" not in message and message.get("id") in self.waiting:
            self.waiting[message["id"]].set_result(message)
        else:
            await self.hear(message)

    async def exchange(self, message):
        answer = self.waiting[message["id"]] = asyncio.get_running_loop().create_future()
        try:
            await self.tell(message)
            return await answer
        except asyncio.CancelledError:
            if MODERN and message["method"] == "subscriptions/listen":
                await self.leave(message["id"])
            raise
        finally:
            del self.waiting[message["id"]]

    async def leave(self, identity):
        await self.note("notifications/cancelled", {"requestId": identity})

    async def initialized(self):
        await self.note("notifications/initialized")


class Stdio(Pairing):
    def __init__(self, process):
        super().__init__()
        self.process = process
        self.begin(self.read())

    async def read(self):
        async for line in self.process.stdout:
            await self.arrived(json.loads(line))
        for answer in self.waiting.values():
            answer.set_exception(Refused("the other side closed"))

    async def tell(self, message):
        self.process.stdin.write(json.dumps(message).encode() + b"\n")
        await self.process.stdin.drain()


class TwoEndpoints(Pairing):
    """2024-11-05 over HTTP: one stream of events, and an address to post to that its first event names."""

    def __init__(self, url):
        super().__init__()
        self.url, self.target = url, None

    async def open(self):
        self.target = asyncio.get_running_loop().create_future()
        self.begin(self.read())
        await self.target
        await super().open()

    async def read(self):
        http = await Exchange(self.url).open("GET", {"Accept": "text/event-stream"})
        if http.status != 200:
            self.target.set_exception(Refused(f"GET is answered with {http.status}"))
        async for event, data in http.events():
            if event == "endpoint":
                self.target.set_result(urllib.parse.urljoin(self.url, data))
            else:
                await self.arrived(json.loads(data))

    async def tell(self, message):
        http = await Exchange(self.target.result()).open("POST", {"Accept": "application/json"}, message)
        http.close()
        steps.must(http.status == 202, http.status)


@contextlib.asynccontextmanager
async def connected(target):
    process = None
    if "url" in target:
        client = TwoEndpoints(target["url"]) if TWO_ENDPOINTS else Http(target["url"])
    else:
        process = await asyncio.create_subprocess_exec(*target["command"], stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
                                                       stderr=asyncio.subprocess.DEVNULL, limit=1 << 24)
        client = Stdio(process)
    try:
        await client.open()
        yield client
    finally:
        for task in client.tasks:
            task.cancel()
        await asyncio.gather(*client.tasks, return_exceptions=True)
        if process:
            process.stdin.close()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(5):
                    await process.wait()
            if process.returncode is None:
                process.kill()


steps.main(connected)
