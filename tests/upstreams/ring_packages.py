"""The servers of field/servers.toml: the table, and each server installed in a folder of its own, one at a time.

A folder is kept as long as what the table says of it stays the same. A server that its registry does not give (no way to it, no such package or version)
is `Withheld`; whatever else goes wrong is a fault.
"""
import dataclasses
import glob
import json
import os
import pathlib
import re
import shutil
import subprocess
import tomllib

TABLE = pathlib.Path(__file__).resolve().parent / "field/servers.toml"
PACKAGES = pathlib.Path(os.environ.get("PACKAGES", "build/packages")).resolve()
RING = PACKAGES / "ring"
PATIENCE = 900.0  # seconds for one install over a slow line
NO_WAY = re.compile(r"ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|EHOSTUNREACH|ERR_SOCKET_TIMEOUT"
                    r"|error sending request|dns error|operation timed out|Connection refused|Network is unreachable")
NOT_GIVEN = re.compile(r"\bE40[134]\b|\bETARGET\b|there (?:is|are) no versions? of|was not found in the package registry|403 Forbidden|404 Not Found")


class Withheld(Exception):
    """What a registry does not give."""


class Unreachable(Withheld):
    """There is no way to the registry: the next package need not be tried."""


@dataclasses.dataclass(frozen=True)
class Server:
    name: str
    registry: str
    pins: tuple
    start: tuple
    tools: int
    env: dict
    files: dict

    @property
    def folder(self):
        return RING / self.name

    @property
    def programs(self):
        return self.folder / ("node_modules/.bin" if self.registry == "npm" else "bin")


def table():
    """(servers, the day after which nothing is taken from a registry)"""
    with open(TABLE, "rb") as file:
        content = tomllib.load(file)
    before = content.pop("published_before")
    return [read(name, entry) for name, entry in content.items()], before


def read(name, entry):
    [registry] = {"npm", "pypi"} & entry.keys()
    unknown = entry.keys() - {"npm", "pypi", "start", "env", "files", "tools"}
    pins = entry[registry] if isinstance(entry[registry], list) else [entry[registry]]
    if unknown or not re.search(r"(==|(?<!^)@)[0-9][^@=]*$", pins[0]):
        raise ValueError(f"{TABLE.name}: `{name}`: {'unknown ' + ', '.join(unknown) if unknown else 'the first package has no fixed version'}")
    return Server(name, registry, tuple(pins), tuple(entry["start"]), entry["tools"], entry.get("env", {}), entry.get("files", {}))


def node_folder():
    """Node 22 as npm gives it, so that servers start alike on every machine; else the machine's own."""
    found = glob.glob(str(PACKAGES / "eras/node_modules/node-linux-*/bin"))
    return found[0] if found else str(pathlib.Path(shutil.which("node") or "/usr/bin/node").parent)


def python():
    """Debian's own, which a virtual environment outlives version managers with."""
    return "/usr/bin/python3" if os.access("/usr/bin/python3", os.X_OK) else shutil.which("python3")


def stamp_of(server, before):
    """(the file that tells what is installed, what it tells where that is what the table pins)"""
    wanted = json.dumps([server.registry, server.pins, before, str(server.folder)])  # the folder, since programs name the interpreter beside them
    return server.folder / ".stamp", wanted


def is_installed(server, before):
    stamp, wanted = stamp_of(server, before)
    return stamp.exists() and stamp.read_text(encoding="utf-8") == wanted


def install(server, before):
    stamp, wanted = stamp_of(server, before)
    shutil.rmtree(server.folder, ignore_errors=True)
    server.folder.mkdir(parents=True)
    for command in commands(server, before):
        run(server, command)
    stamp.write_text(wanted, encoding="utf-8")


def commands(server, before):
    """Dependencies have no fixed version of their own: the day in the table holds them still."""
    if server.registry == "npm":
        return [["npm", "install", "--prefix", str(server.folder), f"--before={before}", "--no-audit", "--no-fund", "--no-package-lock", "--ignore-scripts",
                 "--fetch-retries=1", "--fetch-retry-mintimeout=1000", "--fetch-retry-maxtimeout=1000", "--fetch-timeout=60000", "--loglevel=warn", *server.pins]]
    uv = str(PACKAGES / "uv/bin/uv")
    if not os.access(uv, os.X_OK):
        raise Unreachable("PyPI cannot be reached")
    return [[uv, "venv", "--quiet", "--clear", "--python", python(), str(server.folder)],
            [uv, "pip", "install", "--quiet", "--compile-bytecode", "--python", str(server.folder / "bin/python"), "--exclude-newer", before, *server.pins]]


def run(server, command):
    env = {**os.environ, "UV_CACHE_DIR": str(RING / ".uv-cache"), "UV_PYTHON_DOWNLOADS": "never", "UV_LINK_MODE": "hardlink", "UV_NO_PROGRESS": "1"}
    log = RING / f"{server.name}.install.log"
    with open(log, "wb") as file:
        status = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=file, stderr=file, env=env, timeout=PATIENCE).returncode
    if status == 0:
        log.unlink()
        return
    said = log.read_text(encoding="utf-8", errors="replace")
    which = "npm" if server.registry == "npm" else "PyPI"
    if NO_WAY.search(said):
        raise Unreachable(f"{which} cannot be reached")
    if NOT_GIVEN.search(said):
        raise Withheld(f"{which} does not give {server.pins[0]}")
    raise RuntimeError(f"{' '.join(server.pins)} could not be installed: {' '.join(said.split())[-300:]}")
