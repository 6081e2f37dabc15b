#!/usr/bin/env python3
"""Opens and closes sessions and makes calls for a long time; memory and file descriptors must stay flat. Then the gate is
killed, and must be ready again within a second.

  bench/soak.py                                    1,080,000 sessions, 8,640,000 calls
  bench/soak.py --calls 100000 --calls-per-session 5
  bench/soak.py --seconds 600                      as much as fits

Every answer is checked. Exit status: 0; 1 when an answer was wrong or something grew; 3 something to run is missing.
"""
import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from pathlib import Path

sys.dont_write_bytecode = True
HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import contenders as who  # noqa: E402

MIB_PER_MILLION = 1.0
# What little memory grows while pools and caches fill; a leak of a few bytes a call is far beyond it in a long run.
SETTLING_MIB = 2.0
WARM = 0.2  # of the run: what grows until then is what a busy gate needs


def arguments():
    build = HERE.parent / "build" / "release"
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--callgate", type=Path, default=build / "callgate")
    parser.add_argument("--bin", type=Path, default=build / "bench")
    parser.add_argument("--calls", type=int, default=8_640_000)
    parser.add_argument("--calls-per-session", type=int, default=8)
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--seconds", type=float, default=100_000, help="at most")
    parser.add_argument("--keep", default="30s", help="of the journal; 90d keeps all of it, 1.3 GB per million calls")
    parser.add_argument("--every", type=float, default=10, help="seconds between two lines of progress")
    return parser.parse_args()


def resident_mib(pid):
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return 0.0


def descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


class Soak:
    def __init__(self, options, folder):
        self.options, self.folder = options, folder
        self.samples = []  # (calls, MiB, descriptors)

    def start(self):
        server = subprocess.Popen([self.options.bin / "bench-upstream", "--port", "0", "--tools", "100"], stdout=subprocess.PIPE, text=True)
        self.upstream = int(server.stdout.readline())
        # Old segments go while it runs, so that the disk does not fill.
        text = ("listen: 127.0.0.1:{port}\nauth: none\ndata: {dir}/data\naudit: {{segment: 16MiB, keep: KEEP}}\n"
                f"servers:\n  it:\n    url: http://127.0.0.1:{self.upstream}/mcp\n    policy: policy.yaml\n")
        gate = who.Contender("callgate", [str(self.options.callgate.resolve()), "serve", "--config", "{dir}/callgate.yaml"],
                             {"policy.yaml": who.policy_text(100)})
        self.gate = who.Running(gate, self.folder / "gate", self.upstream)
        (self.gate.folder / "callgate.yaml").write_text(text.format(port=self.gate.port, dir=self.gate.folder).replace("KEEP", self.options.keep))
        self.gate.start()
        self.gate.wait_listening()
        return server

    def arrived(self):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.upstream}/stats", timeout=30) as answer:
            return json.load(answer)["calls"]

    def sample(self, began):
        pid = self.gate.process.pid
        self.samples.append((self.arrived(), resident_mib(pid), descriptors(pid)))
        calls, mib, files = self.samples[-1]
        spent = time.monotonic() - began
        print(f"  {spent:7.0f} s  {calls:>10,} calls  {calls / max(spent, 0.1):8,.0f}/s  {mib:7.1f} MiB  {files:>4} descriptors", flush=True)

    def load(self):
        command = [self.options.bin / "bench-load", "--url", self.gate.url, "--watch", self.gate.process.pid, "--connections", self.options.connections,
                   "--sessions", self.options.connections, "--calls-per-session", self.options.calls_per_session, "--calls", self.options.calls,
                   "--seconds", self.options.seconds, "--warm-up", 0, "--size", "64,1024", "--tools", ",".join(who.tool_names(100)[:16]),
                   "--denied-percent", 5, "--list-percent", 1]
        return subprocess.Popen([str(word) for word in command], stdout=subprocess.PIPE, text=True)

    def run(self):
        server = self.start()
        try:
            began, load = time.monotonic(), self.load()
            told = []
            reader = threading.Thread(target=lambda: told.append(load.stdout.read()))
            reader.start()
            pause = min(self.options.every, 1.0)
            while reader.is_alive():
                self.sample(began)
                reader.join(pause)
                pause = min(self.options.every, pause * 1.3)
            self.sample(began)
            return json.loads(told[0]), self.start_again()
        finally:
            self.gate.stop()
            server.kill()

    def start_again(self):
        """Seconds until a gate that was killed is ready again: its counters are read from the snapshot and the journal's tail."""
        self.gate.process.kill()
        self.gate.process.wait()
        began = time.monotonic()
        self.gate.start()
        self.gate.wait_listening()
        return time.monotonic() - began

    def growth(self):
        """MiB and descriptors between the end of the warm part and the end, and the millions of calls between."""
        last = self.samples[-1]
        warm = next(sample for sample in self.samples if sample[0] >= WARM * last[0])
        return last[1] - warm[1], last[2] - warm[2], (last[0] - warm[0]) / 1e6


def faults_of(result, again, mib, files, millions):
    if "failed" in result:
        return [result["failed"]]
    faults = [f"{result[kind]} {kind}: {result['last_fault']}" for kind in ("leaked", "wrong_id", "wrong_text", "rpc_errors", "http_errors", "lost") if result[kind]]
    allowed = SETTLING_MIB + MIB_PER_MILLION * millions
    if mib > allowed:
        faults.append(f"memory grew by {mib:.1f} MiB in {millions:.2f} million calls; {allowed:.1f} are allowed")
    if again > 1:
        faults.append(f"{again:.2f} s from the kill to the next start's first connection")
    if files > 4:
        faults.append(f"{files} more descriptors are open")
    return faults


def main():
    options = arguments()
    for program in (options.callgate, options.bin / "bench-load", options.bin / "bench-upstream"):
        if not os.access(program, os.X_OK):
            print(f"soak: `{program}` is missing: ./dev soak builds it", file=sys.stderr)
            return 3
    with tempfile.TemporaryDirectory(prefix="callgate-soak-") as folder:
        soak = Soak(options, Path(folder))
        result, again = soak.run()
        kept = sum(file.stat().st_size for file in Path(folder).rglob("*.jsonl")) >> 20
    mib, files, millions = soak.growth()
    faults = faults_of(result, again, mib, files, millions)
    for fault in faults:
        print(f"soak: {fault}", file=sys.stderr)
    done = result.get("answered", 0) + result.get("denied", 0) + result.get("listed", 0)
    print(f"{result.get('left', 0):,} sessions opened and closed, {done:,} calls: memory {mib:+.2f} MiB in the last {millions:.2f} million calls, "
          f"{files:+d} descriptors; ready {again:.2f} s after a kill, with {kept} MiB of journal")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
