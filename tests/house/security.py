"""Security requirement S32, and that all 32 requirements are named by tests (docs/security.md)."""
import re

from tree import TOP

COUNT = 32
NAMES = re.compile(r"[Ss]ecurity requirements? (S\d+(?:(?:, | and )S\d+)*)")
ROW = re.compile(r"^\| (S\d+) \|.*\|([^|]*)\|$", re.M)

# What the page on limits must not leave out, and a word that shows that it is there.
ADMITTED = {
    "a server that does more than it was asked": "postmark-mcp",
    "side effects of allowed calls": "Side effects",
    "a bad call that is allowed": "model may pick a bad call",
    "an agent with a shell": "shell under the same user",
    "that such an agent can answer its own approvals": "`admin.token`",
    "that it can change the rules": "edit the policy",
    "what to do about it": "Run the gate as another user",
}


def wanted():
    return {f"S{number}" for number in range(1, COUNT + 1)}


def named_in(path):
    """The numbers that a test names."""
    return {number for list_ in NAMES.findall(path.read_text(encoding="utf-8")) for number in re.findall(r"S\d+", list_)}


def test_files():
    files = ((TOP / "tests").rglob("*"))
    return [path for path in files if path.suffix in {".cpp", ".hpp", ".py", ".mjs"} and "node_modules" not in path.parts]


def page(name):
    path = TOP / "docs" / name
    return path.read_text(encoding="utf-8") if path.exists() else ""


def in_order(numbers):
    return sorted(numbers, key=lambda each: int(each[1:]))


def each_is_named_by_a_test():
    """each of the 32 security requirements is named by a test, and no other number is"""
    named = {number: path for path in test_files() for number in named_in(path)}
    for number in in_order(wanted() - named.keys()):
        yield f"{number}: no test says `Security requirement {number}`"
    for number in in_order(named.keys() - wanted()):
        yield f"{named[number].relative_to(TOP)}: there is no {number}"


def the_table_tells_the_truth():
    """docs/security.md has a row for each security requirement, and the tests in it name its number"""
    rows = ROW.findall(page("security.md"))
    for number in in_order(wanted() - {number for number, _ in rows}):
        yield f"docs/security.md: no row for {number}"
    for number, cell in rows:
        for name in re.findall(r"`([^`]+)`", cell):
            path = TOP / "tests" / name
            if not path.exists() or number not in named_in(path):
                yield f"docs/security.md: {number}: tests/{name} does not name it"


def the_limits_are_admitted():
    """docs/limits.md says what a policy gateway cannot stop"""
    text = " ".join(page("limits.md").split())
    for what, words in ADMITTED.items():
        if words not in text:
            yield f"docs/limits.md: leaves out {what} (`{words}`)"


RULES = [each_is_named_by_a_test, the_table_tells_the_truth, the_limits_are_admitted]
