"""The gate as a process: how it starts and ends, what it leaves behind, what it tells whoever started it.

CALLGATE=build/release/callgate python3 tests/upstreams/start_and_stop_test.py
"""
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import unittest

import world
from world import ALLOW, World, text_of


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

    def test_a_registered_server_without_a_policy_is_told_the_command_that_names_one(self):
        self.assertEqual(self.command("server", "add", "a", "--url", "http://127.0.0.1:1/mcp")[0], 0)
        status, _, complaint = self.command("serve", "--listen", "127.0.0.1:0")
        self.assertEqual(status, 2)
        self.assertIn("`callgate server policy a FILE`", complaint)
        self.assertEqual(self.command("server", "policy", "a", self.write("policy.yaml", ALLOW))[0], 0)
        self.started(["--listen", "127.0.0.1:0"], [])  # fails unless it gets ready

    def test_help_is_asked_for_in_either_way_everywhere(self):
        for words in ([], ["run"], ["serve"], ["policy"], ["policy", "check"], ["policy", "test"], ["policy", "explain"], ["server"], ["server", "add"],
                      ["grant"], ["grant", "create"], ["approvals"], ["approvals", "list"], ["audit"], ["audit", "tail"]):
            long, short = (subprocess.run([world.gate_binary(), *words, flag], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                                          timeout=world.LONG) for flag in ("--help", "-h"))
            self.assertEqual((long.returncode, long.stderr), (0, ""), words)
            self.assertIn("callgate", long.stdout)
            self.assertEqual((short.returncode, short.stdout), (0, long.stdout), words)

    def test_of_a_verb_that_there_is_not_nobody_is_helped(self):
        for words in (["polcy"], ["policy", "chek"], ["server", "ad"], ["grant", "creat"], ["approvals", "lst"], ["audit", "tial"], ["catalogue", "buidl"]):
            for flag in ("--help", "-h"):
                done = subprocess.run([world.gate_binary(), *words, flag], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=world.LONG)
                self.assertEqual((done.returncode, done.stdout), (2, ""), words)
                self.assertTrue(done.stderr, words)


class ReadyLine(World):
    """What whoever started the gate is told."""

    def test_run_writes_it_too(self):
        ready = self.dir / "ready.json"
        gate = self.run_gate(*self.fake(), extra=["--ready-file", str(ready)])
        gate.initialize()
        self.assertEqual(json.loads(ready.read_text()), {"url": None, "servers": {}, "admin": None, "listen": [], "pid": gate.process.pid})

    def test_a_descriptor_ends_behind_the_line_and_no_server_inherits_it(self):
        policy = self.write("policy.yaml", ALLOW)
        for verb in (["serve", "--listen", "127.0.0.1:0"], ["run"]):
            reading, writing = os.pipe()
            process = subprocess.Popen([world.gate_binary(), *verb, "--policy", policy, "--data", str(self.dir / verb[0]), "--ready-fd", str(writing),
                                        "--", *self.fake()], pass_fds=[writing], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                                       stderr=subprocess.DEVNULL)
            self.addCleanup(world.end, process)
            os.close(writing)
            # Reads to the end: the server behind lives on, so that a copy of its own would keep this waiting.
            with open(reading, encoding="utf-8") as line:
                self.assertEqual(json.loads(line.read())["pid"], process.pid)
            self.assertIsNone(process.poll())

    def test_a_descriptor_that_is_not_open_is_a_usage_fault(self):
        done = subprocess.run([world.gate_binary(), "run", "--policy", self.write("policy.yaml", ALLOW), "--data", str(self.dir / "data"),
                               "--ready-fd", "77", "--", sys.executable], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=world.LONG)
        self.assertEqual((done.returncode, done.stderr), (2, "callgate: `--ready-fd 77`: no such descriptor is open\n"))


class Local(http.client.HTTPConnection):
    """The admin API at a socket file."""

    def __init__(self, path):
        super().__init__("localhost", timeout=world.LONG)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(str(self.path))

    def get(self, target):
        self.request("GET", target)
        return json.loads(self.getresponse().read())


class DataFolder(Command):
    def sockets(self):
        return list((self.dir / "data" / "run").glob("*.sock"))

    def test_a_start_that_fails_leaves_no_socket(self):
        taken = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(taken.close)
        policy = self.write("policy.yaml", ALLOW)
        for listen, more in ((f"127.0.0.1:{taken.getsockname()[1]}", []), ("127.0.0.1:0", ["--ready-file", "/nonexistent/ready.json"])):
            status, _, complaint = self.command("serve", "--policy", policy, "--listen", listen, *more, "--upstream", "http://127.0.0.1:1/mcp")
            self.assertEqual(status, 3, complaint)
            self.assertEqual(self.sockets(), [])

    def test_a_folder_that_others_may_read_is_closed_and_said(self):
        data = self.dir / "data"
        data.mkdir(mode=0o755)
        self.run_gate(*self.fake()).initialize()
        self.assertEqual(data.stat().st_mode & 0o777, 0o700)
        self.assertIn("data_folder_closed", (self.dir / "gate.log").read_text())

    def test_the_next_start_takes_the_sockets_of_dead_gateways_away(self):
        dead = self.run_gate(*self.fake())
        dead.initialize()
        [left] = self.sockets()
        dead.process.kill()
        dead.process.wait()
        self.assertEqual(self.sockets(), [left])
        self.run_gate(*self.fake()).initialize()
        [own] = self.sockets()
        self.assertNotEqual(own, left)


class AdminApi(Command):
    def test_each_server_says_where_it_is_from(self):
        self.assertEqual(self.command("server", "add", "added", "--url", "http://127.0.0.1:1/mcp", "--policy", self.write("policy.yaml", ALLOW))[0], 0)
        self.serve_config(url="http://127.0.0.1:1/mcp")
        found = Local(next((self.dir / "data" / "run").glob("*.sock"))).get("/api/v1/servers")["servers"]
        self.assertEqual({each["name"]: each["source"] for each in found}, {"it": "file", "added": "store"})


class Interrupted(Command):
    """Ctrl-C at a command."""

    def started_command(self, *words):
        command = [world.gate_binary(), *words, "--data", str(self.dir / "data")]
        # A shell that runs the tests in the background has them ignore Ctrl-C, and what they start would too.
        heeds = [sys.executable, "-c", "import os, signal, sys; signal.signal(signal.SIGINT, signal.SIG_DFL); os.execv(sys.argv[1], sys.argv[1:])"]
        process = subprocess.Popen([*heeds, *command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.addCleanup(world.end, process)
        return process

    def test_following_the_journal_shows_calls_as_they_are_made_until_it_is_told_to_end(self):
        gate = self.run_gate(*self.fake())
        gate.initialize()
        process = self.started_command("audit", "tail", "--follow")
        for line in process.stdout:
            if "initialize" in line:
                break
        gate.call("echo", {"text": "one"})
        for line in process.stdout:
            if "echo" in line:
                break
        self.assertIn("echo", line)
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(world.LONG), 0)

    def test_a_command_that_waits_ends_at_once(self):
        run = self.dir / "data" / "run"
        run.mkdir(parents=True)
        silent = socket.socket(socket.AF_UNIX)
        self.addCleanup(silent.close)
        silent.bind(str(run / "silent.sock"))
        silent.listen()
        process = self.started_command("approvals", "list")
        connection = silent.accept()[0]
        self.addCleanup(connection.close)
        connection.recv(1)  # it has asked and waits for the answer
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(world.LONG), -signal.SIGINT)


class Memory(World):
    @unittest.skipIf("CALLGATE_SLOW" in os.environ, "a sanitized program keeps what is freed")
    def test_what_calls_took_goes_back_to_the_system_once_there_are_none(self):
        gate = self.serve(self.fake_http())
        text = "x" * 200_000

        def calls(count):
            client = gate.client()
            client.initialize()
            for _ in range(count):
                self.assertEqual(text_of(client.call("echo", {"text": text})), text)

        calls(1)
        before = gate.resident_now_mib()
        callers = [threading.Thread(target=calls, args=(10,)) for _ in range(16)]
        for each in callers:
            each.start()
        for each in callers:
            each.join()
        most = gate.resident_mib()
        deadline = time.monotonic() + world.LONG
        while (left := gate.resident_now_mib()) > before + 1 and time.monotonic() < deadline:
            time.sleep(0.05)
        print(f"        {before:.1f} MiB before, {most:.1f} MiB at most, {left:.1f} MiB afterwards")
        self.assertLess(left, before + 1)


if __name__ == "__main__":
    world.main()
