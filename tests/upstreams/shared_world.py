"""What tests of several gateways on one store have in common."""
import re
import time

import shared_store
import world
from scripted_http import Scripted
from shared_store import Store
from world import Gate, World, gate_binary

SLOW = world.LONG > 20
HEARD = 3.0 if SLOW else 1.0  # seconds in which what happens at one gateway is known at another


class Shared(World):
    policy = "callgate: 1\ndefault: allow\n"

    def setUp(self):
        super().setUp()
        if not shared_store.program():
            self.skipTest("neither valkey-server nor redis-server is installed")
        self.arrivals = []
        self.server = Scripted(self.note)
        self.addCleanup(self.server.end)

    def note(self, request):
        """What reached the server behind, and when."""
        if (request.message or {}).get("method") == "tools/call":
            self.arrivals.append((time.monotonic(), request.message["params"]["name"]))

    def store(self, *more):
        store = Store(self.dir, *more)
        self.addCleanup(store.kill)
        return store

    def gate(self, name, port, login="", policy=None, more="", auth="none", listen="127.0.0.1:0"):
        folder = self.dir / name
        self.write(f"{name}/policy.yaml", policy or self.policy)
        config = self.write(f"{name}/callgate.yaml", f"listen: {listen}\nauth: {auth}\nstate: redis://{login}127.0.0.1:{port}/0\n{more}"
                            f"servers:\n  it: {{url: {self.server.url}, policy: policy.yaml}}\n")
        gate = Gate(folder, [gate_binary(), "serve", "--config", config, "--data", str(folder / "data")], [])
        self.addCleanup(gate.end)
        return gate

    def arrived(self, tool):
        return sorted(at for at, name in self.arrivals if name == tool)

    def opened(self, gate, token=None):
        """A client in a session; where grants count, its gateway may not have read them all at once."""
        client = gate.client(token=token)
        self.assertIn("result", world.until(client.initialize, lambda answer: "result" in answer))
        return client

    def soon(self, look):
        """Looks until it is so; gives the seconds that it took."""
        began = time.monotonic()
        while not look():
            self.assertLess(time.monotonic() - began, world.LONG, "it did not come about")
            time.sleep(0.01)
        return time.monotonic() - began

    @staticmethod
    def served(call):
        """What `call()` answers when the store was in time. On a machine that stands still for a moment it may take over 400 ms:
        it counts as lost then, and until it is found again calls are refused, which uses nothing up."""
        return world.until(call, lambda answer: not re.search("the shared state (did|does) not answer", str(answer)))
