"""Security requirement S6: the one chain from journal to server, proved on the text of the source.

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


def one_function_spends_permits():
    """one function takes a Permit, upstream::Link::forward, and every message to a server goes through it"""
    takers = {(str(source.path), line) for source, _, line in grep(r"[(,]\s*(?:policy::)?Permit(?:&&)?\s+\w+\s*[,)]")
              if source.room != "audit" and str(source.path) != PERMIT}
    for path, line in sorted(takers):
        if path not in {"src/upstream/link.hpp", "src/upstream/link.cpp"} or "forward(" not in line:
            yield f"{path}: {line}"


def transmitting_needs_forward():
    """only Link::forward calls `transmit`; the transports define it and keep it from everybody else"""
    for source, number, line in grep(r"\btransmit\s*\("):
        path = str(source.path)
        called_by_forward = path == "src/upstream/link.cpp"
        declared = path == "src/upstream/link.hpp" and "virtual" in line
        defined = source.room == "upstream" and ("override" in line or "::transmit(" in line)
        if not (called_by_forward or declared or defined):
            yield f"{source.at(number)}: {line}"
    for source in sources():
        if source.room == "upstream" and source.path.suffix == ".hpp":
            yield from public_transmit(source)


def public_transmit(source):
    access = "private"
    for number, line in enumerate(source.code, 1):
        if match := re.match(r"\s*(public|protected|private)\s*:", line):
            access = match[1]
        if re.search(r"\btransmit\s*\(", line) and access == "public":
            yield f"{source.at(number)}: `transmit` is public"


def only_upstream_reaches_servers():
    """only net/ and upstream/ know the HTTP client and the child process, through which servers are reached"""
    for source, number, line in grep(r"\b(?:net::)?(?:HttpClient|Child)\b"):
        if source.room not in {"net", "upstream"}:
            yield f"{source.at(number)}: {line}"


def only_wishes_are_posted():
    """only the model's endpoint is posted to beside the servers, by net::post_once"""
    for source, number, line in grep(r"\bpost_once\b"):
        if source.room != "net" and source.path.name != "model_endpoint.cpp":
            yield f"{source.at(number)}: {line}"


RULES = [only_the_journal_is_a_friend, permits_are_not_copied, only_the_journal_makes_permits,
         one_function_spends_permits, transmitting_needs_forward, only_upstream_reaches_servers,
         only_wishes_are_posted]
