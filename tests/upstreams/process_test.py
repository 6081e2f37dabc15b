"""The gate as a process: how it starts and ends, what it leaves behind, what it tells whoever started it.

CALLGATE=build/release/callgate python3 tests/upstreams/process_test.py
"""
import subprocess

import world
from world import World


class Command(World):
    """A test case that runs commands to their end on one data folder."""

    def command(self, *words, environment=None):
        """(exit status, what it printed, what it complained) of one command."""
        done = subprocess.run([world.gate_binary(), *words, "--data", str(self.dir / "data")], stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=world.LONG, env=environment)
        return done.returncode, done.stdout, done.stderr


class ExitStatus(Command):
    def test_a_policy_that_is_not_there_is_unavailable_and_named_once(self):
        missing = str(self.dir / "nope.yaml")
        for words in (["run", "--policy", missing, "--upstream", "http://127.0.0.1:1/mcp"],
                      ["serve", "--policy", missing, "--listen", "127.0.0.1:0", "--upstream", "http://127.0.0.1:1/mcp"],
                      ["serve", "--config", missing],
                      ["server", "add", "a", "--url", "http://127.0.0.1:1/mcp", "--policy", missing],
                      ["grant", "create", "g", "--server", "a", "--policy", missing]):
            status, _, complaint = self.command(*words)
            self.assertEqual(status, 3, (words, complaint))
            self.assertTrue(complaint.startswith("callgate: "), complaint)
            self.assertEqual(complaint.count(missing), 1, complaint)

    def test_a_policy_with_faults_is_refused_with_its_places(self):
        policy = self.write("policy.yaml", "callgate: 1\ndefault: maybe\n")
        status, _, complaint = self.command("run", "--policy", policy, "--upstream", "http://127.0.0.1:1/mcp")
        self.assertEqual(status, 1)
        self.assertIn("policy.yaml:2:10: ", complaint)

    def test_a_server_of_the_file_without_a_policy_is_a_usage_fault(self):
        config = self.write("callgate.yaml", "servers:\n  a: {url: http://127.0.0.1:1/mcp}\n")
        status, _, complaint = self.command("serve", "--config", config)
        self.assertEqual(status, 2)
        self.assertIn("add `policy: FILE`", complaint)


if __name__ == "__main__":
    world.main()
