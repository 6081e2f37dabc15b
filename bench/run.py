#!/usr/bin/env python3
"""Measures Callgate beside a plain reverse proxy on this machine, in one interleaved run.

  bench/run.py                          the usual cases, about eight minutes
  bench/run.py --quick                  under half a minute; also proves that wrong answers are noticed
  bench/run.py --scenarios c16_1k,deny --rounds 9 --save
  bench/run.py --workers 2              two gateways on one port against one, with the same store; needs redis-server or valkey-server
  bench/run.py --peer 'other=other-gateway --port {port} --to http://127.0.0.1:{upstream}/mcp'

Exit status: 0; 1 when an answer was wrong, or with --strict when a target is missed; 2 usage; 3 something to run is missing.
"""

import argparse
import json
import mmap
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

sys.dont_write_bytecode = True
HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import contenders as who  # noqa: E402
import first_event  # noqa: E402
import picture  # noqa: E402
import table  # noqa: E402

USUAL = "c16_1k,c1_1k,s1000_1k,o500_1k,c16_64k,c4_1m,sse_1k,deny,list_1000,rules,clauses,bridge,bridge_up,filters,synced,io1_1k"


def arguments() -> argparse.Namespace:
    build = HERE.parent / "build" / "release"
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--callgate", type=Path, default=build / "callgate", help="the program to measure")
    parser.add_argument("--bin", type=Path, default=build / "bench", help="where bench-load and bench-upstream are")
    parser.add_argument("--scenarios", default=USUAL, help="of: " + ", ".join(table.SCENARIOS))
    parser.add_argument("--only", help="contenders to run, by name (direct,nginx,haproxy,callgate,…)")
    parser.add_argument("--peer", action="append", default=[], metavar="NAME=CMD")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2.0, help="of each measurement")
    parser.add_argument("--warm-up", type=float, default=0.4)
    parser.add_argument("--starts", type=int, default=7, help="starts timed for each contender")
    parser.add_argument("--tools", type=int, default=100, help="tools behind, each with a rule")
    parser.add_argument("--spread", type=int, default=16, help="tools that the calls go to in turn")
    parser.add_argument("--workers", type=int, metavar="N", help="only the scenarios `workers` and `workers_unlimited`, with so many gateways on one port")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--strict", action="store_true", help="exit 1 when a target is missed")
    parser.add_argument("--nice", type=int, default=0, help="scheduling priority of all that is measured; below 0 as root, on a busy machine")
    parser.add_argument("--save", action="store_true", help="write bench/results/DATE.{json,md}")
    parser.add_argument("--keep", action="store_true", help="leave the temporary folder")
    options = parser.parse_args()
    if options.quick:
        options.rounds, options.seconds, options.warm_up, options.starts = 2, 0.6, 0.2, 3
        options.scenarios = "c16_1k,sse_1k,deny,io1_1k" if options.scenarios == USUAL else options.scenarios
    if options.workers and options.scenarios == USUAL:
        options.scenarios = "workers,workers_unlimited"
    options.workers = options.workers or 2
    if options.workers < 2:
        parser.error("--workers: two or more")
    unknown = [name for name in options.scenarios.split(",") if name not in table.SCENARIOS]
    if unknown:
        parser.error(f"unknown scenario {', '.join(unknown)}; known: {', '.join(table.SCENARIOS)}")
    return options


def complain(text: str, status: int) -> None:
    print(f"bench: {text}", file=sys.stderr)
    sys.exit(status)


class Stage:
    """A server behind and the contenders in front of it."""

    def __init__(self, name: str, options: argparse.Namespace, folder: Path):
        self.options = options
        self.folder = folder / name
        self.folder.mkdir(mode=0o711)
        self.world = who.world(name, options.tools, options.spread, options.workers)
        self.load = options.bin.resolve() / "bench-load"  # it is run in other folders
        self.server = options.bin.resolve() / "bench-upstream"
        self.running: dict[str, who.Running] = {}
        self.stdio: list[who.Contender] = []
        self.left_out: list[str] = []
        self.upstream, self.upstream_port = start_upstream(self.server, options, [f"--tools={self.world.tools}"])
        self.stateless, self.stateless_port = start_upstream(self.server, options, [f"--tools={self.world.tools}", "--stateless"])
        self.store = self.start_store() if self.world.store else None

    # -- the set-up ------------------------------------------------------------

    def start(self) -> "Stage":
        for contender in self.chosen():
            try:
                self.start_one(contender)
            except RuntimeError as error:
                self.left_out.append(str(error))
                print(f"  left out: {error}", flush=True)
        time.sleep(1.0)  # whatever a program does right after its start, it has done
        return self

    def start_store(self) -> who.Running | None:
        contender = who.store()
        if contender is None:
            self.left_out.append("several gateways: neither valkey-server nor redis-server is installed")
            return None
        running = who.Running(contender, self.folder / contender.name, 0)
        running.start()
        running.wait_listening()
        return running

    def chosen(self) -> list[who.Contender]:
        """Everyone that can be run here; stdio ones are only kept for later, as the load starts them itself."""
        program = self.options.callgate.resolve() if self.options.callgate.exists() else None
        if not program:
            self.left_out.append(f"{self.options.callgate.name} is not built (`./dev build release`)")
        everyone, missing = self.world.contenders(program, self.server)
        self.left_out += missing
        for peer in self.options.peer if self.world.peers else []:
            name, _, command = peer.partition("=")
            everyone.append(who.Contender(name, shlex.split(command)))
        if self.options.only:
            wanted = self.options.only.split(",")
            everyone = [each for each in everyone if any(each.name == name or each.name.startswith(name + "-") for name in wanted)]
        if self.store is None:
            everyone = [each for each in everyone if not each.gateways]
        self.stdio = [each for each in everyone if each.stdio]
        return [each for each in everyone if not each.stdio]

    def start_one(self, contender: who.Contender) -> None:
        running = who.Running(contender, self.folder / contender.name, self.port_behind(contender), self.store.port if self.store else 0)
        if contender.command:
            running.start()
            self.running[contender.name] = running
            try:
                running.wait_listening()
                self.wait_answering(running)
            except RuntimeError:
                running.stop()
                del self.running[contender.name]
                raise
        else:
            running.port, running.process = self.upstream_port, None
            self.running[contender.name] = running

    def port_behind(self, contender: who.Contender) -> int:
        return self.stateless_port if contender.stateless_behind else self.upstream_port

    def wait_answering(self, running: who.Running) -> None:
        """A gateway may listen before it has met the server behind it."""
        deadline = time.monotonic() + 15
        while "failed" in (row := self.run_load([f"--url={running.url}", "--seconds=0.1", "--warm-up=0"])):
            if time.monotonic() > deadline:
                raise RuntimeError(f"{running.contender.name} does not answer calls: {row['failed']} {running.last_words()}")
            time.sleep(0.05)

    def stop(self) -> None:
        for running in self.running.values():
            running.stop()
        if self.store:
            self.store.stop()
        for server in (self.upstream, self.stateless):
            server.terminate()
            server.wait()

    # -- one measurement -------------------------------------------------------

    def run_load(self, flags: list[str], command: list[str] | None = None, cwd: Path | None = None) -> dict:
        words = [str(self.load), f"--tools={','.join(self.world.called)}", *flags, *(["--", *command] if command else [])]
        try:
            done = subprocess.run(words, capture_output=True, text=True, timeout=180, cwd=cwd)
            return json.loads(done.stdout.strip().splitlines()[-1])
        except (subprocess.TimeoutExpired, json.JSONDecodeError, IndexError) as error:
            return {"failed": f"bench-load: {type(error).__name__}"}

    def timing(self, name: str) -> list[str]:
        return [f"--seconds={max(self.options.seconds, table.SCENARIOS[name].least_seconds)}", f"--warm-up={self.options.warm_up}"]

    def measure(self, name: str, running: who.Running) -> dict:
        watched = running.process or self.upstream
        flags = [f"--url={running.url}", f"--watch={watched.pid}", *self.timing(name), *table.SCENARIOS[name].flags]
        if self.world.hidden and running.contender.denies:
            flags.append(f"--hidden-tool={self.world.hidden}")
        port = self.port_behind(running.contender)
        before = self.calls_behind(port)
        row = self.measure_several(running, flags) if running.contender.gateways else self.run_load(flags)
        if "failed" not in row:
            row["miscounted"] = self.miscounted(before, self.calls_behind(port), row)
        return row

    def measure_several(self, running: who.Running, flags: list[str]) -> dict:
        """The same of gateways side by side: what the store needs for a call too, and that each of them had calls."""
        gateways = Path(f"/proc/{running.process.pid}/task/{running.process.pid}/children").read_text().split()
        worked = [-cpu_ns(int(pid)) for pid in gateways]
        stored = -cpu_ns(self.store.process.pid)
        row = self.run_load(flags)
        worked = [began + cpu_ns(int(pid)) for began, pid in zip(worked, gateways)]
        row["shares"] = [each / sum(worked) for each in worked]
        if len(gateways) != running.contender.gateways or min(row["shares"]) < 0.1 / len(gateways):
            return {"failed": f"of {running.contender.gateways} gateways {len(gateways)} run, with shares of the work of {row['shares']}"}
        if row.get("calls_sent"):
            row["store_us_per_call"] = (stored + cpu_ns(self.store.process.pid)) / 1000 / row["calls_sent"]
        return row

    def measure_stdio(self, name: str, contender: who.Contender) -> dict:
        running = who.Running(contender, self.folder / contender.name, 0)
        flags = ["--stdio", f"--stderr={running.log}", *self.timing(name), *table.SCENARIOS[name].flags]
        return self.run_load(flags, running.command, running.folder)

    @staticmethod
    def calls_behind(port: int) -> dict:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/stats", timeout=10) as answer:
            return json.load(answer)["tools"]

    @staticmethod
    def miscounted(before: dict, after: dict, row: dict) -> int:
        """Calls that reached the server other than exactly once, and denied ones that reached it at all."""
        arrived = {tool: after[tool] - before[tool] for tool in after}
        denied = arrived.pop("delete_all")
        return abs(sum(arrived.values()) - row["calls_sent"]) + denied

    def round(self, number: int, name: str) -> list[dict]:
        scenario = table.SCENARIOS[name]
        rows = []
        for contender in self.stdio if scenario.stdio else [each.contender for each in self.running.values()]:
            if scenario.denials and not contender.denies:
                continue
            row = self.measure_stdio(name, contender) if scenario.stdio else self.measure(name, self.running[contender.name])
            rows.append({"round": number, "scenario": name, "contender": contender.name, **row})
        return rows

    # -- memory and start ------------------------------------------------------

    def rss_kib(self, running: who.Running) -> float:
        return self.run_load(["--tree", f"--watch={running.process.pid}"])["rss_kib"]

    def idle_mib(self) -> dict[str, float]:
        return {name: self.rss_kib(running) / 1024 for name, running in self.running.items() if running.process}

    def session_kib(self, sessions: int = 10_000) -> float | None:
        """What one more open session takes, with nothing said in it but a call in passing."""
        if "callgate" not in self.running:
            return None
        running = who.Running(self.running["callgate"].contender, self.folder / "callgate-sessions", self.upstream_port)
        running.start()
        try:
            running.wait_listening()
            self.wait_answering(running)
            before = self.rss_kib(running)
            row = self.run_load([f"--url={running.url}", "--connections=16", f"--sessions={sessions}", "--seconds=0.1", "--warm-up=0"])
            return None if "failed" in row else (self.rss_kib(running) - before) / sessions
        finally:
            running.stop()

    def first_events(self, calls: int = 300) -> dict[str, dict]:
        """How long the first event of a call's stream is under way from the server to the client, by contender."""
        out = {}
        with first_event.Server() as server:
            for name in ("direct", "nginx", "callgate"):
                if name not in self.running:
                    continue
                contender = self.running[name].contender
                running = who.Running(contender, self.folder / f"{name}-events", server.port)
                if contender.command:
                    running.start()
                    running.wait_listening()
                else:
                    running.port = server.port
                try:
                    out[name] = first_event.measure(running.port, calls)
                finally:
                    running.stop()
        return out

    def first_answers(self) -> tuple[dict[str, float], list[dict]]:
        """From exec to the first answered call, with the server behind already up and what a first start stores already there."""
        rows = []
        fresh = {name: who.Running(each.contender, self.folder / f"{name}-start", self.port_behind(each.contender))
                 for name, each in self.running.items() if each.process}
        for number in range(-1, self.options.starts):  # the first start pins the tools and does not count
            for name, running in fresh.items():
                row = self.run_load(["--start-up", f"--url={running.url}", f"--stderr={running.log}", "--seconds=20"],
                                    running.command, running.folder)
                rows.append({"start": number, "contender": name, **row})
            for contender in self.stdio:
                running = who.Running(contender, self.folder / contender.name, 0)
                row = self.run_load(["--stdio", "--start-up", f"--stderr={running.log}"], running.command, running.folder)
                rows.append({"start": number, "contender": contender.name, **row})
        counted = [row for row in rows if row["start"] >= 0 and "failed" not in row]
        names = dict.fromkeys(row["contender"] for row in counted)
        return {name: table.median(row["first_answer_ms"] for row in counted if row["contender"] == name) for name in names}, rows


def cpu_ns(pid: int) -> int:
    """What the first thread of a process has run so far: the one that carries calls."""
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0])


def start_upstream(server: Path, options: argparse.Namespace, flags: list[str]) -> tuple[subprocess.Popen, int]:
    process = subprocess.Popen([server, "--port=0", *flags], stdout=subprocess.PIPE, text=True, start_new_session=True)
    who.set_priority(process.pid, options.nice)
    return process, int(process.stdout.readline())


class Bench:
    """All stages that the chosen scenarios need. One stage runs at a time: idle programs cost memory, not time."""

    def __init__(self, options: argparse.Namespace, folder: Path):
        self.options = options
        self.folder = folder
        self.stages: dict[str, Stage] = {}

    def start(self) -> None:
        names = dict.fromkeys(["usual", *(table.SCENARIOS[name].world for name in self.options.scenarios.split(","))])
        for name in names:
            self.stages[name] = Stage(name, self.options, self.folder)
            self.stages[name].start()

    @property
    def usual(self) -> Stage:
        return self.stages["usual"]

    def stop(self) -> None:
        for stage in self.stages.values():
            stage.stop()

    def rounds(self) -> list[dict]:
        rows = []
        for number in range(self.options.rounds):
            for name in self.options.scenarios.split(","):
                rows += self.stages[table.SCENARIOS[name].world].round(number, name)
            print(f"  round {number + 1} of {self.options.rounds}", flush=True)
        return rows

    # -- the verifier itself ---------------------------------------------------

    def lies_are_noticed(self) -> bool:
        """A check that cannot fail proves nothing: a server that lies must be caught."""
        for lie, count in (("text", "wrong_text"), ("id", "wrong_id")):
            liar, port = start_upstream(self.usual.server, self.options, [f"--tools={self.options.tools}", f"--lie={lie}"])
            row = self.usual.run_load([f"--url=http://127.0.0.1:{port}/mcp", "--connections=4", "--seconds=0.3", "--warm-up=0"])
            liar.terminate()
            liar.wait()
            if row.get(count, 0) == 0:
                print(f"  a server that lies about the {lie} was not noticed: {row}")
                return False
        return True


def commit() -> str:
    done = subprocess.run(["git", "describe", "--always", "--dirty"], cwd=HERE, capture_output=True, text=True)
    return done.stdout.strip() or "unknown"


def measure_all(options: argparse.Namespace, bench: Bench) -> dict:
    result = {"when": time.strftime("%Y-%m-%d %H:%M"), "commit": commit(), "machine": table.machine(), "tools": options.tools,
              "workers": options.workers,
              "rounds": options.rounds, "seconds": options.seconds, "nice": options.nice}
    print("setting up", flush=True)
    bench.start()
    result["versions"] = {name: each.contender.version for name, each in bench.usual.running.items()}
    result["idle_mib"] = bench.usual.idle_mib()
    print(f"measuring {options.scenarios}", flush=True)
    result["rows"] = bench.rounds()
    print("timing starts", flush=True)
    result["first_answer_ms"], result["starts"] = bench.usual.first_answers()
    print("timing first events", flush=True)
    result["first_event_us"] = bench.usual.first_events()
    print("opening 10,000 sessions", flush=True)
    result["session_kib"] = bench.usual.session_kib()
    result["summary"] = table.summarise(result["rows"], result)
    result["targets"] = table.targets(result)
    result["left_out"] = [text for stage in bench.stages.values() for text in stage.left_out] + table.not_told(result)
    result["load_at_end"] = os.getloadavg()[0]
    return result


def save(result: dict, page: str) -> None:
    folder = HERE / "results"
    folder.mkdir(exist_ok=True)
    stem = folder / result["when"].replace(" ", "-").replace(":", "")
    stem.with_suffix(".json").write_text(json.dumps(result, indent=1) + "\n")
    stem.with_suffix(".md").write_text(page)
    (HERE.parent / "docs" / "cpu-per-call.svg").write_text(picture.svg(result))
    print(f"saved as bench/results/{stem.name}.json and .md, and drawn as docs/cpu-per-call.svg")


def touch_memory(gib: int = 4) -> None:
    """On a virtual machine that has not run for long, the first use of a page costs some 10 µs that the host takes, and who writes a journal pays them."""
    with open("/proc/meminfo", encoding="ascii") as lines:
        free = next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:"))
    block = bytes(1 << 20)
    with mmap.mmap(-1, min(gib << 30, free // 2) // len(block) * len(block)) as memory:
        for at in range(0, len(memory), len(block)):
            memory[at:at + len(block)] = block


def main() -> int:
    options = arguments()
    for program in ("bench-load", "bench-upstream", "bench-relay"):
        if not (options.bin / program).exists():
            complain(f"`{program}` is not built; run: cmake --preset release && ninja -C build/release bench-load bench-upstream bench-relay", 3)
    os.nice(options.nice)  # everything that is started inherits it
    if options.nice and os.getpid() != os.getpgrp():
        os.setsid()  # so that the shell it was started from keeps its own priority
    who.set_priority(os.getpid(), options.nice)
    folder = Path(tempfile.mkdtemp(prefix="callgate-bench-"))
    folder.chmod(0o711)  # nginx drops to a user of its own
    if not options.quick:
        touch_memory()
    bench = Bench(options, folder)
    try:
        result = measure_all(options, bench)
        honest = not options.quick or bench.lies_are_noticed()
    finally:
        bench.stop()
        if options.keep:
            print(f"kept {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)
    page = table.markdown(result)
    print("\n" + page)
    if options.save:
        save(result, page)
    wrong = [f"{name} {row['faults']}" for rows in result["summary"].values() for name, row in rows.items() if row["faults"]]
    missed = [row["what"] for row in result["targets"] if row["met"] is False]
    for text in wrong:
        print(f"wrong answers: {text}")
    for text in missed:
        print(f"target missed: {text}")
    if not wrong and honest:
        print(f"bench: every answer was right over {sum(row.get('answered', 0) + row.get('denied', 0) for row in result['rows']):,} calls")
    return 1 if wrong or not honest or (options.strict and missed) else 0


if __name__ == "__main__":
    sys.exit(main())
