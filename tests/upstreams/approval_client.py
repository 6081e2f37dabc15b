"""The official Python client (1.x) before a call that waits for a person; lines out as those of approval_client.mjs.

python3 approval_client.py URL ACTION CONTENT
"""
import asyncio
import json
import sys
from datetime import timedelta

from mcp import ClientSession, types
from mcp.client.streamable_http import streamablehttp_client


def say(**what):
    print(json.dumps(what), flush=True)


async def main(url, action, content):
    async def asked(_, params):
        say(asked=params.model_dump(mode="json", exclude_none=True))
        return types.ElicitResult(action=action, content=json.loads(content) if content else None)

    async def progress(value, _, message):
        say(progress=value, message=message)

    async with streamablehttp_client(url) as (read, write, _):
        async with ClientSession(read, write, elicitation_callback=asked) as session:
            await session.initialize()
            result = await session.call_tool("echo", {"text": "hello"}, read_timeout_seconds=timedelta(seconds=30), progress_callback=progress)
            say(text="".join(block.text for block in result.content), isError=result.isError)


asyncio.run(main(*sys.argv[1:4]))
