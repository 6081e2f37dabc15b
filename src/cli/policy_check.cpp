#include "cli/policy_check.hpp"

#include <algorithm>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "base/json.hpp"

namespace callgate::cli {
namespace {

constexpr std::string_view check_help = R"(callgate policy check – every fault of a policy file, with line, column and remedy

  callgate policy check FILE... [--strict] [--tools FILE | --server NAME] [--name NAME] [--json]

  --strict       warnings count as faults
  --tools FILE   a saved list of the server's tools, {"server": NAME, "tools": [...]} or the result of
                 tools/list: also finds keys that match no tool, globs that tie, unknown arguments
  --server NAME  that server's tools as they are pinned in the data folder, instead of --tools
  --name NAME    what the server is called: `tool.server` of conditions, where no list says it
  --config FILE  a callgate.yaml: its `trust_hints` and `classes` for that server hold
  --data DIR     the data folder (default $XDG_DATA_HOME/callgate)
  --json         for programs

The file's own tests (`expect`) are run too. Exit status: 0 clean, 1 faults (with --strict also
warnings), 2 usage, 3 a file cannot be read.

Example:
  callgate policy check valkey.yaml --strict --tools valkey-tools.json
)";

/// One file, checked.
struct Checked {
  std::string file;
  std::optional<Error> unreadable;
  policy::Loaded loaded;
  std::vector<Error> failed;  ///< expectations that do not hold
  Exit exit = Exit::ok;
};

Checked check_file(const std::string& file, const PolicyFlags& flags, const policy::ToolList* tools) {
  Checked checked{.file = file};
  Result<policy::Loaded> loaded = load_policy_file(file, flags, tools);
  if (!loaded) {
    checked.unreadable = loaded.error();
    checked.exit = exit_of(loaded.error());
    return checked;
  }
  checked.loaded = std::move(*loaded);
  for (const policy::Expectation& each : checked.loaded.expectations) {
    const policy::Outcome outcome = policy::run(*checked.loaded.policy, each, tools);
    if (outcome.held) continue;
    checked.failed.push_back({ErrorKind::invalid, fmt::format("{}: {}", called(each.call), outcome.message), each.where});
  }
  const bool faulty = !checked.loaded.faults.empty() || !checked.failed.empty();
  if (faulty || (flags.strict && !checked.loaded.warnings.empty())) checked.exit = Exit::refused;
  return checked;
}

void write_checked(const Checked& checked, Colour colour, std::ostream& out, std::ostream& err) {
  if (checked.unreadable) {
    err << "callgate: " << checked.unreadable->message << '\n';
    return;
  }
  write_findings(err, checked.loaded, colour);
  for (const Error& failed : checked.failed) {
    err << failed.where << ": " << red("expectation failed", colour) << ": " << failed.message << '\n';
  }
  if (checked.exit != Exit::ok) {
    err << checked.file << ": " << red("refused", colour) << '\n';
    return;
  }
  const std::size_t rules = checked.loaded.policy->rule_count();
  const std::size_t tests = checked.loaded.expectations.size();
  out << fmt::format("{}: {}, {} rule{}", checked.file, green("ok", colour), rules, rules == 1 ? "" : "s");
  if (tests > 0) out << fmt::format(", {} expectation{}", tests, tests == 1 ? " holds" : "s hold");
  if (!checked.loaded.warnings.empty()) out << ", " << checked.loaded.warnings.size() << " to look at";
  out << '\n';
}

std::string json_of_checked(const Checked& checked) {
  std::string text = fmt::format("{{\"file\":{},\"ok\":{}", json::quoted(checked.file), checked.exit == Exit::ok);
  if (checked.unreadable) return text + fmt::format(",\"error\":{}}}", json::quoted(checked.unreadable->message));
  if (checked.loaded.policy != nullptr) {
    text += fmt::format(",\"policy\":\"{}\",\"rules\":{},\"expectations\":{}", checked.loaded.policy->hash(),
                        checked.loaded.policy->rule_count(), checked.loaded.expectations.size());
  }
  return text + fmt::format(",\"faults\":{},\"warnings\":{},\"failed\":{}}}", findings_json(checked.loaded.faults),
                            findings_json(checked.loaded.warnings), findings_json(checked.failed));
}

}  // namespace

Exit policy_check(std::span<const std::string_view> args, Colour colour, std::ostream& out, std::ostream& err) {
  const auto flags = begin(args, PolicyVerb::check, check_help, out, err);
  if (!flags) return flags.error();
  const auto tools = open_tools(*flags, err);
  if (!tools) return tools.error();
  const policy::ToolList* list = *tools ? &**tools : nullptr;
  Exit worst = Exit::ok;
  std::string json;
  bool has_classes = false;
  for (const std::string& file : flags->files) {
    const Checked checked = check_file(file, *flags, list);
    worst = std::max(worst, checked.exit);
    has_classes = has_classes || (checked.loaded.policy && checked.loaded.policy->has_classes());
    if (flags->json) {
      json += (json.empty() ? "" : ",") + json_of_checked(checked);
    } else {
      write_checked(checked, colour, out, err);
    }
  }
  if (flags->json) {
    out << fmt::format("{{\"tools_known\":{},\"files\":[{}]}}\n", list != nullptr, json);
  } else if (list == nullptr) {
    out << without_tools_note(has_classes) << '\n';
  }
  return worst;
}

Exit policy_check(std::span<const std::string_view> args, std::ostream& out, std::ostream& err) {
  return policy_check(args, colour_of_terminal(), out, err);
}

}  // namespace callgate::cli
