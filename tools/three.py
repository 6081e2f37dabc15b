"""Gateways on one Redis or Valkey, with a server behind; prints what to try and ends with Ctrl-C.

    ./dev three                                      a small server of the tests stands behind
    ./dev three --one-port --gateways 4              four of them listen on the same port
    ./dev three --upstream URL --policy policy.yaml  your own
"""
import argparse
import json
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.parse

TOP = pathlib.Path(__file__).resolve().parent.parent
POLICY = ("callgate: 1\ndefault: allow\ntools:\n  echo: {action: allow, rate_limit: {max: 10, window: 1m, per: server}}\n"
          "  misbehave: {action: require_approval}\n")
CALL = '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo","arguments":{"text":"hello"}}}'
ASK = '{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"misbehave","arguments":{}}}'
OPEN = ('{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},'
        '"clientInfo":{"name":"three","version":"1"}}}')


def store(folder, children):
    """A server of its own on a free port, which keeps what it is told."""
    program = shutil.which("valkey-server") or shutil.which("redis-server")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    folder.mkdir()
    process = subprocess.Popen([program, "--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder), "--save", "", "--appendonly", "yes",
                                "--appendfsync", "always", "--logfile", str(folder / "log")], stdin=subprocess.DEVNULL)
    children.append(process)
    while socket.socket().connect_ex(("127.0.0.1", port)) != 0:
        if process.poll() is not None:
            sys.exit("three: the store did not start: " + (folder / "log").read_text())
        time.sleep(0.02)
    return f"redis://127.0.0.1:{port}/0"


def behind(children):
    process = subprocess.Popen([sys.executable, "-B", str(TOP / "tests/upstreams/fake_server.py"), "--http"], stdout=subprocess.PIPE, text=True)
    children.append(process)
    return process.stdout.readline().strip()


def gateway(binary, folder, state, upstream, policy, children, port=None):
    """Starts one, at a port that it shares where one is given (0: it takes one that is free); gives the address that agents use."""
    folder.mkdir()
    config = folder / "callgate.yaml"
    config.write_text(f"listen: 127.0.0.1:{port or 0}\nreuse_port: {json.dumps(port is not None)}\nauth: none\nstate: {state}\nservers:\n  it: {{url: {json.dumps(upstream)}, policy: {json.dumps(policy)}}}\n")
    config.chmod(0o600)
    ready = folder / "ready.json"
    with open(folder / "log", "wb") as log:
        process = subprocess.Popen([binary, "serve", "--config", str(config), "--data", str(folder / "data"), "--ready-file", str(ready)],
                                   stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    children.append(process)
    while not ready.exists():
        if process.poll() is not None:
            sys.exit("three: a gateway did not start: " + (folder / "log").read_text())
        time.sleep(0.02)
    return json.loads(ready.read_text())["servers"]["it"]


SESSION = """    H='Content-Type: application/json'; A='Accept: application/json, text/event-stream'
    S=$(curl -si {url} -H "$H" -H "$A" -d '{open}' | tr -d '\\r' | sed -n 's/^mcp-session-id: //Ip')"""


def show_three(urls, folder, binary):
    for url in urls:
        print(f"  gateway   {url}")
    print(f"\n  A session opened at one goes on at the others, and each call counts for all:\n\n{SESSION.format(url=urls[0], open=OPEN)}\n"
          f"    curl -s {urls[1 % len(urls)]} -H \"$H\" -H \"$A\" -H \"Mcp-Session-Id: $S\" -d '{CALL}'\n\n"
          f"  A call that waits for a person at one is answered at another:\n\n"
          f"    curl -s {urls[0]} -H \"$H\" -H \"$A\" -H \"Mcp-Session-Id: $S\" -d '{ASK}' &\n"
          f"    {binary} approvals list --data {folder}/{min(2, len(urls))}/data      # then: approvals approve ID")


def show_one_port(url, folder, binary, processes):
    print(f"  gateways  {url}, {len(processes)} processes: {' '.join(str(each.pid) for each in processes)}")
    print(f"\n  Each connection goes to one of them, and each call counts for all:\n\n{SESSION.format(url=url, open=OPEN)}\n"
          f"    for n in $(seq 12); do curl -s {url} -H \"$H\" -H \"$A\" -H \"Mcp-Session-Id: $S\" -d '{CALL}'; echo; done\n\n"
          f"  Which of them it was is in their journals:\n\n"
          f"    for each in {folder}/*/data; do echo $each; {binary} audit search $each --tool echo; done\n\n"
          f"  One that ends leaves its connections to the others:\n\n    kill {processes[0].pid}")


def main():
    flags = argparse.ArgumentParser(prog="./dev three", description="Gateways that share one Redis or Valkey.")
    flags.add_argument("--callgate", required=True, help=argparse.SUPPRESS)
    flags.add_argument("--upstream", help="URL of an MCP server (Streamable HTTP) to put behind")
    flags.add_argument("--policy", help="a policy file; by default `echo` may be called 10 times a minute, and `misbehave` needs an approval")
    flags.add_argument("--gateways", type=int, default=3, help="how many (3)")
    flags.add_argument("--one-port", action="store_true", help="all on the same port, the kernel deals connections out")
    chosen = flags.parse_args()
    if chosen.gateways < 1:
        flags.error("--gateways: at least one")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    children = []
    with tempfile.TemporaryDirectory(prefix="callgate-three-") as scratch:
        folder = pathlib.Path(scratch)
        policy = pathlib.Path(chosen.policy).resolve() if chosen.policy else folder / "policy.yaml"
        if not chosen.policy:
            policy.write_text(POLICY)
            policy.chmod(0o600)
        try:
            state = store(folder / "store", children)
            upstream = chosen.upstream or behind(children)
            urls, first = [], len(children)
            for number in range(1, chosen.gateways + 1):
                port = (urllib.parse.urlsplit(urls[0]).port if urls else 0) if chosen.one_port else None
                urls.append(gateway(chosen.callgate, folder / str(number), state, upstream, str(policy), children, port))
            print(f"  store     {state}\n  server    {upstream}\n  policy    {policy}")
            if chosen.one_port:
                show_one_port(urls[0], folder, chosen.callgate, children[first:])
            else:
                show_three(urls, folder, chosen.callgate)
            print("\n  Ctrl-C ends everything.", flush=True)
            signal.pause()
        except KeyboardInterrupt:
            pass
        finally:
            for child in reversed(children):
                child.terminate()
            for child in reversed(children):
                child.wait(40)


if __name__ == "__main__":
    main()
