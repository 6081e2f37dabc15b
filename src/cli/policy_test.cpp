#include "cli/policy_test.hpp"

#include <string>
#include <vector>

#include <fmt/format.h>

#include "base/json.hpp"

namespace callgate::cli {
namespace {

constexpr std::string_view test_help = R"(callgate policy test – run the tests that a policy carries in `expect`

  callgate policy test FILE [--tools FILE | --server NAME] [--name NAME] [--json]

  --tools FILE   a saved list of the server's tools: their own schemas are checked too, other tools are unknown
  --server NAME  that server's tools as they are pinned in the data folder, instead of --tools
  --name NAME    what the server is called: `tool.server` of conditions, where no list says it
  --config FILE  a callgate.yaml: its `trust_hints` and `classes` for that server hold
  --data DIR     the data folder (default $XDG_DATA_HOME/callgate)
  --json         for programs

Exit status: 0 all hold, 1 one does not or the file has faults, 2 usage, 3 a file cannot be read.

Example:
  callgate policy test valkey.yaml
)";

struct TestRun {
  const policy::Expectation& expectation;
  policy::Outcome outcome;
};

std::size_t failures(const std::vector<TestRun>& runs) {
  std::size_t count = 0;
  for (const TestRun& run : runs) count += run.outcome.held ? 0 : 1;
  return count;
}

void write_runs(const std::string& file, const std::vector<TestRun>& runs, Colour colour, std::ostream& out) {
  for (const TestRun& run : runs) {
    const policy::Decision& decision = run.outcome.decision;
    if (run.outcome.held) {
      out << fmt::format("{} {} {}: `{}`\n", green("ok  ", colour), run.expectation.where, called(run.expectation.call),
                         policy::word(decision.verdict));
    } else {
      out << fmt::format("{} {} {}: {}\n", red("FAIL", colour), run.expectation.where, called(run.expectation.call),
                         run.outcome.message);
    }
  }
  if (runs.empty()) {
    out << file << ": nothing to test, the policy has no `expect`\n";
  } else {
    out << fmt::format("{}: {} of {} expectations hold\n", file, runs.size() - failures(runs), runs.size());
  }
}

std::string json_of_runs(const std::string& file, const policy::Policy& policy, const std::vector<TestRun>& runs, bool tools_known) {
  std::string list;
  for (const TestRun& run : runs) {
    const policy::Decision& decision = run.outcome.decision;
    list += fmt::format("{}{{\"where\":{},\"call\":{},\"held\":{},\"expected\":\"{}\",\"verdict\":\"{}\",\"rule\":{},\"reason\":{}}}",
                        list.empty() ? "" : ",", json::quoted(run.expectation.where), json::quoted(called(run.expectation.call)),
                        run.outcome.held, policy::word(run.expectation.verdict), policy::word(decision.verdict),
                        json::quoted(decision.rule), json::quoted(decision.reason));
  }
  return fmt::format("{{\"file\":{},\"policy\":\"{}\",\"tools_known\":{},\"failed\":{},\"expectations\":[{}]}}\n", json::quoted(file),
                     policy.hash(), tools_known, failures(runs), list);
}

}  // namespace

Exit policy_test(std::span<const std::string_view> args, Colour colour, std::ostream& out, std::ostream& err) {
  const auto flags = begin(args, PolicyVerb::test, test_help, out, err);
  if (!flags) return flags.error();
  const auto opened = open_policy(*flags, colour, err);
  if (!opened) return opened.error();
  const policy::ToolList* list = opened->list();
  const policy::Loaded& loaded = opened->loaded;

  std::vector<TestRun> runs;
  for (const policy::Expectation& each : loaded.expectations)
    runs.push_back({each, policy::run(*loaded.policy, each, list)});
  if (flags->json) {
    out << json_of_runs(flags->files[0], *loaded.policy, runs, list != nullptr);
  } else {
    write_runs(flags->files[0], runs, colour, out);
    if (list == nullptr && !runs.empty()) out << without_tools_note(loaded.policy->has_classes()) << '\n';
  }
  return failures(runs) == 0 ? Exit::ok : Exit::refused;
}

Exit policy_test(std::span<const std::string_view> args, std::ostream& out, std::ostream& err) {
  return policy_test(args, colour_of_terminal(), out, err);
}

}  // namespace callgate::cli
