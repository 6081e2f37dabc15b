"""Nothing is forwarded undecided: the one chain from journal to server, proved on the text of the source.

The type system does the work: a `policy::Permit` can only be made by `audit::Journal`, and the one function that
lets bytes reach a server takes one. These rules keep that chain from being widened.
"""
import re

from tree import grep, sources

PERMIT = "src/policy/permit.hpp"


def header():
    return next((source for source in sources() if str(source.path) == PERMIT), None)


def only_the_journal_is_a_friend():
    """audit::Journal is the only friend of policy::Permit"""
    if header() is None:
        return
    friends = [line.strip() for line in header().code if re.match(r"\s*friend\b", line)]
    if friends != ["friend class audit::Journal;"]:
        yield f"{PERMIT}: friends are {friends}"


def permits_are_not_copied():
    """a Permit is moved, never copied, and has no public constructor"""
    if header() is None:
        return
    code = "\n".join(header().code)
    if not re.search(r"Permit\(const Permit&\)\s*=\s*delete", code):
        yield f"{PERMIT}: the copy constructor is not deleted"
    match = re.search(r"class Permit\b.*?\{(.*?)\n\};", code, re.S)
    public = re.split(r"\bprivate:", match[1])[0] if match else ""
    for found in re.findall(r"(?<!~)\bPermit\((?!Permit&&|const Permit&)[^)]*\)", public):
        yield f"{PERMIT}: public constructor `{found}`"


def only_the_journal_makes_permits():
    """no other file constructs a Permit, nor mentions a way around its constructor"""
    for source, number, line in grep(r"\bPermit\s*[({](?!\s*(?:Permit|const Permit|policy::Permit)\b)|bit_cast<.*Permit|reinterpret_cast<.*Permit"):
        if source.room not in {"audit"} and str(source.path) != PERMIT:
            yield f"{source.at(number)}: {line}"


RULES = [only_the_journal_is_a_friend, permits_are_not_copied, only_the_journal_makes_permits]
