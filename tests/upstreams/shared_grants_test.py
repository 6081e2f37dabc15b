"""Grants of several gateways on one Redis or Valkey: made, rotated and revoked in one data folder, they hold in all."""
import itertools
import json
import subprocess
import threading
import time

import world
from shared_world import HEARD, Shared
from world import Http, gate_binary

PING = b'{"jsonrpc":"2.0","id":1,"method":"ping"}'


class TwoGateways(Shared):
    def setUp(self):
        super().setUp()
        self.shared = self.store()
        self.gates = {name: self.gate(name, self.shared.port, auth="grants") for name in "ab"}

    def grant(self, name, *words):
        """`callgate grant` on one gateway's data folder; gives what it printed."""
        made = subprocess.run([gate_binary(), "grant", *words, "--data", str(self.dir / name / "data")], capture_output=True, text=True, timeout=world.LONG)
        self.assertEqual(made.returncode, 0, made.stderr)
        return made.stdout.strip()

    def questions(self, name):
        """What waits for a person there."""
        told = subprocess.run([gate_binary(), "approvals", "list", "--json", "--data", str(self.dir / name / "data")], capture_output=True, text=True, timeout=world.LONG)
        return json.loads(told.stdout or "{}").get("approvals", [])

    def made(self, name, agent="agent"):
        return self.grant(name, "create", agent, "--server", "it", "--policy", str(self.dir / "a" / "policy.yaml"))

    def status(self, name, token):
        return Http(self.gates[name].url, token).exchange("POST", PING)[0]

    def accepted(self, name, token):
        return self.status(name, token) == 400  # the token counts: what lacks is a session

    def test_a_grant_made_rotated_and_revoked_in_one_folder_holds_at_the_other_within_a_second(self):
        """Security requirement S28, of several gateways together."""
        agents = itertools.count(1)

        def a_life():
            agent = f"agent-{next(agents)}"
            token = self.made("a", agent)
            made = self.soon(lambda: self.accepted("b", token))
            fresh = self.grant("b", "rotate", agent)
            rotated = self.soon(lambda: self.accepted("a", fresh) and self.status("a", token) == 401)
            client = self.opened(self.gates["b"], fresh)
            self.grant("a", "revoke", agent)
            revoked = self.soon(lambda: self.status("b", fresh) == 401)
            self.assertEqual(client.exchange("POST", PING)[0], 401)
            return made, rotated, revoked

        made, rotated, revoked = self.in_time(a_life, HEARD, HEARD, HEARD)
        print(f"        at the other gateway: made after {made * 1000:.0f} ms, rotated after {rotated * 1000:.0f} ms, revoked after {revoked * 1000:.0f} ms")

    def test_a_held_call_is_refused_when_its_grant_is_revoked_at_another_gateway(self):
        for name in "ab":
            self.write(f"{name}/policy.yaml", "callgate: 1\ndefault: allow\ntools:\n  odd: {action: require_approval}\n")
        agents = itertools.count(1)

        def a_held_call():
            agent = f"agent-{next(agents)}"
            token = self.made("a", agent)
            self.soon(lambda: self.accepted("b", token))
            client = self.opened(self.gates["b"], token)
            answers = []
            held = threading.Thread(target=lambda: answers.append(self.served(lambda: client.call("odd"))), daemon=True)
            held.start()
            self.soon(lambda: self.questions("b"))
            self.grant("a", "revoke", agent)
            revoked = time.monotonic()
            held.join(world.LONG)
            self.assertIn("ended while the call waited", str(answers))
            self.soon(lambda: not self.questions("b"))
            return (time.monotonic() - revoked,)

        self.in_time(a_held_call, HEARD + 1)
        self.assertEqual(self.arrived("odd"), [])

    def test_a_revocation_made_while_a_gateway_was_down_holds_from_its_first_answer(self):
        token = self.made("b")
        self.soon(lambda: self.accepted("a", token))
        self.gates["b"].end()
        self.grant("a", "revoke", "agent")
        self.soon(lambda: self.status("a", token) == 401)
        time.sleep(1)
        (self.dir / "b" / "ready.json").unlink()
        self.gates["b"] = self.gate("b", self.shared.port, auth="grants")
        while (first := self.status("b", token)) == 503:
            time.sleep(0.01)
        self.assertEqual(first, 401)

    def test_without_the_store_a_gateway_that_starts_accepts_no_token_and_one_that_runs_goes_on(self):
        token = self.made("a")
        self.soon(lambda: self.accepted("b", token) and self.accepted("a", token))
        self.gates["b"].end()
        (self.dir / "b" / "ready.json").unlink()
        self.shared.kill()
        self.gates["b"] = self.gate("b", self.shared.port, auth="grants")
        status, headers, _ = Http(self.gates["b"].url, token).exchange("POST", PING)
        self.assertEqual((status, headers["Retry-After"]), (503, "1"))
        self.assertEqual(Http(self.gates["b"].ready["url"] + "/readyz").exchange("GET")[0], 503)
        self.assertTrue(self.accepted("a", token))
        self.shared.start()
        self.soon(lambda: self.accepted("b", token))
        self.assertEqual(Http(self.gates["b"].ready["url"] + "/readyz").exchange("GET")[0], 200)


if __name__ == "__main__":
    world.main()
