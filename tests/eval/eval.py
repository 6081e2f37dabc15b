"""Scores the classifier against labels of real servers' tools, honestly.

python3 tests/eval/eval.py --program build/…/classify_eval --data DIR [--bars] [--errors] [--fit FILE]

DIR holds `labels-dev.json` ({server, tool, category, risk, why}) and `raw/*.json` (lists as servers gave them). The lists belong to
their authors and are no part of this repository; without --data nothing is scored.

What makes the figures honest (docs/classification.md, "How it is measured"):
- The only numbers fitted to labels are the shares of `confidence.tsv`. For the figures they are fitted anew for each server on
  the labels of the *other* servers, so that no server is judged by what was learned from itself.
- The words and rules are written by people. A part of the servers, chosen by a hash of their names before the first rule was
  written (`is_frozen`), is never looked at while rules are written: its figures stand apart and are the estimate to believe.
"""
import argparse
import collections
import glob
import hashlib
import json
import os
import re
import resource
import subprocess
import sys
import tempfile

CATEGORIES = ["Read", "Write", "Execute", "Destructive", "Financial"]
RISKS = ["Low", "Medium", "High", "Critical"]
BARS = [  # figure, bar, at least?
    ("category accuracy", 0.88, True), ("category macro-F1", 0.85, True), ("risk exact", 0.72, True), ("risk within one step", 0.97, True),
    ("non-Read called Read", 0.03, False), ("under-rated by two steps", 0.015, False), ("right where confidence >= 0.9", 0.95, True),
]
TOOLS_PER_SECOND = 20000
PAGES, PAGES_SECONDS = 3600, 5
LEAN = 10  # answers' worth of doubt
EXAMPLES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "classify", "rule_examples.tsv")


def is_frozen(server):
    """Three of ten servers, by name alone."""
    return int(hashlib.sha256(server.encode()).hexdigest()[:8], 16) % 10 < 3


def macro_f1(rows):
    scores = []
    for category in CATEGORIES:
        hit = sum(label["category"] == got["category"] == category for label, got in rows)
        extra = sum(got["category"] == category != label["category"] for label, got in rows)
        missed = sum(label["category"] == category != got["category"] for label, got in rows)
        if hit + missed:
            scores.append(2 * hit / (2 * hit + extra + missed))
    return sum(scores) / len(scores)


def figures(rows):
    right = [label["category"] == got["category"] for label, got in rows]
    steps = [RISKS.index(label["risk"]) - RISKS.index(got["risk"]) for label, got in rows]
    active = [got["category"] for label, got in rows if label["category"] != "Read"]
    sure = [hit for hit, (_, got) in zip(right, rows) if got["confidence"] >= 0.9]
    return {
        "category accuracy": sum(right) / len(rows), "category macro-F1": macro_f1(rows),
        "risk exact": steps.count(0) / len(rows), "risk within one step": sum(abs(step) <= 1 for step in steps) / len(rows),
        "non-Read called Read": active.count("Read") / max(1, len(active)), "under-rated by two steps": sum(step >= 2 for step in steps) / len(rows),
        "right where confidence >= 0.9": sum(sure) / len(sure) if sure else 1.0,
    }


def fit(rows):
    """How often answers on the same grounds were right. The fewer there are the more they lean on three in four: rules fit the servers
    they were written with better than others, and that shows least where name and text agree. Only there may an answer be called sure."""
    by_grounds, by_both = collections.defaultdict(lambda: [0, 0]), collections.defaultdict(lambda: [0, 0])
    for label, got in rows:
        for table, key in ((by_grounds, got["grounds"]), (by_both, got["grounds"] + "/" + got["category"])):
            table[key][0] += label["category"] == got["category"]
            table[key][1] += 1
    shares = {key: (right + 0.75 * LEAN) / (all_ + LEAN) for key, (right, all_) in by_grounds.items()}
    shares["unknown"] = min(shares.get("unknown", 0.3), 0.4)
    for key, (right, all_) in by_both.items():
        if key.split("/")[0] != "unknown":
            shares[key] = (right + shares[key.split("/")[0]] * LEAN) / (all_ + LEAN)
    return {key: min(share, 0.98 if key.startswith("name+text") else 0.89) for key, share in shares.items()}


def with_confidence(got, shares):
    share = shares.get(got["grounds"] + "/" + got["category"], shares.get(got["grounds"], 0.5))
    return dict(got, confidence=round(share, 3))


def held_out(rows):
    """Each answer with the confidence that the other servers' labels give it."""
    servers = {label["server"] for label, _ in rows}
    shares = {server: fit([row for row in rows if row[0]["server"] != server]) for server in servers}
    return [(label, with_confidence(got, shares[label["server"]])) for label, got in rows]


def show(title, rows):
    """Prints the figures beside their bars; whether all are met."""
    print(f"\n{title}: {len(rows)} labels of {len({label['server'] for label, _ in rows})} servers")
    met_all = True
    values = figures(rows)
    for name, bar, at_least in BARS:
        met = values[name] >= bar if at_least else values[name] <= bar
        met_all &= met
        print(f"  {name:32} {values[name]:.3f}   {'at least' if at_least else 'at most '} {bar:.3f}   {'met' if met else 'MISSED'}")
    return met_all


def show_reliability(rows):
    print("  confidence     answers   right in category")
    for low, high in ((0, 0.4), (0.4, 0.6), (0.6, 0.8), (0.8, 0.9), (0.9, 1.01)):
        among = [label["category"] == got["category"] for label, got in rows if low <= got["confidence"] < high]
        if among:
            print(f"  {low:.1f} to {min(high, 1.0):.1f}     {len(among):7}   {sum(among) / len(among):.3f}")


def show_errors(rows):
    for label, got in rows:
        if (label["category"], label["risk"]) == (got["category"], got["risk"]):
            continue
        because = ", ".join(f"{each['rule']} `{each['text'][:24]}`" for each in got["evidence"] if not each.get("against"))
        print(f"  {label['server']}/{label['tool']}: {label['category']}/{label['risk']}, got {got['category']}/{got['risk']} ({because})")


def write_shares(path, shares):
    with open(path, "w", encoding="utf-8") as file:
        file.write("# How often answers on the same grounds are right in category: grounds, share. `grounds/Category` stands before\n"
                   "# `grounds`. Written by `tests/eval/eval.py --fit` from the labels of all servers that are not frozen.\n")
        for key, share in sorted(shares.items()):
            file.write(f"{key}\t{share:.3f}\n")


def classified(program, data):
    """Every tool of every list, judged; the newest version where a server is there in several."""
    files = [path for path in sorted(glob.glob(os.path.join(data, "raw", "*.json"))) if not re.search(r"-\d+\.\d+\.\d+\.json$", path)]
    done = subprocess.run([program, *files], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"{program}: {done.stderr}")
    return json.loads(done.stdout), float(re.search(r"(\d+) tools/s", done.stderr)[1]), done.stderr.strip()


def built_pages(gate, data):
    """3,600 tools of real lists as pages: the time of a core that the program had for it, and how many pages there are."""
    with tempfile.TemporaryDirectory(prefix="callgate-eval-") as scratch:
        files, tools, turn = [], 0, 0
        paths = sorted(glob.glob(os.path.join(data, "raw", "*.json")))
        while tools < PAGES:
            with open(paths[turn % len(paths)], encoding="utf-8") as file:
                listed = json.load(file)
            kept = {**listed, "server": f"{turn:04}-{listed['server']}", "tools": listed["tools"][:PAGES - tools]}
            files.append(os.path.join(scratch, f"{turn}.json"))
            with open(files[-1], "w", encoding="utf-8") as file:
                json.dump(kept, file)
            tools, turn = tools + len(kept["tools"]), turn + 1
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        done = subprocess.run([gate, "catalogue", "build", "--out", os.path.join(scratch, "pages"), "--tools", *files], capture_output=True, text=True, check=False)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        if done.returncode != 0:
            sys.exit(f"{gate}: {done.stderr}")
        pages = sum(os.path.basename(path) != "index.html" for path in glob.glob(os.path.join(scratch, "pages", "*", "*.html")))
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, pages


def misquoted(answers, data):
    """Evidence whose text does not stand where it is said to stand, over every tool of every list."""
    definitions = {}
    for path in glob.glob(os.path.join(data, "raw", "*.json")):
        with open(path, encoding="utf-8") as file:
            listed = json.load(file)
        if not re.search(r"-\d+\.\d+\.\d+\.json$", path):
            definitions.update({(listed["server"], tool["name"]): tool for tool in listed["tools"]})
    return [(got["tool"], each) for got in answers for each in got["evidence"]
            if not stands(each, definitions.get((got["server"], got["tool"]), {}))]


def stands(evidence, definition):
    """Whether the quoted bytes are those of the value, or of the parameter's name, that the pointer names."""
    field, value, last = evidence["field"], definition, ""
    if field.startswith("sibling:"):
        value = field[len("sibling:"):].split("/")[0]
    else:
        for last in (part.replace("~1", "/").replace("~0", "~") for part in field.split("/")[1:]):
            value = value[int(last)] if isinstance(value, list) else value[last]
    whole = last if isinstance(value, (dict, list)) else value if isinstance(value, str) else json.dumps(value)
    return whole.encode()[evidence["start"]:evidence["end"]] == evidence["text"].encode()


def lint_rows(answers):
    """Rows that decide for just one tool of all lists, and have less than two examples of their own: a general rule has more."""
    with open(EXAMPLES, encoding="utf-8") as file:
        shown = collections.Counter(line.split("\t")[0] for line in file if not line.startswith("#"))
    used = collections.defaultdict(set)
    for got in answers:
        for each in got["evidence"]:
            used[each["rule"]].add((got["server"], got["tool"]))
    return sorted(rule for rule, tools in used.items() if len(tools) == 1 and "/" in rule and shown[rule] < 2 and rule != "against/verb")


def show_pages(gate, data):
    seconds, pages = built_pages(gate, data)
    print(f"  catalogue: {pages} pages of tools, each with its JSON and its rule, in {seconds:.2f} s of one core; at most {PAGES_SECONDS} are demanded")
    return seconds <= PAGES_SECONDS


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", required=True)
    parser.add_argument("--data", required=True, metavar="DIR")
    parser.add_argument("--gate", metavar="PROGRAM", help="callgate: also measures `catalogue build`")
    parser.add_argument("--bars", action="store_true", help="exit 1 when a bar is missed")
    parser.add_argument("--errors", action="store_true", help="print the wrong answers, frozen servers left out")
    parser.add_argument("--fit", metavar="FILE", help="write the shares of confidence")
    arguments = parser.parse_args()

    answers, speed, speed_text = classified(arguments.program, arguments.data)
    by_tool = {(got["server"], got["tool"]): got for got in answers}
    with open(os.path.join(arguments.data, "labels-dev.json"), encoding="utf-8") as file:
        labels = json.load(file)
    rows = [(label, by_tool[label["server"], label["tool"]]) for label in labels]
    seen = [row for row in rows if not is_frozen(row[0]["server"])]
    frozen = [row for row in rows if is_frozen(row[0]["server"])]
    if arguments.fit:
        write_shares(arguments.fit, fit(seen))

    met = show("servers that rules were written with, confidence from the other servers", held_out(seen))
    show_reliability(held_out(seen))
    frozen = [(label, with_confidence(got, fit(seen))) for label, got in frozen]
    met &= show("servers that were never looked at (the estimate to believe)", frozen)
    show_reliability(frozen)
    met &= show("all servers, confidence from the other servers", held_out(rows))
    print(f"\n  {len(answers)} tools: {speed_text}; at least {TOOLS_PER_SECOND} are demanded")
    if arguments.errors:
        show_errors(seen)
    wrong = misquoted(answers, arguments.data)
    met &= not arguments.gate or show_pages(arguments.gate, arguments.data)
    print(f"  quotations: {sum(len(got['evidence']) for got in answers)}, of which {len(wrong)} stand elsewhere {wrong[:3] if wrong else ''}")
    lonely = lint_rows(answers)
    print(f"  rules that are a memory of one tool: {', '.join(lonely) or 'none'}")
    met &= speed >= TOOLS_PER_SECOND and not lonely and not wrong
    print("\nevery bar is met" if met else "\na bar is missed")
    return 1 if arguments.bars and not met else 0


if __name__ == "__main__":
    sys.exit(main())
