#include "cli/policy_diff.hpp"

#include <algorithm>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "base/json.hpp"
#include "config/text_file.hpp"
#include "policy/difference.hpp"

namespace callgate::cli {
namespace {

constexpr std::string_view help = R"(callgate policy diff – the kinds of call that two policies judge otherwise

  callgate policy diff OLD NEW [--tools FILE | --server NAME] [--name NAME] [--json]

  --tools FILE   a saved list of the server's tools: each of them is looked at, and rules by class are
                 held against what they are; without it the tools that either policy names
  --server NAME  that server's tools as they are pinned in the data folder, instead of --tools
  --name NAME    what the server is called: `tool.server` of conditions, where no list says it
  --config FILE  a callgate.yaml: its `trust_hints` and `classes` for that server hold
  --data DIR     the data folder (default $XDG_DATA_HOME/callgate)
  --json         for programs

For each tool, resource and prompt the most that a call of it gets is told where it differs, and the keys of
the rule that do where it does not; then the calls of both policies' tests that are judged otherwise. One
refusal in the place of another is no difference, and neither is a reason.
Exit status: 0 none, 1 some or a file has faults, 2 usage, 3 a file cannot be read.

Example:
  callgate policy diff valkey.yaml stricter.yaml --server valkey
)";

/// One of the two files, read.
struct Version {
  std::string text;
  policy::Loaded loaded;
};

std::expected<Version, Exit> open(const std::string& file, const PolicyFlags& flags, const policy::ToolList* tools, Colour colour, std::ostream& err) {
  auto text = config::read_text(file, config::Writers::owner_only);
  if (!text) {
    err << "callgate: " << text.error().message << '\n';
    return std::unexpected(exit_of(text.error()));
  }
  Version version{.text = std::move(*text), .loaded = {}};
  version.loaded = load_policy_text(version.text, file, flags, tools);
  version.loaded.warnings.clear();  // `policy check` tells them
  write_findings(err, version.loaded, colour);
  if (version.loaded.policy == nullptr) return std::unexpected(Exit::refused);
  return version;
}

std::string painted_change(const policy::Difference& each, std::string_view text, Colour colour) {
  if (each.loosens()) return yellow(text, colour);
  return each.tightens() ? green(text, colour) : std::string(text);
}

std::string change_line(const policy::Difference& each, Colour colour) {
  std::string line = each.what;
  if (!each.call.empty()) line += " " + each.call;
  if (each.parts.empty()) {
    line += ": " + painted_change(each, fmt::format("`{}` -> `{}`", policy::word(each.before), policy::word(each.after)), colour);
  } else {
    line += fmt::format(": `{}` as before, under other conditions: {}", policy::word(each.after), fmt::join(each.parts, ", "));
  }
  return each.where.empty() ? line : line + fmt::format("  (test at {})", each.where);
}

std::string json_of(const policy::Difference& each) {
  std::string parts;
  for (const std::string& part : each.parts) parts += (parts.empty() ? "" : ",") + json::quoted(part);
  return fmt::format("{{\"what\":{},\"arguments\":{},\"before\":\"{}\",\"after\":\"{}\",\"conditions\":[{}]{}}}", json::quoted(each.what),
                     each.call.empty() ? "null" : each.call, policy::word(each.before), policy::word(each.after), parts,
                     each.where.empty() ? "" : fmt::format(",\"test\":{}", json::quoted(each.where)));
}

void write_text(const std::vector<policy::Difference>& all, Colour colour, std::ostream& out) {
  for (const policy::Difference& each : all) out << change_line(each, colour) << '\n';
  const auto looser = std::ranges::count_if(all, &policy::Difference::loosens);
  const auto tighter = std::ranges::count_if(all, &policy::Difference::tightens);
  if (all.empty()) {
    out << "no kind of call is judged otherwise\n";
  } else {
    out << fmt::format("{} loosened, {} tightened, {} under other conditions\n", looser, tighter, std::ssize(all) - looser - tighter);
  }
}

}  // namespace

Exit policy_diff(std::span<const std::string_view> args, Colour colour, std::ostream& out, std::ostream& err) {
  const auto flags = begin(args, PolicyVerb::diff, help, out, err);
  if (!flags) return flags.error();
  const auto tools = open_tools(*flags, err);
  if (!tools) return tools.error();
  const policy::ToolList* list = *tools ? &**tools : nullptr;
  const auto before = open(flags->files[0], *flags, list, colour, err);
  const auto after = open(flags->files[1], *flags, list, colour, err);
  if (!before || !after) return std::max(before ? Exit::ok : before.error(), after ? Exit::ok : after.error());
  const auto all = policy::differences({before->text, before->loaded}, {after->text, after->loaded}, list);
  if (flags->json) {
    std::string text;
    for (const policy::Difference& each : all) text += (text.empty() ? "" : ",") + json_of(each);
    out << fmt::format("{{\"before\":\"{}\",\"after\":\"{}\",\"tools_known\":{},\"differences\":[{}]}}\n", before->loaded.policy->hash(),
                       after->loaded.policy->hash(), list != nullptr, text);
  } else {
    write_text(all, colour, out);
    if (list == nullptr) out << without_tools_note(before->loaded.policy->has_classes() || after->loaded.policy->has_classes()) << '\n';
  }
  return all.empty() ? Exit::ok : Exit::refused;
}

Exit policy_diff(std::span<const std::string_view> args, std::ostream& out, std::ostream& err) {
  return policy_diff(args, colour_of_terminal(), out, err);
}

}  // namespace callgate::cli
