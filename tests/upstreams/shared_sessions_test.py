"""Sessions of several gateways on one Redis or Valkey: opened at one, used at any, ended for all."""
import time

import world
from shared_world import HEARD, Shared
from world import Http, decision_of, stateless_call

POLICY = "callgate: 1\ndefault: allow\ntools:\n  odd: {action: allow, rate_limit: {max: 5, window: 1h, per: session}}\n"


PING = b'{"jsonrpc":"2.0","id":"s","method":"ping"}'


class Rounds(Shared):
    """Protocol item 31, of several gateways together."""

    def note(self, request):
        message = request.message or {}
        if message.get("method") != "tools/call" or message["params"]["name"] != "odd":
            return False
        self.calls += 1
        request.result({"resultType": "input_required", "inputRequests": {"k": {"method": "elicitation/create", "params": {}}}, "requestState": f"s-{self.calls}"})
        return True

    def call(self, gate, state=None):
        more = {"requestState": state, "inputResponses": {"k": {"action": "accept"}}} if state else None
        return self.served(lambda: stateless_call(gate.client(), "odd", {}, {"elicitation": {}}, more))["result"]

    def test_a_call_is_counted_once_whichever_gateways_its_rounds_come_to(self):
        self.calls = 0
        self.policy = "callgate: 1\ndefault: allow\nelicitation: allow\ntools:\n  odd: {action: allow, rate_limit: {max: 1, window: 1h, per: server}}\n"
        store = self.store()
        a, b = self.gate("a", store.port), self.gate("b", store.port)
        verdict = lambda gate, state: decision_of({"result": self.call(gate, state)}).get("verdict", "allow")
        self.assertEqual(self.call(a)["requestState"], "s-1")
        self.assertEqual(self.call(b, "s-1")["requestState"], "s-2")
        self.assertEqual([verdict(gate, "s-1") for gate in (a, b)], ["rate_limited"] * 2, "each state is good for one round")
        a.process.kill()
        a.process.wait()
        (self.dir / "a" / "ready.json").unlink()
        a = self.gate("a", store.port)
        self.assertEqual(self.call(a, "s-2")["requestState"], "s-3")
        b.process.kill()
        b.process.wait()
        (self.dir / "b" / "ready.json").unlink()
        b = self.gate("b", store.port)
        self.assertEqual(self.call(b, "s-3")["requestState"], "s-4")
        self.assertEqual([verdict(gate, state) for gate in (a, b) for state in ("s-1", "s-2", "s-3")], ["rate_limited"] * 6)
        self.assertEqual(self.calls, 4)
        store.kill()
        self.assertEqual(verdict(a, "s-4"), "fault", "nobody can tell")


class ThreeGateways(Shared):
    policy = POLICY

    def setUp(self):
        super().setUp()
        self.shared = self.store()
        self.gates = {name: self.gate(name, self.shared.port) for name in "abc"}

    def at(self, name, client):
        """The same client, with its session, at another gateway."""
        other = Http(self.gates[name].url)
        other.headers, other.ids = client.headers, client.ids
        return other

    def verdict(self, client):
        answer = self.served(lambda: client.call("odd"))
        return decision_of(answer).get("verdict", "allow") if "result" in answer else client.status

    def known(self, names):
        """A client in a session opened at the first, once the others know it, and the seconds until then: that is at once, unless the store was late."""
        client = self.opened(self.gates[names[0]])
        return client, sum(self.soon(lambda: self.status(client, name) == 200) for name in names[1:])

    def plain(self, client):
        return not self.served(lambda: client.call("plain"))["result"].get("isError")

    def test_a_session_opened_at_one_goes_on_at_the_others_and_ends_for_all(self):
        """Security requirement S18, of several gateways together."""
        def a_life():
            client, known = self.known("ab")
            for name in "bcab":
                self.assertTrue(self.plain(self.at(name, client)), name)
            self.assertEqual(self.served(lambda: self.at("b", client).exchange("DELETE"))[0], 200)
            first = self.soon(lambda: self.at("a", client).call("plain") is not None and self.status(client, "a") == 404)
            self.assertEqual(self.status(client, "b"), 404)
            return known, first, first + self.soon(lambda: self.status(client, "c") == 404)

        _, took, _ = self.in_time(a_life, HEARD, HEARD, 2 * HEARD)
        print(f"        unknown at the gateway that opened it {took * 1000:.0f} ms after it ended at another")
        client = self.opened(self.gates["a"])
        client.headers["Mcp-Session-Id"] = "0" * 64
        unknown = self.served(lambda: self.at("a", client).exchange("POST", PING))
        self.assertEqual(unknown[0], 404)

    def status(self, client, name):
        return self.at(name, client).exchange("POST", PING)[0]

    def test_a_limit_per_session_follows_the_session(self):
        """Security requirement S19, of a session that several gateways serve."""
        client, _ = self.known("abc")
        self.assertEqual([self.verdict(self.at(name, client)) for name in "abcabc"], ["allow"] * 5 + ["rate_limited"])
        other = self.opened(self.gates["b"])
        self.assertEqual(self.verdict(other), "allow", "another session has its own")

    def test_the_sessions_of_a_gateway_that_is_killed_go_on_and_keep_their_counts(self):
        (client, _), untouched = self.known("ab"), self.opened(self.gates["a"])
        self.assertEqual([self.verdict(self.at(name, client)) for name in "aab"], ["allow"] * 3)
        self.assertEqual([self.verdict(untouched) for _ in range(4)], ["allow"] * 4)
        self.gates["a"].process.kill()
        self.gates["a"].process.wait()
        (self.dir / "a" / "ready.json").unlink()
        self.assertEqual(self.verdict(self.at("b", client)), "allow")
        self.gates["a"] = self.gate("a", self.shared.port)  # ends what the one before counted, but for what went on elsewhere
        self.soon(lambda: self.status(client, "a") != 503)  # until it has looked, it knows of nobody
        self.assertEqual([self.verdict(self.at(name, client)) for name in "ca"], ["allow", "rate_limited"])
        self.assertEqual([self.verdict(self.at("c", untouched)) for _ in range(2)], ["allow", "rate_limited"])

    def test_a_new_session_does_not_begin_anew_when_the_old_one_ended_elsewhere(self):
        client, _ = self.known("ab")
        self.assertEqual([self.verdict(client) for _ in range(5)], ["allow"] * 5)
        self.assertEqual(self.served(lambda: self.at("b", client).exchange("DELETE"))[0], 200)
        self.assertEqual(self.verdict(self.opened(self.gates["b"])), "rate_limited")

    def test_without_the_store_known_sessions_go_on_and_others_wait(self):
        def without():
            client, other = self.opened(self.gates["a"]), self.opened(self.gates["b"])
            self.shared.freeze()
            began = time.monotonic()
            self.assertEqual(self.status(other, "a"), 503, "nobody knows: not the same as no session")
            took = time.monotonic() - began
            self.assertFalse(client.call("plain")["result"].get("isError"))
            opened = self.opened(self.gates["a"])
            self.assertFalse(opened.call("plain")["result"].get("isError"), "one that cannot be shared yet works where it was opened")
            self.shared.thaw()
            self.soon(lambda: self.status(other, "a") == 200)
            self.soon(lambda: self.status(opened, "b") == 200)
            return (took,)

        self.in_time(without, 1.5)


if __name__ == "__main__":
    world.main()
