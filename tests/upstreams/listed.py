"""Tools as a list has them, and a server that lists whatever it is given; no tool of it can be called."""
import json
import sys

LISTER = """import json, sys
tools = json.load(open(sys.argv[1]))
for line in sys.stdin:
    message = json.loads(line)
    answers = {"initialize": {"protocolVersion": "2025-06-18", "capabilities": {"tools": {}}, "serverInfo": {"name": "lister", "version": "1"}}, "tools/list": {"tools": tools}}
    if "id" in message:
        answer = {"result": answers[message["method"]]} if message["method"] in answers else {"error": {"code": -32601, "message": "unknown"}}
        print(json.dumps({"jsonrpc": "2.0", "id": message["id"], **answer}), flush=True)
"""


def schema(properties, **more):
    return {"type": "object", "properties": properties, **more}


def tool(name, description="Update a thing.", **more):
    return {"name": name, "description": description, "inputSchema": schema({"id": {"type": "string"}}), **more}


GOOD = tool("read_note", "Read a note.", inputSchema=schema({"id": {"type": "string"}}, required=["id"]))


def lister(test, tools):
    """The command of a server that lists these, in the scratch folder of the test."""
    return [sys.executable, "-B", test.write("lister.py", LISTER), test.write("tools.json", json.dumps(tools))]
