"""The cells of the matrix: what a client did with a server, step by step, and what was expected of it."""
import world

STEPS = ["open", "list", "call", "progress", "cancel", "elicit", "sample", "watch", "changed"]
WORKS, FAILS, CANNOT, EITHER = "✓", "✗", "–", "~"
ALL = WORKS * len(STEPS)

HEAD = f"""# What works between each client and each server through the gate; matrix.py fails when it sees anything else, and
# writes this file anew with --update. A cell has a mark for each step: {", ".join(STEPS)}.
# {WORKS} works, {FAILS} does not, {CANNOT} cannot be for that client, {EITHER} sometimes works and is not held against anybody (written by hand).
"""


def patience(expected, step):
    """Seconds until a step counts as failed: short where nothing is expected to come."""
    if expected[STEPS.index(step)] in (FAILS, EITHER):
        return 4 if step == "open" else 2
    return world.LONG


def mark(cannot, line):
    if cannot:
        return CANNOT
    return WORKS if line and line["ok"] else FAILS


def line_of(row, servers, marks):
    return f"{row[0]:26} {row[1]:6} " + "  ".join(f"{marks.get(server, ' ' * len(STEPS)):13}" for server in servers).rstrip()


def table(rows, servers, seen, reasons):
    lines = [f"each cell: {' '.join(STEPS)}", f"{'client':26} {'over':6} " + "  ".join(f"{server:13}" for server in servers).rstrip()]
    lines += [line_of(row, servers, seen[row]) for row in rows]
    for client, cannot in reasons.items():
        lines += [f"{CANNOT} {client}, {step}: {why}" for step, why in cannot.items()]
    return "\n".join(lines)


def read(path, rows, servers):
    """{row: {server: marks}}; a row that is not in the file is expected to work."""
    expected = {row: {server: ALL for server in servers} for row in rows}
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else []:
        if line.startswith("#") or not line.strip():
            continue
        *client, via = line.split()[:-len(servers)]
        expected[" ".join(client), via] = dict(zip(servers, line.split()[-len(servers):]))
    return expected


def merged(expected, seen):
    """What was seen, but for what is known to be either."""
    return "".join(was if was == EITHER else is_now for was, is_now in zip(expected, seen))


def write(path, rows, servers, expected):
    path.write_text(HEAD + "\n".join(line_of(row, servers, expected[row]) for row in rows) + "\n", encoding="utf-8")


def differences(expected, seen):
    for server, marks in seen.items():
        for step, was, is_now in zip(STEPS, expected[server], marks):
            if was not in (is_now, EITHER):
                yield server, step, was, is_now
