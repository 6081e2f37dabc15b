"""The official Python client (2.x), which is stateless, before a call that waits for a person; lines out as those of approval_client.mjs.

python3 approval_rounds_client.py URL ACTION CONTENT
"""
import asyncio
import json
import sys

from mcp import Client, types


def say(**what):
    print(json.dumps(what), flush=True)


async def main(url, action, content):
    async def asked(_, params):
        say(asked=params.model_dump(mode="json", by_alias=True, exclude_none=True))
        return types.ElicitResult(action=action, content=json.loads(content) if content else None)

    async with Client(url, mode="2026-07-28", elicitation_callback=asked) as client:
        result = await client.call_tool("echo", {"text": "hello"})
        say(text="".join(block.text for block in result.content), isError=bool(result.is_error))


asyncio.run(main(*sys.argv[1:4]))
