"""That docs/protocol.md tells the truth: a row for each of the 104 points of the protocol, and tests behind what is met."""
import re

from security import page, test_files
from tree import TOP

COUNT = 104
NUMBER = r"\d+(?:-\d+)?"
NAMES = re.compile(rf"[Pp]rotocol items? ({NUMBER}(?:(?:, | and ){NUMBER})*)")
ROW = re.compile(r"^\| (\d+) \| ([^|]+) \| (met|in part|not met|not ours) \| ([^|]+) \|$", re.M)
TEST = re.compile(r"`([\w/]+\.(?:cpp|py|mjs))(?:: (\w+))?`")


def numbers(text):
    """The numbers that a text names as items of the protocol; `3-5` names three."""
    for list_ in NAMES.findall(text):
        for each in re.findall(NUMBER, list_):
            first, _, last = each.partition("-")
            yield from range(int(first), int(last or first) + 1)


def named_in(path):
    return set(numbers(path.read_text(encoding="utf-8")))


def rows():
    return [(int(number), state, cell) for number, _, state, cell in ROW.findall(page("protocol.md"))]


def each_point_has_its_row():
    """docs/protocol.md has one row for each of the 104 points of the protocol, and a state that it knows"""
    found = [number for number, _, _ in rows()]
    for number in range(1, COUNT + 1):
        if found.count(number) != 1:
            yield f"docs/protocol.md: {found.count(number)} rows that can be read for {number}"
    for number in sorted(set(found)):
        if not 1 <= number <= COUNT:
            yield f"docs/protocol.md: there is no {number}"


def what_is_met_is_proved():
    """a point that docs/protocol.md says is met has a test that names it; what is not has a reason and no such test"""
    named = set().union(*(named_in(path) for path in test_files()))
    for number, state, cell in rows():
        tests = TEST.findall(cell)
        for name, part in tests:
            path = TOP / "tests" / name
            if not path.exists() or number not in named_in(path):
                yield f"docs/protocol.md: {number}: tests/{name} does not say `protocol item {number}`"
            elif part and not re.search(rf"\b{part}\b", path.read_text(encoding="utf-8")):
                yield f"docs/protocol.md: {number}: tests/{name} has no `{part}`"
        if state == "met" and not tests:
            yield f"docs/protocol.md: {number} is met, and no test is named"
        if state != "met" and len(TEST.sub("", cell).strip(" ,.")) < 10:
            yield f"docs/protocol.md: {number} is {state}, and nothing says why"
        if state == "not met" and number in named:
            yield f"docs/protocol.md: {number} is not met, and a test names it: is it met by now?"


def no_other_number_is_named():
    """no test and no source names an item of the protocol beyond the 104"""
    sources = [path for path in (TOP / "src").rglob("*") if path.suffix in {".cpp", ".hpp"}]
    for path in test_files() + sources:
        for number in sorted(named_in(path)):
            if not 1 <= number <= COUNT:
                yield f"{path.relative_to(TOP)}: there is no protocol item of number {number}"


RULES = [each_point_has_its_row, what_is_met_is_proved, no_other_number_is_named]
