"""A server that is gone again and again: 100 times over HTTP under load, 100 times as a child.

Both wait most of their time: after each end the server's list is read anew, at most four times a second.
"""
import json
import socket
import threading
import time

import world
from scripted_http import Scripted
from world import World

RESTARTS = 100 if world.LONG <= 20 else 30  # a sanitized program is there for what it finds, not for the figures
OPEN = "callgate: 1\ndefault: allow\n"
# Seconds from a fault until its caller is told, and from a server that is back until a call runs again.
TOLD, RECOVERED = (world.LONG, world.LONG) if world.LONG > 20 else (1, 2)


def late(times, limit):
    """How many took too long, and how many of so many may: on a machine that others are busy on some fall where it stands still."""
    return sum(each >= limit for each in times), max(2, len(times) // 50)


class Over_http(World):
    """The server behind ends at random moments under load and comes back, with no session of before."""

    def test_every_caller_is_told_and_nothing_is_sent_twice(self):
        state = {"alive": True, "generation": 0}
        ran, known = [], set()

        def script(incoming):
            message = incoming.message or {}
            if not state["alive"]:
                incoming.close_connection = True
                incoming.connection.shutdown(socket.SHUT_RDWR)
                return True
            if message.get("method") == "initialize":
                known.add((state["generation"], f"theirs-{server.opened + 1}"))
                return False
            if incoming.verb == "POST" and not any(of == state["generation"] for of, _ in known):
                return incoming.status(404) or True
            if message.get("method") != "tools/call" or "number" not in message["params"].get("arguments", {}):
                return False
            if (state["generation"], incoming.headers.get("Mcp-Session-Id")) not in known:
                return incoming.status(404) or True
            ran.append(message["params"]["arguments"]["number"])
            time.sleep(0.002)  # most ends come while a call is at work
            return not state["alive"] and (incoming.connection.shutdown(socket.SHUT_RDWR) or True)

        server = Scripted(script)
        self.addCleanup(server.end)
        gate = self.serve_config(url=server.url, policy=OPEN)
        over, answers, told, recovered = threading.Event(), {}, [], []

        def calls(first):
            client = gate.client()
            client.initialize()
            number = first
            while not over.is_set():
                began = time.monotonic()
                answer = client.call("odd", {"number": number})
                if "error" in (answer or {}):
                    told.append(time.monotonic() - began)  # the fault came later than the call
                answers[number] = answer
                number += 1
                if client.status == 404 or "over: initialize again" in json.dumps(answer):
                    client = gate.client()
                    client.initialize()

        threads = [threading.Thread(target=calls, args=(1_000_000 * (n + 1),), daemon=True) for n in range(4)]
        for thread in threads:
            thread.start()
        for _ in range(RESTARTS):
            seen, deadline = len(answers), time.monotonic() + world.LONG
            while len(answers) < seen + 20 and time.monotonic() < deadline:
                time.sleep(0.001)
            state["alive"] = False
            time.sleep(0.01)
            state["generation"] += 1
            state["alive"] = True
            back, ran_before = time.monotonic(), len(ran)
            while len(ran) == ran_before and time.monotonic() - back < world.LONG:
                time.sleep(0.001)
            recovered.append(time.monotonic() - back)
        over.set()
        for thread in threads:
            thread.join(world.LONG)
        unanswered = [number for number, answer in answers.items() if answer is None]
        twice = len(ran) - len(set(ran))
        print(f"        {RESTARTS} restarts: {len(answers)} calls, {len(unanswered)} unanswered, {twice} sent twice, {len(told)} told of a failure, after at most {max(told):.3f} s; "
              f"a call ran again at most {max(recovered):.3f} s after the server was back")
        self.assertEqual(len(recovered), RESTARTS)
        self.assertEqual((unanswered, twice), ([], 0))
        self.assertTrue(all(number in set(ran) for number, answer in answers.items() if "result" in answer), "an answer nobody gave")
        self.assertGreaterEqual(len(told), RESTARTS // 2, "most ends were noticed by somebody")
        self.assertGreater(len(answers) - len(told), len(told), "it recovers")
        self.assertLessEqual(*late(told, TOLD), sorted(told)[-9:])
        self.assertLessEqual(*late(recovered, RECOVERED), sorted(recovered)[-9:])


class As_a_child(World):
    @world.beside
    def test_that_dies_in_the_midst_of_a_call_is_started_again_and_no_call_runs_twice(self):
        """Protocol item 80."""
        gate = self.serve(*self.fake())
        client = gate.client()
        client.initialize()
        told, recovered = [], []
        for number in range(RESTARTS):
            began = time.monotonic()
            answer = client.call("misbehave", {"how": "die", "size": number})
            told.append(time.monotonic() - began)
            self.assertIn("error", answer)
            began = time.monotonic()
            self.assertEqual(world.text_of(client.call("echo", {"text": f"on {number}"})), f"on {number}")
            recovered.append(time.monotonic() - began)
        sent = [m["params"]["arguments"]["size"] for m in self.seen("tools/call") if m["params"]["arguments"].get("how") == "die"]
        print(f"        {RESTARTS} deaths: {len(sent) - len(set(sent))} calls sent twice, told after at most {max(told):.3f} s, the next call answered after at most {max(recovered):.3f} s")
        self.assertEqual(sent, list(range(RESTARTS)))
        self.assertLessEqual(*late(told, TOLD), sorted(told)[-9:])
        self.assertLessEqual(*late(recovered, RECOVERED), sorted(recovered)[-9:])


if __name__ == "__main__":
    world.main()
