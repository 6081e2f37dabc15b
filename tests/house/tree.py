"""The source tree as the house rules see it: files, their rooms, their lines without comments and strings."""
import functools
import pathlib
import re

TOP = pathlib.Path(__file__).resolve().parents[2]

# Level of each room (ARCHITECTURE.md, "Layers"): includes go to lower levels and to the room itself.
LEVELS = {
    "main": 9, "cli": 8, "admin": 7, "aggregate": 7, "gateway": 6, "catalogue": 6,
    "upstream": 5, "approval": 5, "limits": 5, "audit": 5, "generate": 5,
    "policy": 4, "registry": 4, "session": 3, "classify": 3,
    "mcp": 2, "schema": 2, "cel": 2, "config": 2, "store": 2, "net": 2, "base": 1,
}
PURE = {"mcp", "schema", "cel", "policy", "classify", "catalogue", "generate"}

NOISE = re.compile(
    r'//[^\n]*|/\*.*?\*/|R"(?P<tag>[^(\s]*)\(.*?\)(?P=tag)"|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])+\'', re.S)
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')


class Source:
    """One C++ file: path from the top, room, text, and the code alone (same line numbers)."""

    def __init__(self, path):
        self.path = path.relative_to(TOP)
        self.room = self.path.parts[1] if len(self.path.parts) > 2 else "main"
        self.text = path.read_text(encoding="utf-8")
        self.lines = self.text.splitlines()

    @functools.cached_property
    def code(self):
        """Lines with comments and literals blanked; an `#include` keeps its file name."""
        def blank(match):
            line_start = self.text.rfind("\n", 0, match.start()) + 1
            if self.text[line_start:match.start()].lstrip().startswith("#"):
                return match.group() if match.group().startswith('"') else ""
            if match.group().startswith("'") and match.start() and self.text[match.start() - 1].isdigit():
                return match.group()  # a digit separator, as in 1'000'000
            return "\n" * match.group().count("\n") + ('""' if match.group()[0] in "\"R" else "")
        return NOISE.sub(blank, self.text).split("\n")

    def includes(self):
        """(line number, '<' or '\"', file) of each include."""
        for number, line in enumerate(self.lines, 1):
            if match := INCLUDE.match(line):
                yield number, match[1], match[2]

    def at(self, number):
        return f"{self.path}:{number}"


@functools.cache
def sources(folder="src"):
    found = sorted(p for p in (TOP / folder).rglob("*") if p.suffix in {".cpp", ".hpp"})
    return tuple(Source(path) for path in found)


def grep(pattern, among=None):
    """(source, line number, line) wherever the code, not a comment or literal, matches."""
    wanted = re.compile(pattern)
    for source in sources() if among is None else among:
        for number, line in enumerate(source.code, 1):
            if wanted.search(line):
                yield source, number, line.strip()
