"""The Python SDK 1.x. A call that is given up is cancelled by the program: the SDK sends no cancel by itself."""
import asyncio
import contextlib

import mcp.types as types
from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp.client.streamable_http import streamablehttp_client
from pydantic import AnyUrl

import steps


class Client:
    def __init__(self):
        self.heard, self.session, self.token = steps.Heard(), None, None

    async def on_message(self, message):
        if isinstance(message, types.ServerNotification):
            note = message.root
            if isinstance(note, types.ProgressNotification):
                self.token = note.params.progressToken
            self.heard.add(note.method, note.params.model_dump() if note.params else {})

    async def tools(self):
        return [tool.name for tool in (await self.session.list_tools()).tools]

    async def call(self, name, arguments=None, progress=None):
        async def report(done, _total, _message):
            progress(done)
        result = await self.session.call_tool(name, arguments or {}, progress_callback=report if progress else None)
        return "".join(getattr(block, "text", "") for block in result.content)

    async def cancel(self, waiting):
        note = types.CancelledNotification(method="notifications/cancelled", params=types.CancelledNotificationParams(requestId=self.token))
        await self.session.send_notification(types.ClientNotification(note))
        waiting.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await waiting

    async def subscribe(self, uri):
        await self.session.subscribe_resource(AnyUrl(uri))


async def person(_context, _params):
    return types.ElicitResult(action="accept", content={"name": "Ada"})


async def model(_context, _params):
    return types.CreateMessageResult(role="assistant", model="none", content=types.TextContent(type="text", text="word"))


@contextlib.asynccontextmanager
async def connected(target):
    if "url" in target:
        transport = streamablehttp_client(target["url"])
    else:
        transport = stdio_client(StdioServerParameters(command=target["command"][0], args=target["command"][1:]), errlog=open("/dev/null", "w"))
    client = Client()
    async with transport as streams:
        async with ClientSession(streams[0], streams[1], elicitation_callback=person, sampling_callback=model, message_handler=client.on_message) as client.session:
            await client.session.initialize()
            yield client


steps.main(connected)
