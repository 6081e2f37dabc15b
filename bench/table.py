"""From raw rows to medians, ratios, targets and a markdown page."""

import os
import platform
import statistics
from dataclasses import dataclass

FAULTS = ("leaked", "wrong_id", "wrong_text", "rpc_errors", "http_errors", "lost", "miscounted")


@dataclass(frozen=True)
class Scenario:
    title: str
    flags: list[str]
    stdio: bool = False
    denials: bool = False
    latency: str = "call_us"
    world: str = "usual"
    least_seconds: float = 0  # a high percentile says nothing of a few thousand calls


SCENARIOS = {
    "c16_1k": Scenario("1 KiB, 16 connections", ["--connections=16", "--size=1024"]),
    "c1_1k": Scenario("1 KiB, 1 connection", ["--connections=1", "--size=1024"]),
    "s1000_1k": Scenario("1 KiB, 1,000 sessions over 16 connections",
                         ["--connections=16", "--sessions=1000", "--size=1024"]),
    "o500_1k": Scenario("1 KiB, open loop, 500 calls/s", ["--connections=64", "--size=1024", "--rate=500"]),
    "c16_64k": Scenario("64 KiB, 16 connections", ["--connections=16", "--size=65536"]),
    "c4_1m": Scenario("1 MiB, 4 connections", ["--connections=4", "--size=1048576"]),
    "sse_1k": Scenario("1 KiB answered as an event, 16 connections", ["--connections=16", "--size=1024", "--sse"]),
    "mix": Scenario("100 B to 64 KiB with escapes and UTF-8, 8 connections",
                    ["--connections=8", "--escapes", "--size=100,100,100,100,100,100,1024,1024,1024,65536"]),
    "deny": Scenario("denied call, 16 connections", ["--connections=16", "--size=1024", "--denied-percent=100"],
                     denials=True, latency="denied_us"),
    "list": Scenario("tools/list, 4 connections", ["--connections=4", "--list-percent=100"], latency="list_us"),
    "list_1000": Scenario("tools/list of 1,000 tools of which 100 are hidden, 4 connections", ["--connections=4", "--list-percent=100"],
                          latency="list_us", world="wide"),
    "rules": Scenario("10,000 rules over 1,000 tools against 10, 16 connections", ["--connections=16", "--size=1024"], world="rules"),
    "clauses": Scenario("10,000 argument clauses on the tool that is called against none, 16 connections",
                        ["--connections=16", "--size=1024"], world="clauses"),
    "bridge": Scenario("a client with sessions before a server without, against one with, 16 connections", ["--connections=16", "--size=1024"], world="bridge"),
    "bridge_up": Scenario("a stateless client before a server with sessions, against one without, 16 connections",
                          ["--connections=16", "--size=1024", "--stateless"], world="bridge"),
    "filters": Scenario("a policy that hides one tool and denies one, against one that does neither, 16 connections",
                        ["--connections=16", "--size=1024"], world="filters"),
    "synced": Scenario("journal synced in batches against not synced, 5,000 calls/s", ["--connections=64", "--size=1024", "--rate=5000"],
                       world="synced", least_seconds=3),
    "workers": Scenario("several gateways on one port with one store, against one, 64 connections", ["--connections=64", "--size=1024"], world="several"),
    "workers_unlimited": Scenario("the same with rules that have no limits", ["--connections=64", "--size=1024"], world="free"),
    "io1_1k": Scenario("stdio, 1 KiB, one call in flight", ["--connections=1", "--size=1024"], stdio=True),
    "io16_1k": Scenario("stdio, 1 KiB, 16 calls in flight", ["--connections=16", "--size=1024"], stdio=True),
}


def median(values) -> float | None:
    known = [value for value in values if value is not None]
    return statistics.median(known) if known else None


SIDE_BY_SIDE = {"workers", "workers_unlimited"}


def has_cores(result: dict) -> bool:
    """Whether gateways side by side have one core each beside the server, the store and the load."""
    return result["machine"]["cores"] >= result["workers"] + 3


def not_told(result: dict) -> list[str]:
    if not SIDE_BY_SIDE & result["summary"].keys() or has_cores(result):
        return []
    return [f"calls/s of several gateways: this machine has {result['machine']['cores']} cores, and {result['workers']} gateways, the server behind, the store "
            f"and the load want {result['workers'] + 3}; on fewer they take each other's time, and only CPU per call can be compared"]


def summarise(rows: list[dict], result: dict) -> dict:
    """scenario → contender → medians over the rounds. Ratios are taken within each round, then their median."""
    out: dict = {}
    base = {(row["scenario"], row["round"]): row["cpu_us_per_call"]
            for row in rows if row["contender"] == "nginx" and row.get("cpu_us_per_call")}
    for name in dict.fromkeys(row["scenario"] for row in rows):
        latency = SCENARIOS[name].latency
        for contender in dict.fromkeys(row["contender"] for row in rows if row["scenario"] == name):
            mine = [row for row in rows if row["scenario"] == name and row["contender"] == contender]
            good = [row for row in mine if "failed" not in row]
            ratios = [row["cpu_us_per_call"] / base[name, row["round"]] for row in good if (name, row["round"]) in base]
            faults = {fault: total for fault in FAULTS if (total := sum(row.get(fault, 0) for row in mine))}
            faults |= {"failed": row["failed"] for row in mine if "failed" in row}
            out.setdefault(name, {})[contender] = {
                "cpu_us_per_call": median(row["cpu_us_per_call"] for row in good),
                "cpu_range": [min(cpus), max(cpus)] if (cpus := [row["cpu_us_per_call"] for row in good]) else None,
                "user_us_per_call": median(row.get("user_us_per_call") for row in good),
                "to_nginx": median(ratios),
                "calls_per_s": median(row["calls_per_s"] for row in good) if name not in SIDE_BY_SIDE or has_cores(result) else None,
                "store_us_per_call": median(row.get("store_us_per_call") for row in good),
                "shares": [row["shares"] for row in good if "shares" in row],
                "p50_us": median(row[latency]["p50"] for row in good),
                "p99_us": median(row[latency]["p99"] for row in good),
                "p999_us": median(row[latency]["p999"] for row in good),
                "rss_mib": median(row["tree"]["rss_kib"] / 1024 for row in good),
                "behind": sum(row.get("unserved", 0) for row in good) > sum(row["calls_sent"] for row in good) / 100,
                "faults": faults,
            }
    return out


@dataclass(frozen=True)
class Ratio:
    """A figure of one contender as a multiple of another's, within each round."""

    what: str
    scenario: str
    contender: str
    base: str
    at_most: float
    base_scenario: str = ""
    figure: str = "cpu_us_per_call"

    def of(self, rows: list[dict]) -> float | None:
        mine = {row["round"]: figure_of(row, self.figure) for row in rows if (row["scenario"], row["contender"]) == (self.scenario, self.contender)}
        base = {row["round"]: figure_of(row, self.figure) for row in rows
                if (row["scenario"], row["contender"]) == (self.base_scenario or self.scenario, self.base)}
        return median(mine[at] / base[at] for at in mine if mine[at] and base.get(at))


@dataclass(frozen=True)
class Added:
    """What one contender needs beyond another, in µs of user time a call: the median of the differences within each round."""

    what: str
    scenario: str
    contender: str
    base: str
    at_most: float = 2

    def of(self, rows: list[dict]) -> float | None:
        def figures(contender: str) -> dict:
            return {row["round"]: row.get("user_us_per_call") for row in rows if (row["scenario"], row["contender"]) == (self.scenario, contender)}

        mine, base = figures(self.contender), figures(self.base)
        return median(mine[at] - base[at] for at in mine if mine[at] and base.get(at))


def figure_of(row: dict, figure: str) -> float | None:
    return row.get("call_us", {}).get("p999") if figure == "p999" else row.get(figure)


CPU = "CPU per call, "
RATIOS = [
    Ratio(CPU + "1 KiB, 16 connections, against nginx", "c16_1k", "callgate", "nginx", 1.15),
    Ratio(CPU + "1 KiB, 1 connection, against nginx", "c1_1k", "callgate", "nginx", 1.2),
    Ratio(CPU + "1,000 sessions, against nginx", "s1000_1k", "callgate", "nginx", 1.2),
    Ratio(CPU + "500 calls/s, against nginx", "o500_1k", "callgate", "nginx", 1.2),
    Ratio(CPU + "64 KiB, against HAProxy", "c16_64k", "callgate", "haproxy", 1.3),
    Ratio(CPU + "1 MiB, against HAProxy", "c4_1m", "callgate", "haproxy", 1.3),
    Ratio(CPU + "answers as events, against nginx", "sse_1k", "callgate", "nginx", 1.2),
    Ratio(CPU + "a denied call, against an allowed one", "deny", "callgate", "callgate", 0.6, "c16_1k"),
    Ratio("CPU per list of 1,000 tools, some hidden, against nginx", "list_1000", "callgate", "nginx", 1.0),
    Ratio(CPU + "10,000 rules against 10", "rules", "callgate-10000-rules", "callgate-10-rules", 1.1),
    Ratio(CPU + "10,000 argument clauses against none", "clauses", "callgate-10000-clauses", "callgate-0-clauses", 3),
    Ratio("p99.9 at 5,000 calls/s, journal synced against unsynced", "synced", "callgate", "callgate-unsynced", 1.3, figure="p999"),
    Ratio(CPU + "stdio, against a bare relay that reads the JSON", "io1_1k", "callgate-stdio", "relay-stdio", 1.5),
]


USER = "user CPU added to a call, "
ADDED = [
    Added(USER + "client with sessions, server without", "bridge", "callgate-stateless-behind", "callgate-sessions-behind"),
    Added(USER + "client without sessions, server with", "bridge_up", "callgate-sessions-behind", "callgate-stateless-behind"),
    Added(USER + "one tool hidden and one denied", "filters", "callgate-filters", "callgate-open"),
]


def of_several(result: dict) -> list[Ratio]:
    """Gateways on one port against one with the same store."""
    count = result["workers"]
    one, all_of_them = "callgate-1-gateway", f"callgate-{count}-gateways"
    ratios = [Ratio(CPU + f"{count} gateways on one port against one with the same store", "workers", all_of_them, one, 1.15),
              Ratio(CPU + f"{count} gateways on one port against one, no limits", "workers_unlimited", all_of_them, one, 1.15)]
    if has_cores(result):  # with limits the store is the next to have no time left
        ratios.append(Ratio(f"calls/s of one gateway against {count} on one port, no limits", "workers_unlimited", one, all_of_them, round(1 / (0.9 * count), 2),
                            figure="calls_per_s"))
    return ratios


def targets(result: dict) -> list[dict]:
    """What this version promises, beside what was measured; `met` is None when it was not measured."""
    measured = [(ratio.what, ratio.of(result["rows"]), ratio.at_most, "×") for ratio in RATIOS + of_several(result)]
    measured += [(added.what, added.of(result["rows"]), added.at_most, "µs") for added in ADDED]
    measured += [
        ("the first event of a stream, from the server to the client, median", result.get("first_event_us", {}).get("callgate", {}).get("p50"), 1000, "µs"),
        ("memory when idle", result["idle_mib"].get("callgate"), 15, "MiB"),
        ("memory of an idle session", result["session_kib"], 4, "KiB"),
        ("from exec to the first answered call", result["first_answer_ms"].get("callgate"), 30, "ms"),
    ]
    return [{"what": what, "measured": value, "at_most": most, "unit": unit, "met": None if value is None else value <= most}
            for what, value, most, unit in measured]


def machine() -> dict:
    model = "unknown"
    with open("/proc/cpuinfo", encoding="utf-8") as cpuinfo:
        for line in cpuinfo:
            if line.startswith("model name"):
                model = line.split(":", 1)[1].strip()
                break
    with open("/proc/meminfo", encoding="utf-8") as meminfo:
        memory = round(int(meminfo.readline().split()[1]) / 1024 / 1024, 1)
    return {"cpu": model, "cores": os.cpu_count(), "memory_gib": memory, "kernel": platform.release(), "load": os.getloadavg()[0]}


def number(value, digits: int = 1) -> str:
    return "–" if value is None else f"{value:,.{digits}f}"


def scenario_lines(name: str, contenders: dict) -> list[str]:
    scenario = SCENARIOS[name]
    direct = contenders.get("direct") or contenders.get("direct-stdio") or {}
    lines = [f"### {scenario.title}", "",
             "| | CPU µs/call | range | user µs | × nginx | calls/s | p50 µs | added p50 | p99 µs | p99.9 µs | RSS MiB |",
             "|---|---|---|---|---|---|---|---|---|---|---|"]
    for contender, row in contenders.items():
        spread = "–" if row["cpu_range"] is None else f"{row['cpu_range'][0]:,.1f}–{row['cpu_range'][1]:,.1f}"
        added = None if row["p50_us"] is None or direct.get("p50_us") is None else row["p50_us"] - direct["p50_us"]
        lines.append(f"| {contender} | {number(row['cpu_us_per_call'])} | {spread} | {number(row['user_us_per_call'], 2)} | {number(row['to_nginx'], 2)} | "
                     f"{number(row['calls_per_s'], 0)} | {number(row['p50_us'])} | {number(added)} | {number(row['p99_us'], 0)} | {number(row['p999_us'], 0)} | "
                     f"{number(row['rss_mib'])} |")
    lines += [f"\n{contender}: the store needs {row['store_us_per_call']:.1f} µs of a call; shares of the work, by round: "
              + ", ".join("/".join(f"{share:.2f}" for share in shares) for shares in row["shares"]) for contender, row in contenders.items() if row["store_us_per_call"]]
    lines += [f"\n**{contender}: {row['faults']}**" for contender, row in contenders.items() if row["faults"]]
    lines += [f"\n{contender} fell behind the rate: more than 1 % of the calls found no free connection." for contender, row in contenders.items() if row["behind"]]
    return [*lines, ""]


def markdown(result: dict) -> str:
    about = result["machine"]
    lines = [f"# Measured {result['when']}", "",
             f"{about['cores']} × {about['cpu']}, {about['memory_gib']} GiB, Linux {about['kernel']}; load average "
             f"{about['load']:.1f} at the start, {result['load_at_end']:.1f} at the end.",
             f"Callgate {result['commit']}; {result['tools']} tools, one rule each with an argument schema and a rate limit; journal synced in batches.",
             f"{result['rounds']} rounds of {result['seconds']} s at priority {result['nice']}, contenders interleaved; medians; ratios taken within each round. "
             + "; ".join(f"{name}: {version}" for name, version in result["versions"].items() if version) + ".", "",
             "| target | measured | at most | |", "|---|---|---|---|"]
    for row in result["targets"]:
        word = {True: "met", False: "**missed**", None: "not measured"}[row["met"]]
        lines.append(f"| {row['what']} | {number(row['measured'], 2)} {row['unit']} | {row['at_most']} {row['unit']} | {word} |")
    lines += ["", "| | idle RSS MiB | start to first answer, ms |", "|---|---|---|"]
    for name in dict.fromkeys([*result["idle_mib"], *result["first_answer_ms"]]):
        lines.append(f"| {name} | {number(result['idle_mib'].get(name))} | {number(result['first_answer_ms'].get(name))} |")
    if result.get("first_event_us"):
        lines += ["", "| first event of a stream, µs under way | p50 | p99 | worst |", "|---|---|---|---|"]
        lines += [f"| {name} | {row['p50']:,.0f} | {row['p99']:,.0f} | {row['max']:,.0f} |" for name, row in result["first_event_us"].items()]
    lines.append("")
    for name, contenders in result["summary"].items():
        lines += scenario_lines(name, contenders)
    lines += [f"Left out: {text}" for text in result["left_out"]]
    return "\n".join(lines).rstrip() + "\n"
