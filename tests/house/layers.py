"""Who may include whom. Each rule yields one line a fault: where, what, why."""
from tree import LEVELS, PURE, grep, sources

IO_HEADERS = ("fstream", "iostream", "filesystem", "thread", "mutex", "shared_mutex", "condition_variable", "future",
              "cstdio", "stdio.h", "unistd.h", "fcntl.h", "poll.h", "dirent.h", "netdb.h")


def rooms_are_known():
    """every room of src/ has a level"""
    for room in sorted({source.room for source in sources()} - LEVELS.keys()):
        yield f"src/{room}: not in the table of layers (tests/house/tree.py, ARCHITECTURE.md)"


def includes_go_down():
    """a room includes from lower layers and itself only, never sideways"""
    for source in sources():
        for number, kind, file in source.includes():
            room = file.split("/")[0]
            if kind == "<" or "/" not in file or room == source.room or room not in LEVELS:
                continue
            if LEVELS[room] >= LEVELS.get(source.room, 0):
                yield (f'{source.at(number)}: #include "{file}": {source.room} (level {LEVELS[source.room]}) '
                       f"may not include {room} (level {LEVELS[room]})")


def own_includes_name_their_room():
    """an include in quotation marks is room/file.hpp"""
    for source in sources():
        for number, kind, file in source.includes():
            if kind == '"' and file.split("/")[0] not in LEVELS:
                yield f'{source.at(number)}: #include "{file}": write it as "room/file.hpp"'


def boost_stays_in_net():
    """only net/*.cpp includes Boost"""
    for source in sources():
        for number, _, file in source.includes():
            if file.startswith("boost/") and (source.room != "net" or source.path.suffix != ".cpp"):
                yield f"{source.at(number)}: #include <{file}>: Boost is known to net/*.cpp only"


def sqlite_stays_in_store():
    """only store/ includes SQLite"""
    for source in sources():
        for number, _, file in source.includes():
            if file.startswith("sqlite3") and source.room != "store":
                yield f"{source.at(number)}: #include <{file}>: SQL is known to store/ only"


def hiredis_stays_in_net():
    """only net/*.cpp includes hiredis"""
    for source in sources():
        for number, _, file in source.includes():
            if file.startswith("hiredis/") and (source.room != "net" or source.path.suffix != ".cpp"):
                yield f"{source.at(number)}: #include <{file}>: hiredis is known to net/*.cpp only"


def pure_rooms_include_no_io():
    """mcp, schema, cel, policy, classify, catalogue and generate: no files, no threads, no sockets"""
    for source in sources():
        if source.room not in PURE:
            continue
        for number, kind, file in source.includes():
            if kind == "<" and (file in IO_HEADERS or file.startswith(("sys/", "boost/", "openssl/", "netinet/", "arpa/"))):
                yield f"{source.at(number)}: #include <{file}>: {source.room} is pure"


def pure_rooms_ask_no_clock():
    """pure rooms are told the time, they never ask for it, nor for the environment"""
    pure = [source for source in sources() if source.room in PURE]
    for source, number, line in grep(r"::now\s*\(|\bgetenv\s*\(|\bstd::time\s*\(|\brandom_device\b|\bclock_gettime\b", pure):
        yield f"{source.at(number)}: {line}: {source.room} is pure"


RULES = [rooms_are_known, includes_go_down, own_includes_name_their_room, boost_stays_in_net, sqlite_stays_in_store, hiredis_stays_in_net,
         pure_rooms_include_no_io, pure_rooms_ask_no_clock]
