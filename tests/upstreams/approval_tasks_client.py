"""The official Python client (2.x), which is stateless, with the tasks extension: a call that waits for a person is a task.

python3 approval_tasks_client.py URL wait|cancel
Lines out: {"task": TASK} when it begins, then those of approval_client.mjs.
"""
import asyncio
import json
import sys
from typing import Any, Literal

from mcp import Client, types
from mcp.client.extension import ClientExtension, ResultClaim
from pydantic import Field


def say(**what):
    print(json.dumps(what), flush=True)


class Begun(types.Result):
    result_type: Literal["task"] = Field(alias="resultType")
    task_id: str = Field(alias="taskId")
    status: str
    status_message: str | None = Field(default=None, alias="statusMessage")
    poll_interval_ms: int = Field(default=1000, alias="pollIntervalMs")


class State(types.Result):
    status: str
    result: dict[str, Any] | None = None
    error: dict[str, Any] | None = None
    poll_interval_ms: int = Field(default=1000, alias="pollIntervalMs")


class AboutTask(types.RequestParams):
    task_id: str = Field(alias="taskId")


class GetTask(types.Request[AboutTask, Literal["tasks/get"]]):
    method: Literal["tasks/get"] = "tasks/get"
    params: AboutTask
    name_param = "taskId"


class CancelTask(types.Request[AboutTask, Literal["tasks/cancel"]]):
    method: Literal["tasks/cancel"] = "tasks/cancel"
    params: AboutTask
    name_param = "taskId"


class Tasks(ClientExtension):
    identifier = "io.modelcontextprotocol/tasks"

    def __init__(self, action):
        self.action = action

    def claims(self):
        return [ResultClaim(result_type="task", model=Begun, resolve=self.resolve)]

    async def resolve(self, begun, context):
        say(task={"status": begun.status, "statusMessage": begun.status_message, "taskId": begun.task_id})
        about = AboutTask(taskId=begun.task_id)
        if self.action == "cancel":
            await context.session.send_request(CancelTask(params=about), types.Result)
        while True:
            state = await context.session.send_request(GetTask(params=about), State)
            if state.status != "working":
                break
            await asyncio.sleep(state.poll_interval_ms / 1000)
        if state.result is None:
            return types.CallToolResult(content=[types.TextContent(type="text", text=state.status)], isError=True)
        return types.CallToolResult.model_validate(state.result)


async def main(url, action):
    async with Client(url, mode="2026-07-28", extensions=[Tasks(action)]) as client:
        result = await client.call_tool("echo", {"text": "hello"})
        say(text="".join(block.text for block in result.content), isError=bool(result.is_error))


asyncio.run(main(*sys.argv[1:3]))
