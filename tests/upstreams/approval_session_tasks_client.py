"""The official Python client (1.x) that asks for a task of a call that waits for a person.

python3 approval_session_tasks_client.py URL wait|cancel
Lines out: {"task": TASK} when it begins, {"status": S} after a cancel, else {"text": T, "isError": B}.
"""
import asyncio
import json
import sys

from mcp import ClientSession, types
from mcp.client.streamable_http import streamablehttp_client


def say(**what):
    print(json.dumps(what), flush=True)


async def main(url, action):
    async with streamablehttp_client(url) as (read, write, _):
        async with ClientSession(read, write) as session:
            await session.initialize()
            begun = await session.experimental.call_tool_as_task("echo", {"text": "hello"})
            say(task=begun.task.model_dump(mode="json", exclude_none=True))
            task = begun.task.taskId
            if action == "cancel":
                return say(status=(await session.experimental.cancel_task(task)).status)
            async for _ in session.experimental.poll_task(task):
                pass
            result = await session.experimental.get_task_result(task, types.CallToolResult)
            assert result.meta["io.modelcontextprotocol/related-task"] == {"taskId": task}, result
            say(text="".join(block.text for block in result.content), isError=result.isError)


asyncio.run(main(*sys.argv[1:3]))
