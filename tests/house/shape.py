"""Sizes, names and words (CONTRIBUTING.md, "The house rules")."""
import re

from tree import TOP, grep, sources

BANNED_TYPE = re.compile(r"\b(?:class|struct|enum class)\s+(\w*(?:Manager|Helper|Utils?|Processor|Data|Info))\b")
UNFINISHED = re.compile(r"\b(TO" r"DO|FIX" r"ME|XX" r"X|HA" r"CK|not imple" r"mented)\b", re.I)
LONGEST = 600
TEST_SHARE = 0.5  # the floor that holds today; the aim is 0.6, and it only goes up


def everything():
    return sources("src") + sources("tests")


def files_are_short():
    """no file has more than 600 lines"""
    for source in everything():
        if len(source.lines) > LONGEST:
            yield f"{source.path}: {len(source.lines)} lines, {LONGEST} is the limit: split it along a seam that it shows"


def names_are_snake_case():
    """files are named in snake_case"""
    for source in everything():
        if not re.fullmatch(r"[a-z0-9_]+", source.path.stem):
            yield f"{source.path}: file names are snake_case"


def types_say_what_they_are():
    """no type is a Manager, Helper, Util, Processor, Data or Info"""
    for source in sources():
        for number, line in enumerate(source.code, 1):
            if match := BANNED_TYPE.search(line):
                yield f"{source.at(number)}: `{match[1]}`: a name that says nothing"


def headers_begin_with_pragma_once():
    """each header has `#pragma once` and begins with a comment that says what it is for"""
    for source in everything():
        if source.path.suffix != ".hpp":
            continue
        if "#pragma once" not in source.lines:
            yield f"{source.path}: no `#pragma once`"
        if source.path.parts[0] == "src" and not any(re.match(r"\s*(//|/\*|\*)", line) for line in source.lines[:40]):
            yield f"{source.path}: no comment that says what the header is for"


def nothing_is_left_for_later():
    """no word of unfinished work"""
    for source in everything():
        for number, line in enumerate(source.lines, 1):
            if match := UNFINISHED.search(line):
                yield f"{source.at(number)}: `{match[0]}`"


def patterns_are_linear():
    """std::regex sees nothing: it backtracks without bound; RE2 does not"""
    for source in sources():
        for number, _, file in source.includes():
            if file == "regex":
                yield f"{source.at(number)}: #include <regex>: use RE2"


def only_commands_write_to_the_terminal():
    """std::cout and std::cerr belong to main.cpp; commands are handed their streams"""
    for source, number, line in grep(r"\bstd::(cout|cerr|clog)\b|\bs?printf\s*\("):
        if source.room != "main":
            yield f"{source.at(number)}: {line}: take a std::ostream&, or log"


def nothing_runs_a_shell():
    """no system() and no popen(): a server's command is started without a shell"""
    for source, number, line in grep(r"(?<![\w.>:])(?:std::)?system\s*\(|\bpopen\s*\("):
        yield f"{source.at(number)}: {line}"


def tests_are_long_enough():
    """test lines do not fall below their floor against source lines"""
    source_lines = sum(len(source.lines) for source in sources())
    paths = [p for p in (TOP / "tests").rglob("*") if p.suffix in {".cpp", ".hpp", ".py", ".mjs"} and "node_modules" not in p.parts]
    test_lines = sum(len(path.read_text(encoding="utf-8").splitlines()) for path in paths)
    if source_lines and test_lines < TEST_SHARE * source_lines:
        yield f"{test_lines} lines of tests for {source_lines} lines of source: {test_lines / source_lines:.2f}"


def locked_packages_name_no_host():
    """package-lock.json files hold hashes and no addresses"""
    for lock in (TOP / "tests").rglob("package-lock.json"):
        if "node_modules" not in lock.parts and '"resolved"' in lock.read_text(encoding="utf-8"):
            yield f"{lock.relative_to(TOP)}: holds addresses; keep `omit-lockfile-registry-resolved=true` in .npmrc"


RULES = [files_are_short, names_are_snake_case, types_say_what_they_are, headers_begin_with_pragma_once,
         nothing_is_left_for_later, patterns_are_linear, only_commands_write_to_the_terminal, nothing_runs_a_shell,
         tests_are_long_enough, locked_packages_name_no_host]
