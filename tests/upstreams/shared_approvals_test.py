"""Approvals of several gateways on one Redis or Valkey: asked at one, answered at another, used once among all."""
import json
import subprocess
import threading
import time

import world
from shared_world import SLOW, Shared
from world import decision_of, gate_binary, stateless_call

AT_ONCE = 1.5 if SLOW else 0.5
POLICY = "callgate: 1\ndefault: allow\ntools:\n  odd: {action: require_approval, reason: it moves money, approval: {timeout: 60s}}\n"


class Approvals(Shared):
    policy = POLICY

    def approvals(self, name, *words):
        """`callgate approvals` on one gateway's data folder."""
        return subprocess.run([gate_binary(), "approvals", *words, "--data", str(self.dir / name / "data")], capture_output=True, text=True,
                              timeout=world.LONG)

    def waiting(self, name):
        return json.loads(self.approvals(name, "list", "--json").stdout or "{}").get("approvals", [])

    def begun(self, client, arguments=None):
        """A call in a thread of its own; its answer is put into the list."""
        answers = []
        thread = threading.Thread(target=lambda: answers.append(self.served(lambda: client.call("odd", arguments))), daemon=True)
        thread.start()
        return thread, answers

    def one_waits(self, name):
        self.soon(lambda: len(self.waiting(name)) == 1)
        return self.waiting(name)[0]


class ThreeGateways(Approvals):
    def test_a_held_call_at_one_is_answered_at_another(self):
        store = self.store()
        self.gate("b", store.port)
        client = self.opened(self.gate("a", store.port))
        thread, answers = self.begun(client, {"n": 1})
        question = self.one_waits("b")
        self.assertEqual((question["tool"], question["arguments"], question["reason"]), ("odd", {"n": 1}, "it moves money"))
        shown = self.approvals("b", "show", question["id"])
        self.assertIn('"n": 1', shown.stdout)
        self.assertEqual(self.approvals("b", "approve", question["id"], "--yes").returncode, 0)
        answered = time.monotonic()
        thread.join(world.LONG)
        print(f"        ran {(time.monotonic() - answered) * 1000:.0f} ms after the yes at another gateway")
        self.assertEqual(decision_of(answers[0]), {})
        self.assertEqual(len(self.arrived("odd")), 1)
        self.assertEqual(self.approvals("a", "approve", question["id"], "--yes").returncode, 1, "it no longer waits")

    def test_a_yes_is_picked_up_by_one_of_three_repeats(self):
        """Security requirement S20, of several gateways together."""
        store = self.store()
        token_of = self.grants(store)
        gates = {name: self.gate(name, store.port, auth="grants", more="approval_wait: 1ms\n") for name in "abc"}
        clients = {name: [self.opened(gate, token_of) for _ in range(3)] for name, gate in gates.items()}
        asked = decision_of(self.served(lambda: clients["a"][0].call("odd", {"n": 1})))
        self.assertEqual(asked["verdict"], "require_approval", asked)
        question = self.one_waits("b")
        self.assertEqual(question["id"], asked["approval"]["id"])
        self.assertEqual(self.approvals("b", "approve", question["id"], "--yes").returncode, 0)
        begun = [self.begun(client, {"n": 1}) for client in (clients["c"][0], clients["c"][1], clients["a"][1])]
        for thread, _ in begun:
            thread.join(world.LONG)
        verdicts = sorted(decision_of(answers[0]).get("verdict", "allow") for _, answers in begun)
        self.assertEqual(verdicts, ["allow", "require_approval", "require_approval"])
        self.assertEqual(len(self.arrived("odd")), 1)

    def grants(self, store):
        """The same grant on every gateway's data folder; gives its token."""
        for name in "abc":
            self.write(f"{name}/policy.yaml", POLICY)
        made = subprocess.run([gate_binary(), "grant", "create", "agent", "--server", "it", "--policy", str(self.dir / "a" / "policy.yaml"), "--data",
                               str(self.dir / "a" / "data")], capture_output=True, text=True, check=True, timeout=world.LONG)
        for name in "bc":
            subprocess.run(["cp", "-a", str(self.dir / "a" / "data"), str(self.dir / name / "data")], check=True)
        return made.stdout.strip()

    def test_a_round_of_a_stateless_client_goes_on_at_another_gateway(self):
        """Protocol item 58."""
        store = self.store()
        gates = {name: self.gate(name, store.port, more="approval_wait: 1ms\n") for name in "abc"}
        first = stateless_call(gates["a"].client(), "odd", {"n": 1}, {"elicitation": {}})["result"]
        self.assertEqual(first["resultType"], "input_required", first)
        goes_on = {"requestState": first["requestState"], "inputResponses": {"callgate_approval": {"action": "accept"}}}
        still = stateless_call(gates["b"].client(), "odd", {"n": 1}, {"elicitation": {}}, goes_on)
        self.assertEqual(still["result"].get("resultType"), "input_required", still)
        other = stateless_call(gates["b"].client(), "odd", {"n": 2}, {"elicitation": {}}, goes_on)
        self.assertEqual(other.get("error", {}).get("code"), -32602, other)
        self.assertEqual(len(self.waiting("c")), 1)
        self.assertEqual(self.approvals("c", "approve", self.one_waits("c")["id"], "--yes").returncode, 0)
        ran = stateless_call(gates["c"].client(), "odd", {"n": 1}, {"elicitation": {}}, {"requestState": still["result"]["requestState"]})
        self.assertEqual(decision_of(ran), {}, ran)
        self.assertEqual(len(self.arrived("odd")), 1)

    def test_a_no_reaches_the_call_at_the_other_gateway(self):
        store = self.store()
        self.gate("b", store.port)
        client = self.opened(self.gate("a", store.port))
        thread, answers = self.begun(client)
        question = self.one_waits("b")
        self.assertEqual(self.approvals("b", "deny", question["id"], "--reason", "not on a Friday").returncode, 0)
        thread.join(world.LONG)
        self.assertIn("not on a Friday", json.dumps(answers[0]))
        self.assertEqual(self.arrived("odd"), [])

    def test_a_gateway_that_stops_leaves_its_question_to_the_others(self):
        store = self.store()
        other = self.gate("b", store.port)
        first = self.gate("a", store.port)
        client = self.opened(first)
        thread, answers = self.begun(client)
        question = self.one_waits("b")
        first.end()
        thread.join(world.LONG)
        self.assertEqual(decision_of(answers[0])["verdict"], "require_approval")
        self.assertEqual(self.waiting("b")[0]["id"], question["id"])
        other.end()


class Faults(Approvals):
    def test_without_the_store_it_is_refused_at_once_and_a_held_call_goes_on_afterwards(self):
        """Security requirement S22: what nobody can be asked about is refused."""
        store = self.store()
        gate = self.gate("a", store.port)
        client, held = self.opened(gate), self.opened(gate)
        thread, answers = self.begun(held, {"n": 1})
        question = self.one_waits("a")

        def refused():
            self.soon(lambda: self.waiting("a"))
            store.freeze()
            began = time.monotonic()
            answer = client.call("odd", {"n": 2})
            took = time.monotonic() - began
            self.assertEqual(decision_of(answer).get("verdict"), "fault", answer)
            self.assertIn("no person can be asked now", decision_of(answer)["reason"])
            self.assertFalse(client.call("plain")["result"].get("isError"), "the rest goes on")
            self.assertNotEqual(self.approvals("a", "list").returncode, 0)
            self.assertFalse(answers, "the held call stays held")
            store.thaw()
            return (took,)

        [took] = self.in_time(refused, AT_ONCE)
        self.soon(lambda: self.approvals("a", "approve", question["id"], "--yes").returncode == 0)
        thread.join(world.LONG)
        self.assertEqual(decision_of(answers[0]), {})
        print(f"        refused after {took * 1000:.0f} ms; the call that was held ran once it could be answered")

    def test_a_yes_lives_through_a_store_that_is_killed(self):
        store = self.store()
        gate = self.gate("a", store.port)
        client = self.opened(gate)
        thread, answers = self.begun(client)
        question = self.one_waits("a")
        store.kill()
        time.sleep(0.5)
        store.start()
        self.soon(lambda: self.approvals("a", "approve", question["id"], "--yes").returncode == 0)
        thread.join(world.LONG)
        self.assertEqual(decision_of(answers[0]), {})
        self.assertEqual(len(self.arrived("odd")), 1)


if __name__ == "__main__":
    world.main()
