"""Files of a room are compiled together (cmake/rooms.cmake): what each keeps to itself has to be one file's alone."""
import collections
import re

from tree import sources

OPENS = re.compile(r"namespace \{")
ALIAS = re.compile(r"(?:using|namespace) (\w+) = ")
BORROWED = re.compile(r"using (?:\w+::)+(\w+);")
TYPE = re.compile(r"(?:struct|class|union|enum class|enum|concept) (\w+)")
FUNCTION = re.compile(r"[^=({]*?(?<![\w:])(\w+)\(")
VARIABLE = re.compile(r"[^=({\[]*?\b(\w+)\s*(?:[={\[;]|$)")


def private_names(source):
    """(name, its line, line number) of what stands in an unnamed namespace or is `static`, and of what is borrowed for one file."""
    depth = 0  # of braces, from that of the unnamed namespace
    for number, line in enumerate(source.code, 1):
        inside, before = depth == 1, depth
        if depth or OPENS.match(line):
            depth += line.count("{") - line.count("}")
        if before > 1 or not re.match(r"[A-Za-z_[]", line) or OPENS.match(line):
            continue
        line = re.sub(r"^template <.*?> ?|\[\[\w+\]\] |^__attribute__\(\(.*?\)\) ", "", line).strip()
        name = next((m[1] for m in (ALIAS.match(line), BORROWED.match(line)) if m), None)
        if name is None and (inside or line.startswith("static ")):
            name = next((m[1] for m in (TYPE.match(line), FUNCTION.match(line), VARIABLE.match(line)) if m), None)
        if name is not None:
            yield name, line, number


def private_names_are_of_one_file():
    """no two files of a room keep things of the same name to themselves"""
    rooms = collections.defaultdict(dict)
    for source in sources():
        if source.path.suffix != ".cpp" or source.room == "main":
            continue
        for name, line, number in private_names(source):
            other, first = rooms[source.room].setdefault(name, (source, line))
            borrowed = (ALIAS.match(line) or BORROWED.match(line)) and line == first
            if other is not source and not borrowed:
                yield f"{source.at(number)}: `{name}` is in {other.path.name} too: call one by another name, or share it"


def tests_have_a_namespace_each():
    """each test file has a namespace of its own, called after the file"""
    for source in sources("tests"):
        if not source.path.name.endswith("_test.cpp"):
            continue
        for number, line in enumerate(source.code, 1):
            if (match := re.match(r"namespace (callgate[\w:]*) \{", line)) and not match[1].endswith(f"::{source.path.stem}"):
                yield f"{source.at(number)}: `{match[1]}`: say `{match[1]}::{source.path.stem}`"


RULES = [private_names_are_of_one_file, tests_have_a_namespace_each]
