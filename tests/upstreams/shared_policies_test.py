"""Gateways on one Redis or Valkey say when they judge by different policies."""
import http.client
import json

import world
from shared_world import Shared


class TwoGateways(Shared):
    def health(self, gate):
        connection = http.client.HTTPConnection("127.0.0.1", int(gate.ready["admin"].rsplit(":", 1)[1]), timeout=world.LONG)
        token = (gate.log.parent / "data" / "admin.token").read_text().strip()
        try:
            connection.request("GET", "/api/v1/health", headers={"Authorization": f"Bearer {token}"})
            return json.loads(connection.getresponse().read())
        finally:
            connection.close()

    def differs(self, gate):
        return any("the policy of server `it` is another one" in fault for fault in self.health(gate)["faults"])

    def test_a_difference_of_policies_is_seen_at_both_until_it_is_over(self):
        store = self.store()
        admin = "admin: {listen: 127.0.0.1:0}\n"
        first = self.gate("a", store.port, more=admin)
        second = self.gate("b", store.port, more=admin, policy="callgate: 1\ndefault: deny\n")
        # Each says what it has every two seconds, and looks at its file as often: six seconds, where nothing stands still.
        seen = self.soon(lambda: self.differs(first) and self.differs(second))
        self.assertEqual(first.log.read_text().count('"event":"policy_differs"'), 1)
        self.write("b/policy.yaml", self.policy)
        over = self.soon(lambda: not self.differs(first) and not self.differs(second))
        self.assertIn("policy_agrees_again", first.log.read_text())
        print(f"        seen at both after {seen:.1f} s, over {over:.1f} s after the file was the same")


if __name__ == "__main__":
    world.main()
