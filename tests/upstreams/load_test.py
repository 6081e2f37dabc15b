"""Many at once: callers in flight at the end, sessions that sleep, connections that never finish."""
import asyncio
import contextlib
import signal
import socket
import threading
import time

import wire
import world
from scripted_http import Scripted
from wire import Wire, percentile_ms, timed
from world import World

SANITIZED = world.LONG > 20
OPEN = "callgate: 1\ndefault: allow\n"
WITHIN_MS = 500 if SANITIZED else 50  # of the good client's slowest hundredth


class At_the_end(World):
    def test_a_thousand_calls_in_flight_are_answered_and_new_ones_told_to_come_back(self):
        count, new = 1000, 50
        self.assertTrue(wire.raise_file_limit(6000), "too few open files are allowed")
        go_on, arrived = threading.Event(), threading.Semaphore(0)

        def script(incoming):
            message = incoming.message or {}
            if message.get("method") != "tools/call" or message["params"].get("name") != "odd":
                return False
            arrived.release()
            go_on.wait(5 * world.LONG)
            return False

        server = Scripted(script)
        self.addCleanup(server.end)
        self.addCleanup(go_on.set)
        gate = self.serve_config(url=server.url, policy=OPEN, top="limits: {connections_per_address: 4096}")

        async def all_of_it():
            first = Wire(gate.url)
            await first.initialize()
            callers = [Wire(gate.url) for _ in range(count)]
            for number, caller in enumerate(callers):
                caller.session, caller.last = first.session, 1000 + number
            under_way = [asyncio.ensure_future(caller.call("odd")) for caller in callers]
            for _ in range(count):
                await asyncio.to_thread(arrived.acquire, True, 5 * world.LONG)
            gate.process.send_signal(signal.SIGTERM)
            while not gate.said("stopping"):
                await asyncio.sleep(0.01)
            late = [Wire(gate.url) for _ in range(new)]
            for each in late[::2]:
                each.session = first.session
            told = [await each.exchange("POST", world.request(1, "tools/call", {"name": "plain", "arguments": {}})) for each in late]
            go_on.set()
            return told, await asyncio.gather(*under_way, return_exceptions=True)

        told, answers = asyncio.run(all_of_it())
        answered = [answer for answer in answers if not isinstance(answer, BaseException) and answer[0] == 200 and "result" in answer[1]]
        sent_away = [(status, fields.get("retry-after")) for status, fields, _ in told]
        ended = gate.process.wait(world.LONG)
        print(f"        {count - len(answered)} of {count} calls in flight lost, {sent_away.count((503, '1'))} of {new} new ones told 503 with Retry-After, exit {ended}")
        self.assertEqual(len(answered), count, [answer for answer in answers if answer not in answered][:3])
        self.assertEqual(sent_away, [(503, "1")] * new)
        self.assertEqual(sorted(answer[1]["id"] for answer in answered), list(range(1001, 1001 + count)))
        self.assertEqual((len(server.calls("odd")), len(server.calls("plain"))), (count, 0))
        self.assertEqual(ended, 0)


class Sessions_that_sleep(World):
    IDLE, ACTIVE, SECONDS = 10_000, 500, 5

    def test_cost_little_and_slow_nobody_down(self):
        self.assertTrue(wire.raise_file_limit(4 * self.ACTIVE + 200))
        gate = self.serve_config(url=self.fake_http(), policy=OPEN)

        async def open_some(count):
            one = Wire(gate.url)
            for _ in range(count):
                self.assertEqual(await one.initialize(), 200)
                await one.call("echo", {"text": "once"})
            one.close()

        async def work(each, times, until):
            while time.monotonic() < until:
                status, answer = await timed(each.call("echo", {"text": "x"}), times)
                self.assertEqual((status, "result" in answer), (200, True), answer)
                await asyncio.sleep(1)

        async def measured(active):
            times, until = [], time.monotonic() + self.SECONDS

            async def soon(number, each):
                await asyncio.sleep(number / self.ACTIVE)  # evenly over the second
                await work(each, times, until)

            await asyncio.gather(*(soon(number, each) for number, each in enumerate(active)))
            return times

        async def all_of_it():
            active = [Wire(gate.url) for _ in range(self.ACTIVE)]
            for each in active:
                await each.initialize()
            await measured(active)  # as warm as with the others
            alone, before = await measured(active), gate.resident_now_mib()
            await asyncio.gather(*(open_some(self.IDLE // 20) for _ in range(20)))
            after = gate.resident_now_mib()
            for _ in range(3):  # the machine may stand still for a moment, but not each time
                beside = await measured(active)
                if percentile_ms(beside, 0.99) < limit(alone):
                    break
            return alone, beside, before, after

        def limit(alone):
            return max(2 * percentile_ms(alone, 0.99), WITHIN_MS)

        alone, beside, before, after = asyncio.run(all_of_it())
        each = (after - before) * 1024 / self.IDLE
        p99 = [percentile_ms(times, 0.99) for times in (alone, beside)]
        print(f"        {self.IDLE} idle sessions: {each:.2f} KiB each, {after:.1f} MiB in all; {self.ACTIVE} active: p50 {percentile_ms(alone, 0.5):.1f} and {percentile_ms(beside, 0.5):.1f} ms, "
              f"p99 {p99[0]:.1f} ms without and {p99[1]:.1f} ms with the idle ones ({len(alone)} and {len(beside)} calls)")
        if not SANITIZED:
            self.assertLessEqual(each, 4)
            self.assertLess(after, 512)
        self.assertLess(p99[1], limit(alone))


class Connections_that_never_finish(World):
    """Security requirements S14, S31: from other addresses than the good client's; each sends a byte now and then, or never one.
    The limits are those that a gate has by itself."""
    COUNT = 1000
    BEGINNINGS = (
        b"POST /mcp HTTP/1.1\r\nHost: localhost\r\n",
        b"POST /mcp HTTP/1.1\r\nHost: localhost\r\nAccept: application/json\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n\r\n{",
        b"POST /mcp HTTP/1.1\r\nHost: localhost\r\nAccept: application/json\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n",
        b"",
    )

    def open_one(self, number, host, port):
        one = socket.socket()
        self.addCleanup(one.close)
        one.bind((f"127.0.0.{2 + number % 50}", 0))
        one.connect((host, port))
        one.setblocking(False)
        if beginning := self.BEGINNINGS[number % len(self.BEGINNINGS)]:
            one.send(beginning)
        return one

    @staticmethod
    def is_gone(one, says_more):
        with contextlib.suppress(BlockingIOError):
            try:
                if one.recv(4096) == b"":
                    return True
            except ConnectionError:
                return True
        if says_more:
            try:
                one.send(b"1\r\nx\r\n")
            except OSError:
                return True
        return False

    async def hold_open(self, gate, over):
        """Seconds until all were gone, and those that were not after 40."""
        host, port = gate.url.split("/")[2].split(":")
        began, left = time.monotonic(), []
        for number in range(self.COUNT):
            left.append((self.open_one(number, host, int(port)), bool(self.BEGINNINGS[number % len(self.BEGINNINGS)])))
            if number % 50 == 49:
                await asyncio.sleep(0)
        opened = time.monotonic() - began
        while left and time.monotonic() - began < 40:
            still = []
            for number, (one, says_more) in enumerate(left):
                if not self.is_gone(one, says_more):
                    still.append((one, says_more))
                if number % 50 == 49:
                    await asyncio.sleep(0)  # the good client shares this thread
            left = still
            await asyncio.sleep(0.5)
        over.set()
        return opened, time.monotonic() - began, left

    async def good(self, gate, over, seconds):
        """The good client's times, second by second."""
        client, began = Wire(gate.url), time.monotonic()
        await client.initialize()
        while not over.is_set():
            second = int(time.monotonic() - began)
            status, _ = await timed(client.call("echo", {"text": "x"}), seconds.setdefault(second, []))
            self.assertEqual(status, 200)

    def test_are_gone_in_30_seconds_and_slow_nobody_down(self):
        self.assertTrue(wire.raise_file_limit(2 * self.COUNT + 500))
        gate = self.serve(*self.fake(), policy=OPEN)
        self.in_time(lambda: self.come_and_go(gate), 30, WITHIN_MS, 5 if SANITIZED else 1)

    def come_and_go(self, gate):
        """Seconds until all were gone, p99 of the good client's worst second in ms, its slowest call in seconds."""
        before = gate.resident_now_mib()

        async def all_of_it():
            over, seconds = asyncio.Event(), {}
            _, outcome = await asyncio.gather(self.good(gate, over, seconds), self.hold_open(gate, over))
            return seconds, outcome

        seconds, (opened, took, left) = asyncio.run(all_of_it())
        times = [each for second in seconds.values() for each in second]
        worst = max(percentile_ms(second, 0.99) for second in seconds.values())
        print(f"        {self.COUNT} slow connections opened in {opened:.2f} s, {len(left)} left after {took:.1f} s; {len(times)} calls of a good client meanwhile: "
              f"p99 {percentile_ms(times, 0.99):.1f} ms, in the worst second {worst:.1f} ms, slowest {max(times) * 1000:.0f} ms; memory grew by {gate.resident_mib() - before:.1f} MiB")
        self.assertEqual(left, [], "still open")
        if not SANITIZED:
            self.assertLess(gate.resident_mib() - before, 64)
        return took, worst, max(times)


if __name__ == "__main__":
    world.main()
