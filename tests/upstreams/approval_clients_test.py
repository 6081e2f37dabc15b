"""The official clients before calls that wait for a person, who answers on the page as a browser would.

CALLGATE=build/release/callgate PACKAGES=build/packages python3 tests/upstreams/approval_clients_test.py
PACKAGES holds `eras` (npm: clients of both generations), `python-eras` (PyPI: 1.x) and `python` (2.x), as `./dev conformance` installs them.
"""
import http.client
import json
import os
import pathlib
import re
import subprocess
import time
import urllib.parse

import world
from world import HERE, World

PACKAGES = pathlib.Path(os.environ.get("PACKAGES", "build/packages")).resolve()
ASKS = "callgate: 1\ndefault: allow\ntools:\n  echo: {action: require_approval, reason: look first}\n"
LETS_REQUESTER = ASKS.replace("reason: look first", "reason: look first, approval: {self: true}")
OPENS_LINKS = {"elicitation": {"form": {}, "url": {}}}


class Browser:
    """What a person does: opens the link, types the token, reads, answers."""

    def __init__(self, link, token):
        self.link, self.token, self.cookie = urllib.parse.urlsplit(link), token, ""

    def send(self, method, path, fields=None):
        connection = http.client.HTTPConnection(self.link.netloc, timeout=10)
        headers = {"Cookie": self.cookie, "Content-Type": "application/x-www-form-urlencoded"}
        if method == "POST":
            headers |= {"Origin": f"http://{self.link.netloc}", "Sec-Fetch-Site": "same-origin"}
        connection.request(method, path, urllib.parse.urlencode(fields) if fields else None, headers)
        answer = connection.getresponse()
        if answer.getheader("Set-Cookie"):
            self.cookie = answer.getheader("Set-Cookie").split(";")[0]
        return answer.status, answer.read().decode()

    def sign_in(self):
        assert "password" in self.send("GET", self.link.path)[1]
        assert self.send("POST", self.link.path + "/sign-in", {"token": self.token})[0] == 303

    def answer(self, how, reason=""):
        shown = self.send("GET", self.link.path)[1]
        fields = {name: re.search(f'name="{name}" value="([^"]*)"', shown)[1] for name in ("proof", "shown")}
        return shown, self.send("POST", self.link.path, {**fields, "answer": how, "reason": reason})[0]


class Official(World):
    def setUp(self):
        super().setUp()
        self.gate = None

    # A quarter of the wait lies between two signs of life: 4 s, where the client gives up after 7.
    wait = "16s"

    behaviour = ()

    def behind(self, policy):
        self.gate = self.serve_config(self.fake(*self.behaviour), policy=policy, top=f"approval_wait: {self.wait}\nadmin: {{listen: 127.0.0.1:0}}")
        return self.gate.url

    def starts(self, *command):
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self.addCleanup(world.end, process)
        return process

    def needs(self, path):
        if not (PACKAGES / path).exists():
            self.skipTest(f"{path} is not installed")

    def typescript(self, generation, policy, capabilities, action="accept", content=""):
        self.needs("eras/node_modules/@modelcontextprotocol")
        return self.starts("node", str(HERE / "approval_client.mjs"), generation, str(PACKAGES / "eras"), self.behind(policy), json.dumps(capabilities), action, content)

    def python_client(self, packages, file, policy, *how):
        self.needs(f"{packages}/bin/python")
        return self.starts(str(PACKAGES / packages / "bin/python"), "-B", "-W", "ignore::DeprecationWarning", str(HERE / file), self.behind(policy), *how)

    def python(self, policy, action="accept", content=""):
        return self.python_client("python-eras", "approval_client.py", policy, action, content)

    def python_of_rounds(self, policy, action="accept", content=""):
        return self.python_client("python", "approval_rounds_client.py", policy, action, content)

    def python_of_tasks(self, packages, action="wait"):
        file = "approval_tasks_client.py" if packages == "python" else "approval_session_tasks_client.py"
        return self.python_client(packages, file, ASKS, action)

    def calls(self):
        return [m for m in self.seen("tools/call") if m["params"]["name"] == "echo"]

    def until(self, process, key):
        """What the client said up to the first thing of that kind."""
        heard = []
        for line in process.stdout:
            heard.append(json.loads(line))
            if key in heard[-1]:
                return heard
        raise AssertionError(f"no {key}: {heard}; {self.gate.last_words()}")

    def person(self, link):
        browser = Browser(link, (self.dir / "data/admin.token").read_text().strip())
        browser.sign_in()
        return browser

    def refuses(self, client, told):
        """The person says no behind the link of what the client was told, and the client hears their words."""
        self.person(self.link_of(told)).answer("deny", "not today")
        last = self.until(client, "text")[-1]
        self.assertTrue(last["isError"])
        self.assertIn("not today", last["text"])

    def link_of(self, message):
        return re.search(r"http://\S+/approve/[0-9A-Z]{26}", message)[0]


class Progress(Official):
    """Protocol item 55: a client whose patience is shorter than the wait stays, since it hears that it waits."""

    def holds(self, generation):
        client = self.typescript(generation, ASKS, {})
        first, *more = [self.until(client, "progress")[-1] for _ in range(4)]
        self.assertTrue(first["progress"] < more[0]["progress"] < more[1]["progress"] < more[2]["progress"] < 0, [first, *more])
        shown, status = self.person(self.link_of(first["message"])).answer("approve")
        self.assertIn("hello", shown)
        self.assertEqual(status, 303)
        self.assertEqual(self.until(client, "text")[-1], {"text": "hello", "isError": False})

    @world.beside
    def test_of_the_typescript_client_v1(self):
        self.holds("v1")

    @world.beside
    def test_of_the_typescript_client_v2(self):
        self.holds("v2")

    def test_of_the_python_client_and_its_person_says_no(self):
        client = self.python(ASKS)
        self.refuses(client, self.until(client, "progress")[-1]["message"])
        self.assertEqual(self.seen("tools/call"), [m for m in self.seen("tools/call") if m["params"]["name"] != "echo"])


class Links(Official):
    """Protocol item 57: the client opens the link, and its accept runs nothing."""

    def opens(self, generation):
        client = self.typescript(generation, ASKS, OPENS_LINKS)
        asked = self.until(client, "asked")[-1]["asked"]
        self.assertEqual(asked["mode"], "url")
        self.assertNotIn("hello", asked["message"])
        person = self.person(asked["url"])
        self.assertEqual([m for m in self.seen("tools/call") if m["params"]["name"] == "echo"], [])
        self.assertEqual(person.answer("approve")[1], 303)
        heard = self.until(client, "text")
        self.assertEqual(heard[-1], {"text": "hello", "isError": False})
        return asked, heard

    def test_of_the_typescript_client_v1(self):
        asked, heard = self.opens("v1")
        self.assertIn({"complete": asked["elicitationId"]}, heard)

    def test_of_the_typescript_client_v2(self):
        self.opens("v2")


class Forms(Official):
    """Protocol item 56: where the rule lets whoever sits at the client answer."""

    def test_of_the_typescript_client_v1(self):
        client = self.typescript("v1", LETS_REQUESTER, {"elicitation": {}}, content='{"approve": true}')
        self.assertIn("hello", self.until(client, "asked")[-1]["asked"]["message"])
        self.assertEqual(self.until(client, "text")[-1], {"text": "hello", "isError": False})

    def test_of_the_typescript_client_v2(self):
        client = self.typescript("v2", LETS_REQUESTER, {"elicitation": {}}, content='{"approve": true}')
        self.assertEqual(self.until(client, "text")[-1], {"text": "hello", "isError": False})

    def test_of_the_python_client_that_leaves_the_box_empty(self):
        client = self.python(LETS_REQUESTER, content='{"approve": false}')
        last = self.until(client, "text")[-1]
        self.assertTrue(last["isError"])
        self.assertIn("a person refused it", last["text"])

    def test_that_is_declined_withdraws_the_call(self):
        client = self.python(LETS_REQUESTER, action="decline")
        self.assertIn("declined", self.until(client, "text")[-1]["text"])


class Rounds(Official):
    """Protocol item 58: a stateless client is given the link, comes back by itself, and waits where the call is answered."""

    def runs(self, client):
        asked = self.until(client, "asked")[-1]["asked"]
        self.assertEqual(asked["mode"], "url")
        self.assertNotIn("hello", asked["message"])
        self.assertEqual(self.calls(), [])
        self.assertEqual(self.person(asked["url"]).answer("approve")[1], 303)
        heard = self.until(client, "text")
        self.assertEqual(heard[-1], {"text": "hello", "isError": False})
        self.assertEqual([line for line in heard if "asked" in line], [], "asked once")
        self.assertEqual(len(self.calls()), 1)
        self.assertNotIn("requestState", json.dumps(self.calls()))

    def times_told_to_wait(self):
        return sum(file.read_text(errors="replace").count('"verdict":"require_approval"') for file in (self.dir / "data/journal").rglob("*") if file.is_file())

    def test_of_the_python_client_2(self):
        self.runs(self.python_of_rounds(ASKS))

    def test_of_the_typescript_client_v2(self):
        self.runs(self.typescript("v2-auto", ASKS, OPENS_LINKS))

    def test_that_wait_longer_than_once_come_back_without_asking_again(self):
        self.wait = "2s"
        client = self.typescript("v2-auto", ASKS, OPENS_LINKS)
        asked = self.until(client, "asked")[-1]["asked"]
        person = self.person(asked["url"])
        until = time.monotonic() + 20
        while self.times_told_to_wait() < 2 and time.monotonic() < until:
            time.sleep(0.1)
        self.assertEqual(person.answer("approve")[1], 303)
        heard = self.until(client, "text")
        self.assertEqual(heard[-1], {"text": "hello", "isError": False})
        self.assertEqual([line for line in heard if "asked" in line], [])

    def test_of_a_client_with_forms_alone_show_the_call_and_take_no_yes(self):
        client = self.typescript("v2-auto", ASKS, {"elicitation": {"form": {}}}, content="{}")
        asked = self.until(client, "asked")[-1]["asked"]
        self.assertIn("hello", asked["message"])
        self.assertEqual(self.calls(), [])
        self.refuses(client, asked["message"])

    def test_that_are_declined_end_the_call(self):
        client = self.python_of_rounds(ASKS, action="decline")
        last = self.until(client, "text")[-1]
        self.assertTrue(last["isError"])
        self.assertIn("declined", last["text"])
        self.assertEqual(self.calls(), [])


class Tasks(Official):
    """Protocol item 59: a stateless client that takes tasks comes back for the result; the server behind knows sessions alone."""

    def test_run_after_the_yes(self):
        client = self.python_of_tasks("python")
        begun = self.until(client, "task")[-1]["task"]
        self.assertEqual(begun["status"], "working")
        self.assertNotIn("hello", begun["statusMessage"])
        self.assertEqual(self.calls(), [])
        self.assertEqual(self.person(self.link_of(begun["statusMessage"])).answer("approve")[1], 303)
        self.assertEqual(self.until(client, "text")[-1], {"text": "hello", "isError": False})
        self.assertEqual(len(self.calls()), 1)

    def test_end_with_the_persons_words_after_a_no(self):
        client = self.python_of_tasks("python")
        self.refuses(client, self.until(client, "task")[-1]["task"]["statusMessage"])

    def test_are_withdrawn_by_their_client(self):
        client = self.python_of_tasks("python", "cancel")
        self.assertEqual(self.until(client, "text")[-1], {"text": "cancelled", "isError": True})
        self.assertEqual(self.calls(), [])


class SessionTasks(Official):
    """Protocol item 60: clients with sessions ask for a task."""

    behaviour = ("--start", "has_tasks")

    def runs(self, client):
        begun = self.until(client, "task")[-1]["task"]
        self.assertEqual(self.person(self.link_of(begun["statusMessage"])).answer("approve")[1], 303)
        self.assertEqual(self.until(client, "text")[-1], {"text": "hello", "isError": False})
        self.assertEqual([list(m["params"]) for m in self.calls() if "task" in m["params"]], [])
        self.assertEqual(len(self.calls()), 1)

    def test_of_the_python_client(self):
        self.runs(self.python_of_tasks("python-eras"))

    def test_of_the_typescript_client_v1(self):
        self.runs(self.typescript("v1-tasks", ASKS, {}))

    def test_of_the_python_client_whose_person_says_no(self):
        client = self.python_of_tasks("python-eras")
        self.refuses(client, self.until(client, "task")[-1]["task"]["statusMessage"])

    def test_are_withdrawn_by_their_client(self):
        client = self.python_of_tasks("python-eras", "cancel")
        self.assertEqual(self.until(client, "status")[-1], {"status": "cancelled"})
        self.assertEqual(self.calls(), [])


if __name__ == "__main__":
    world.main()
