"""The Python SDK 2.x, as it is by default: it asks for 2026-07-28 first and goes back to the handshake."""
import asyncio
import contextlib
import sys

import mcp_types as types
from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client

import steps


class Adapter:
    def __init__(self):
        self.heard, self.client, self.listening = steps.Heard(), None, None

    async def on_message(self, message):
        if hasattr(message, "method"):
            self.heard.add(message.method, message.params.model_dump() if getattr(message, "params", None) else {})

    async def tools(self):
        return [tool.name for tool in (await self.client.list_tools()).tools]

    async def call(self, name, arguments=None, progress=None):
        async def report(done, _total, _message):
            progress(done)
        result = await self.client.call_tool(name, arguments or {}, progress_callback=report if progress else None)
        return "".join(getattr(block, "text", "") for block in result.content)

    async def cancel(self, waiting):
        waiting.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await waiting

    async def subscribe(self, uri):
        if self.client.protocol_version < "2026-07-28":
            await self.client.session.subscribe_resource(uri)
            return
        acknowledged = asyncio.get_running_loop().create_future()
        self.listening = asyncio.create_task(self.listen(uri, acknowledged))
        await acknowledged

    async def listen(self, uri, acknowledged):
        try:
            async with self.client.listen(tools_list_changed=True, resource_subscriptions=[uri]) as subscription:
                acknowledged.set_result(None)
                async for event in subscription:
                    if type(event).__name__ == "ToolsListChanged":
                        self.heard.add("notifications/tools/list_changed", {})
                    else:
                        self.heard.add("notifications/resources/updated", {"uri": event.uri})
        except Exception as fault:
            if not acknowledged.done():
                acknowledged.set_exception(fault)


async def person(_context, _params):
    return types.ElicitResult(action="accept", content={"name": "Ada"})


async def model(_context, _params):
    return types.CreateMessageResult(role="assistant", model="none", content=types.TextContent(type="text", text="word"))


@contextlib.asynccontextmanager
async def connected(target):
    server = target["url"] if "url" in target else StdioServerParameters(command=target["command"][0], args=target["command"][1:])
    if "command" in target:
        server = stdio_client(server, errlog=open("/dev/null", "w"))
    adapter = Adapter()
    async with Client(server, elicitation_callback=person, sampling_callback=model, message_handler=adapter.on_message) as adapter.client:
        yield adapter
        if adapter.listening:
            adapter.listening.cancel()


steps.main(connected)
