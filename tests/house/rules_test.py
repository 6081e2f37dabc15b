"""Each house rule is shown a small tree that breaks it, and must say so; a rule that finds nothing proves nothing."""
import pathlib
import sys
import tempfile

import layers
import permit
import protocol
import security
import shape
import together
import tree

GOOD_PERMIT = """#pragma once
/// A permit.
class Permit {
 public:
  Permit(Permit&& other) noexcept;
  Permit(const Permit&) = delete;
 private:
  friend class audit::Journal;
};
"""

# rule -> a file that breaks it, and its text
BREAKS = {
    layers.rooms_are_known: ("src/cellar/x.cpp", ""),
    layers.includes_go_down: ("src/base/x.cpp", '#include "policy/decision.hpp"\n'),
    layers.own_includes_name_their_room: ("src/base/x.cpp", '#include "x.hpp"\n'),
    layers.boost_stays_in_net: ("src/net/x.hpp", "#include <boost/beast/http.hpp>\n"),
    layers.hiredis_stays_in_net: ("src/limits/x.cpp", "#include <hiredis/hiredis.h>\n"),
    layers.sqlite_stays_in_store: ("src/cli/x.cpp", "#include <sqlite3.h>\n"),
    layers.pure_rooms_include_no_io: ("src/policy/x.cpp", "#include <fstream>\n"),
    layers.pure_rooms_ask_no_clock: ("src/schema/x.cpp", "auto t = std::chrono::steady_clock::now();\n"),
    shape.files_are_short: ("src/base/x.cpp", "int a;\n" * 601),
    shape.names_are_snake_case: ("src/base/HttpServer.cpp", ""),
    shape.types_say_what_they_are: ("src/base/x.hpp", "class SessionManager {};\n"),
    shape.headers_begin_with_pragma_once: ("src/base/x.hpp", "int a;\n"),
    shape.nothing_is_left_for_later: ("src/base/x.cpp", "// TO" "DO: later\n"),
    shape.patterns_are_linear: ("src/base/x.cpp", "#include <regex>\n"),
    shape.only_commands_write_to_the_terminal: ("src/cli/x.cpp", "std::cout << 1;\n"),
    shape.nothing_runs_a_shell: ("src/upstream/x.cpp", "system(command);\n"),
    shape.tests_are_long_enough: ("src/base/x.cpp", "int a;\n"),
    shape.locked_packages_name_no_host: ("tests/x/package-lock.json", '{"resolved": "somewhere"}'),
    permit.only_the_journal_is_a_friend: (permit.PERMIT, GOOD_PERMIT.replace("audit::Journal;", "audit::Journal;\n  friend class Other;")),
    permit.permits_are_not_copied: (permit.PERMIT, GOOD_PERMIT.replace("public:", "public:\n  explicit Permit(int id);")),
    permit.only_the_journal_makes_permits: ("src/gateway/x.cpp", 'auto p = policy::Permit{"id", kind};\n'),
    permit.one_function_spends_permits: ("src/gateway/x.cpp", "void around(policy::Permit permit, Bytes b) {\n"),
    permit.transmitting_needs_forward: ("src/gateway/x.cpp", "co_await link.transmit(out, sink);\n"),
    permit.only_upstream_reaches_servers: ("src/gateway/x.cpp", "net::HttpClient client(url);\n"),
    permit.only_wishes_are_posted: ("src/gateway/x.cpp", "auto answer = net::post_once(post);\n"),
    security.each_is_named_by_a_test: ("tests/x/x_test.cpp", "/// Security requirement" " S1: a promise.\n"),
    security.the_table_tells_the_truth: ("docs/security.md", "| S1 | a promise | `x/x_test.cpp` |\n"),
    security.the_limits_are_admitted: ("docs/limits.md", "Nothing gets by.\n"),
    protocol.each_point_has_its_row: ("docs/protocol.md", "| 1 | a point | met | `x/x_test.cpp` |\n"),
    protocol.what_is_met_is_proved: ("docs/protocol.md", "| 1 | a point | met | by construction, as everybody knows |\n"),
    protocol.no_other_number_is_named: ("tests/x/x_test.cpp", "/// Protocol items" " 3, 100-105: points.\n"),
    together.private_names_are_of_one_file: ("src/base/x.cpp", "namespace {\nbool is_word(char c) {\n}\n}  // namespace\n"),
    together.tests_have_a_namespace_each: ("tests/x/x_test.cpp", "namespace callgate::x {\n"),
}

# Text that looks like a fault and is none: comments and literals.
HARMLESS = {
    layers.pure_rooms_ask_no_clock: ("src/schema/x.cpp", "// unlike clock::now(), this is given\n"),
    shape.nothing_runs_a_shell: ("src/upstream/x.cpp", 'auto s = "system(x)"; int system_calls(int);\n'),
    protocol.no_other_number_is_named: ("src/gateway/x.cpp", "/// Protocol items" " 3, 12-14 and 104; item 105 of a list\n"),
    permit.transmitting_needs_forward: ("src/gateway/x.cpp", "/* transmit(x) is for forward alone */\n"),
    together.private_names_are_of_one_file: ("src/base/x.cpp", "namespace {\nbool word(char c) {\n  return is_word(c);\n}\n}  // namespace\nbool is_word();\n"),
    together.tests_have_a_namespace_each: ("tests/x/x_test.cpp", "namespace callgate::x::x_test {\n"),
}


def faults(rule, path, text):
    with tempfile.TemporaryDirectory() as folder:
        top = pathlib.Path(folder)
        (top / "src/base").mkdir(parents=True)
        (top / "src/base/neighbour.cpp").write_text("namespace {\nint first(int c) {\n}\nconstexpr bool is_word(int c) {\n}\n}  // namespace\n", encoding="utf-8")
        file = top / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        for module in (tree, shape, security, protocol):
            module.TOP = top
        tree.sources.cache_clear()
        return list(rule())


def main():
    passed = failed = 0
    for name, table, wanted in (("finds", BREAKS, True), ("lets pass", HARMLESS, False)):
        for rule, (path, text) in table.items():
            good = bool(faults(rule, path, text)) == wanted
            passed, failed = passed + good, failed + (not good)
            if not good:
                print(f"FAILED  `{rule.__doc__}` should have: {name} {path}: {text[:80]}")
    untested = set(layers.RULES + shape.RULES + permit.RULES + security.RULES + protocol.RULES + together.RULES) - BREAKS.keys()
    for rule in untested:
        print(f"FAILED  `{rule.__doc__}` is not shown a fault")
    print(f"{passed} passed, {failed + len(untested)} failed")
    return 1 if failed or untested else 0


if __name__ == "__main__":
    sys.exit(main())
