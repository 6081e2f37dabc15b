"""How the program was built (security requirement S30), read from the program itself with readelf.

CALLGATE=build/release/callgate python3 tests/upstreams/hardening_test.py
"""
import os
import pathlib
import re
import shutil
import subprocess
import unittest

import world

TOP = world.HERE.parents[1]


def readelf(*options):
    return subprocess.run(["readelf", "--wide", *options, world.gate_binary()], check=True, capture_output=True, text=True).stdout


def segments():
    """(type, flags) of each program header, flags as in `R E`."""
    rows = (line.split() for line in readelf("--program-headers").splitlines())
    return [(row[0], "".join(row[6:-1])) for row in rows if len(row) > 7 and row[1].startswith("0x")]


def imported():
    """The names of the functions that come from shared libraries, without their versions."""
    return {name for name in re.findall(r"UND (\w+)", readelf("--dyn-syms"))}


def build_type():
    cache = pathlib.Path(world.gate_binary()).parent / "CMakeCache.txt"
    found = re.search(r"^CMAKE_BUILD_TYPE:\w+=(\w+)", cache.read_text(encoding="utf-8"), re.M) if cache.exists() else None
    return found[1] if found else ""


@unittest.skipUnless(shutil.which("readelf"), "readelf is not installed")
class The_program(unittest.TestCase):
    """Security requirement S30: what makes a mistake in memory harder to use."""

    def test_is_position_independent(self):
        self.assertRegex(readelf("--file-header"), r"Type:\s+DYN ")
        self.assertIn("INTERP", [kind for kind, _ in segments()])
        self.assertRegex(readelf("--dynamic"), r"FLAGS_1.*\bPIE\b")

    def test_has_its_tables_of_addresses_read_only_from_the_start(self):
        self.assertIn("GNU_RELRO", [kind for kind, _ in segments()])
        self.assertRegex(readelf("--dynamic"), r"FLAGS.*\bBIND_NOW\b")

    def test_has_no_memory_that_is_written_and_run(self):
        flags = segments()
        self.assertEqual([(kind, each) for kind, each in flags if "W" in each and "E" in each], [])
        self.assertIn("GNU_STACK", [kind for kind, _ in flags], "without it the stack may be run")
        self.assertIn(("LOAD", "RE"), flags, "the reading of the table works")

    def test_watches_its_stack(self):
        self.assertIn("__stack_chk_fail", imported())

    def test_looks_for_libraries_nowhere_but_in_the_system(self):
        self.assertNotRegex(readelf("--dynamic"), r"\((RPATH|RUNPATH)\)")

    def test_of_a_release_checks_lengths_in_libc(self):
        if build_type() == "Release":
            self.assertTrue({name for name in imported() if name.endswith("_chk")}, "built without _FORTIFY_SOURCE")
        rules = (TOP / "cmake/rooms.cmake").read_text(encoding="utf-8")
        self.assertIn("$<$<NOT:$<CONFIG:Debug>>:_FORTIFY_SOURCE=2>", rules)


class The_service(unittest.TestCase):
    """Security requirement S30: the unit for systemd runs it without rights."""

    def test_has_no_rights_that_it_does_not_need(self):
        unit = (TOP / "examples/callgate.service").read_text(encoding="utf-8").splitlines()
        for line in ("DynamicUser=yes", "CapabilityBoundingSet=", "AmbientCapabilities=", "NoNewPrivileges=yes", "ProtectSystem=strict", "ProtectHome=yes",
                     "PrivateTmp=yes", "PrivateDevices=yes", "RestrictSUIDSGID=yes", "SystemCallFilter=@system-service", "StateDirectoryMode=0700"):
            self.assertIn(line, unit)
        self.assertEqual([line for line in unit if line.startswith("User=root")], [])


if __name__ == "__main__":
    if os.environ.get("CALLGATE"):
        os.environ["CALLGATE"] = os.path.abspath(os.environ["CALLGATE"])
    world.main()
