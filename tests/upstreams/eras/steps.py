"""What every Python client does with every server: the steps of ts_client.mjs, over an adapter.

An adapter is opened by `connected(target)`, an asynchronous context, and has `tools()`, `call(name, arguments, progress)`
giving a tool's text, `subscribe(uri)`, and `heard`, a `Heard`. A call is cancelled by cancelling its task.
"""
import asyncio
import contextlib
import json
import os
import sys

WATCHED = "test://watched-resource"


class Heard:
    """The notifications that a client got, as (method, params)."""

    def __init__(self):
        self.notes, self.news = [], asyncio.Event()

    def add(self, method, params):
        self.notes.append((method, params or {}))
        self.news.set()

    async def until(self, client, trigger, arguments, wanted):
        """Triggers until it is heard: a stream may open a moment after the client believes that it has."""
        while not any(wanted(method, params) for method, params in self.notes):
            self.news.clear()
            await client.call(trigger, arguments)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(0.5):
                    await self.news.wait()


def must(holds, saw):
    if not holds:
        raise AssertionError(f"saw {saw!r}"[:300])


class Shared:
    """A server that shares its address with others: its tools have a prefix, and a URI may be wrapped."""

    def __init__(self, client, target):
        self.client, self.prefix, self.watched = client, target.get("prefix", ""), target.get("watched", WATCHED)
        self.heard, self.cancel, self.subscribe = client.heard, client.cancel, client.subscribe

    async def tools(self):
        return [name.removeprefix(self.prefix) for name in await self.client.tools()]

    def call(self, name, *arguments, **named):
        return self.client.call(self.prefix + name, *arguments, **named)


async def lists(client):
    names = await client.tools()
    must("ask_person" in names, names)


async def calls(client):
    text = await client.call("test_simple_text")
    must(text.startswith("This is a simple text"), text)


def of_the_server(report):
    """What a gate says while a server starts, or its list is read anew, is below 0; no server reports that."""
    return lambda done: report(done) if done >= 0 else None


def label_of(client):
    return f"python {os.getpid()} {id(client)}"


async def hears_of_progress(client):
    label, seen, both = label_of(client), [], asyncio.Event()

    def see(done):
        seen.append(int(done))
        if len(seen) == 2:
            both.set()
    async with asyncio.TaskGroup() as group:
        group.create_task(client.call("report", {"label": label}, progress=of_the_server(see)))
        await both.wait()
        await client.call("report_was_seen", {"label": label})
    must(seen == [0, 50], seen)


async def cancels(client):
    label, started = label_of(client), asyncio.Event()
    waiting = asyncio.create_task(client.call("wait", {"label": label}, progress=of_the_server(lambda _: started.set())))
    try:
        await started.wait()
    finally:
        await client.cancel(waiting)
    text = await client.call("was_cancelled", {"label": label})
    must(text == "cancelled", text)


async def asks_the_person(client):
    text = await client.call("ask_person")
    must(text == "person: accept Ada", text)


async def asks_the_model(client):
    text = await client.call("ask_model")
    must(text == "model: word", text)


async def watches(client):
    await client.subscribe(client.watched)
    await client.heard.until(client, "test_trigger_resource_update", {"uri": WATCHED},
                             lambda method, params: method == "notifications/resources/updated" and str(params.get("uri")) == client.watched)


async def is_told_of_changes(client):
    await client.heard.until(client, "test_trigger_tool_change", {}, lambda method, _: method == "notifications/tools/list_changed")


STEPS = {"list": lists, "call": calls, "progress": hears_of_progress, "cancel": cancels, "elicit": asks_the_person,
         "sample": asks_the_model, "watch": watches, "changed": is_told_of_changes}


def flat(fault):
    """The first thing that went wrong in a group of faults."""
    while isinstance(fault, BaseExceptionGroup):
        fault = fault.exceptions[0]
    return "nothing in time" if isinstance(fault, (TimeoutError, asyncio.CancelledError)) else f"{type(fault).__name__}: {fault}"[:300]


def say(target, step, fault=None):
    print(json.dumps({"server": target["name"], "step": step, "ok": fault is None, **({} if fault is None else {"why": flat(fault)})}), flush=True)


async def play(target, connected):
    patience, opened = target["patience"], False
    try:
        async with contextlib.AsyncExitStack() as stack:
            async with asyncio.timeout(patience["open"]):
                client = Shared(await stack.enter_async_context(connected(target)), target)
            opened = True
            say(target, "open")
            for step, work in STEPS.items():
                if step not in patience:
                    continue
                try:
                    async with asyncio.timeout(patience[step]):
                        await work(client)
                    say(target, step)
                except Exception as fault:
                    say(target, step, fault)
    except BaseException as fault:
        if not opened:
            say(target, "open", fault)


def main(connected):
    """Plays every target of the command line, each in a task and a loop of its own."""
    for target in json.loads(sys.argv[-1]):
        with contextlib.suppress(BaseException):
            asyncio.run(play(target, connected))
    os._exit(0)  # a client library that still waits for something does not keep the others
