"""The main job, end to end, told as a story: one agent, one Valkey, one gate between. Every ✓ was checked.

build/packages/python/bin/python demo/story.py BINARY     exit 0 when every line is true
"""
import asyncio
import importlib.metadata
import json
import os
import pathlib
import shutil
import sys
import tempfile
import time

import mcp
import stage
from mcp.client.stdio import stdio_client
from screen import Screen

HERE = pathlib.Path(__file__).resolve().parent
SERVER = os.path.join(sys.prefix, "bin", "awslabs.valkey-mcp-server")
screen = Screen()


def decision(result):
    """What the gate says for programs about a refused call."""
    return (result.meta or {}).get("dev.callgate/decision", {})


def words(result):
    return " ".join(block.text for block in result.content if block.type == "text")


def shown(value):
    return json.dumps(value, ensure_ascii=False)


class Agent:
    """The client: the official Python SDK, which knows nothing of the gate."""

    def __init__(self, client):
        self.client = client

    async def call(self, tool, quiet=False, **arguments):
        """(result, milliseconds); says aloud what is asked."""
        if not quiet:
            screen.says("agent", f"{tool} " + " ".join([arguments.get("command", ""), *(arguments.get("args") or [])]).strip())
        started = time.perf_counter()
        result = await self.client.call_tool(tool, arguments)
        return result, (time.perf_counter() - started) * 1000

    async def answered(self, tool, **arguments):
        """A call that should reach the server: its answer."""
        result, spent = await self.call(tool, **arguments)
        answer = (result.structured_content or {}).get("result")
        screen.says("server" if not result.is_error else "gate", shown(answer) if not result.is_error else words(result), spent)
        return result, answer

    async def refused(self, tool, **arguments):
        """A call that should not: what the gate says instead."""
        result, spent = await self.call(tool, **arguments)
        screen.says("gate", words(result), spent)
        return result, decision(result)


async def hidden_tool(agent, direct_names):
    screen.scene("A tool that is not there")
    names = [tool.name for tool in (await agent.client.list_tools()).tools]
    screen.aside(f"The server itself lists {len(direct_names)} tools. Through the gate the agent sees {len(names)}:")
    screen.aside(", ".join(sorted(names)))
    screen.check("`manage_index` is on the server's own list", "manage_index" in direct_names, direct_names)
    screen.check("it is not on the agent's list, and nothing else is missing", set(direct_names) - set(names) == {"manage_index"}, names)
    hidden, _ = await agent.call("manage_index", action="create")
    invented, _ = await agent.call("no_such_tool")
    same = words(hidden).replace("manage_index", "no_such_tool") == words(invented) and hidden.is_error == invented.is_error
    screen.says("gate", words(hidden))
    screen.check("called all the same, it answers like a tool that never existed", same and not decision(hidden), (words(hidden), words(invented)))


async def reading_and_writing(agent, store):
    screen.scene("Reading is allowed")
    result, answer = await agent.answered("valkey_read", command="GET", args=["greeting"])
    screen.check(f"the value in {store.name} came through unchanged", answer == "hello, agent", answer)

    screen.scene("Writing is allowed, removing is not: same tool, other argument")
    result, answer = await agent.answered("valkey_write", command="SET", args=["visitor", "42"])
    screen.check(f"{store.name} holds what was written", store.ask("GET", "visitor") == "42", store.ask("GET", "visitor"))
    result, said = await agent.refused("valkey_write", command="DEL", args=["greeting"])
    screen.check("refused by the argument rule, and told which", said.get("rule") == "/tools/valkey_write/arguments", said)
    screen.check("an answer that the agent can read, not a failure of the connection", result.is_error and len(words(result)) > 20)
    screen.check(f"{store.name} never saw it: the key is still there", store.ask("GET", "greeting") == "hello, agent")


async def eleventh_call(agent):
    screen.scene("Ten reads in a minute, not eleven")
    spent = [await agent.call("valkey_read", quiet=True, command="GET", args=["greeting"]) for _ in range(9)]
    passed = [ms for result, ms in spent if not result.is_error]
    screen.says("agent", "valkey_read GET greeting, nine times more")
    screen.says("server", f"nine answers, the slowest in {max(passed, default=0):.1f} ms")
    screen.check("reads two to ten passed", len(passed) == 9, len(passed))
    _, said = await agent.refused("valkey_read", command="GET", args=["greeting"])
    screen.check("the eleventh is refused by its limit", said.get("verdict") == "rate_limited" and said.get("rule") == "/tools/valkey_read/rate_limit", said)
    wait = said.get("retry_after_s", 0)
    screen.check(f"and says when to come back: in {wait} s", 0 < wait <= 60, said)


async def approval(agent, gate, store):
    screen.scene("Some calls wait for a person")
    before = store.ask("DBSIZE")
    call = asyncio.create_task(agent.call("valkey_admin", command="FLUSHDB", confirm=True))
    question = await asyncio.to_thread(screen.wait, "the question is on its way", lambda: (gate.waiting() or [None])[0], 15)
    if not screen.check("the call is held, and a question waits", question is not None and not call.done()):
        call.cancel()
        return
    screen.says("gate", f"held: {question['reason']} ({question['id']})")
    screen.check(f"nothing has happened yet: {store.name} still holds {before} keys", store.ask("DBSIZE") == before)
    screen.says("person", f"callgate approvals approve {question['id']} --yes")
    status, text = await asyncio.to_thread(gate.command, "approvals", "approve", question["id"], "--yes", "--reason", "cache day")
    screen.check("another process said yes", status == 0, text)
    result, spent = await asyncio.wait_for(call, 30)
    screen.says("server", shown((result.structured_content or {}).get("result")), spent)
    screen.check(f"then, and only then, it ran: {store.name} is empty", not result.is_error and store.ask("DBSIZE") == 0, words(result))

    store.ask("SET", "greeting", "hello, agent")
    call = asyncio.create_task(agent.call("valkey_admin", command="FLUSHDB", confirm=True))
    question = await asyncio.to_thread(screen.wait, "the question is on its way", lambda: (gate.waiting() or [None])[0], 15)
    if not screen.check("a yes is good for one run: the same call asks again", question is not None):
        call.cancel()
        return
    screen.says("person", f"callgate approvals deny {question['id']} --reason \"not twice\"")
    status, text = await asyncio.to_thread(gate.command, "approvals", "deny", question["id"], "--reason", "not twice")
    result, spent = await asyncio.wait_for(call, 30)
    screen.says("gate", words(result), spent)
    screen.check("denied, and the key that was set since is still there", status == 0 and result.is_error and store.ask("GET", "greeting") == "hello, agent", text)


def journal(gate, folder):
    screen.scene("All of it is on record")
    status, text = gate.verify()
    screen.says("person", "callgate audit verify")
    screen.says("journal", text.splitlines()[-1] if text else "")
    screen.check("the chain of records holds", status == 0, text)
    records = [json.loads(line) for path in gate.journal_files() for line in path.read_text().splitlines() if line.startswith("{")]
    verdicts = [record["verdict"] for record in records if record.get("tool")]
    counts = {word: verdicts.count(word) for word in dict.fromkeys(verdicts)}
    screen.aside("Verdicts on record: " + ", ".join(f"{number} × {word}" for word, number in sorted(counts.items(), key=lambda item: -item[1])))
    screen.check("every refusal of this story is among them",
                 {"allow", "hide", "unknown_tool", "invalid_arguments", "rate_limited"} <= set(verdicts), counts)
    changed = folder / "changed"
    shutil.copytree(gate.data / "journal", changed)
    victim = next(path for path in sorted(changed.rglob("*")) if path.is_file() and b"invalid_arguments" in path.read_bytes())
    victim.write_bytes(victim.read_bytes().replace(b'"verdict":"invalid_arguments"', b'"verdict":"allow"', 1))
    screen.says("thief", "changes one word in a copy of the journal: invalid_arguments → allow")
    status, text = gate.verify(changed)
    screen.says("journal", text.splitlines()[0].replace(str(changed), "copy") if text else "")
    screen.check("verify finds it, and names the record", status == 1 and "01" in text, text)


async def direct_list(environment, folder):
    """The server's own list, asked without the gate."""
    server = mcp.StdioServerParameters(command=SERVER, env={**environment, "PATH": os.environ["PATH"]}, cwd=folder)
    with open(folder / "direct.log", "w", encoding="utf-8") as errors:
        async with mcp.Client(stdio_client(server, errlog=errors), mode="legacy") as client:
            return [tool.name for tool in (await client.list_tools()).tools]


async def play(binary, folder):
    store = stage.Store(folder)
    gate = None
    try:
        screen.wait("the store starts", store.ready, 15)
        environment = {"VALKEY_HOST": "127.0.0.1", "VALKEY_PORT": str(store.port), "VALKEY_ADMIN_ENABLED": "true", "MCP_LOG_FILE": str(folder / "server.log")}
        policy = (HERE / "policy.yaml").read_text(encoding="utf-8")
        started = time.monotonic()
        gate = stage.Gate(binary, folder, SERVER, environment, policy)
        url = screen.wait("the gate opens", gate.ready, 15)
        opened = (time.monotonic() - started) * 1000

        screen.title("One agent, one store, and a gate between them")
        screen.cast("the agent", f"the official Python client of MCP ({importlib.metadata.version('mcp')}); it knows of no gate")
        screen.cast("the gate", f"callgate serve at {url}, open after {opened:.0f} ms")
        screen.cast("the server", f"awslabs.valkey-mcp-server {importlib.metadata.version('awslabs.valkey-mcp-server')}, as published, its child")
        screen.cast("the store", f"{store.name} {store.version()} on 127.0.0.1:{store.port}")
        screen.cast("the policy", "demo/policy.yaml:")
        screen.listing(policy.split("\n\nexpect:")[0])
        status, text = gate.command("policy", "test", str(folder / "policy.yaml"))
        screen.check("the policy passes its own tests", status == 0, text)

        store.ask("SET", "greeting", "hello, agent")
        direct_names = await direct_list(environment, folder)
        async with mcp.Client(url, mode="legacy", read_timeout_seconds=90) as client:
            agent = Agent(client)
            await hidden_tool(agent, direct_names)
            await reading_and_writing(agent, store)
            await eleventh_call(agent)
            await approval(agent, gate, store)
        journal(gate, folder)
    finally:
        for process in [gate and gate.process, store.process]:
            if process:
                stage.end(process)


def main():
    binary = os.path.abspath(sys.argv[1])
    folder = pathlib.Path(tempfile.mkdtemp(prefix="callgate-demo-"))
    try:
        asyncio.run(play(binary, folder))
    except Exception as fault:  # the story must end with a sentence, whatever went wrong
        screen.check("the story was told to its end", False, repr(getattr(fault, "exceptions", [fault])[0]))
    screen.line()
    if screen.untrue or not screen.true:
        screen.line(f"{screen.untrue} of {screen.true + screen.untrue} lines are untrue; what happened is in {folder}")
        return 1
    shutil.rmtree(folder)
    screen.line(f"{screen.true} lines, every one checked, every one true.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
