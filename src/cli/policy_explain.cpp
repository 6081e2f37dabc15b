#include "cli/policy_explain.hpp"

#include <string>

#include <fmt/format.h>

#include "base/json.hpp"
#include "policy/explain.hpp"

namespace callgate::cli {
namespace {

constexpr std::string_view explain_help = R"(callgate policy explain – which rule decides a call, and why, step by step

  callgate policy explain FILE --call JSON [--tools FILE | --server NAME] [--name NAME] [--json]

  --call JSON    {"tool": NAME, "arguments": {...}}, {"resource": URI} or {"prompt": NAME, "arguments": {...}}
  --tools FILE   a saved list of the server's tools: their own schemas are checked too, other tools are unknown
  --server NAME  that server's tools as they are pinned in the data folder, instead of --tools
  --name NAME    what the server is called: `tool.server` of conditions, where no list says it
  --config FILE  a callgate.yaml: its `trust_hints` and `classes` for that server hold
  --data DIR     the data folder (default $XDG_DATA_HOME/callgate)
  --json         for programs

Nothing is called and nothing is counted. Exit status: 0 explained, 1 the file has faults, 2 usage,
3 a file cannot be read.

Example:
  callgate policy explain valkey.yaml --call '{"tool": "valkey_write", "arguments": {"command": "DEL"}}'
)";

std::string painted_verdict(policy::Verdict verdict, Colour colour) {
  const std::string_view word = policy::word(verdict);
  if (verdict == policy::Verdict::allow) return green(word, colour);
  return verdict == policy::Verdict::require_approval ? yellow(word, colour) : red(word, colour);
}

std::string rule_line(const policy::Explanation& told, const std::string& file) {
  const std::string rule(told.decision.rule);
  if (rule.empty()) return fmt::format("none; `{}` is the one that names the call", told.deciding_rule);
  return told.line > 0 ? fmt::format("{} ({}:{})", rule, file, told.line) : rule;
}

void write_explanation(const policy::Call& call, const policy::Explanation& told, const std::string& file, Colour colour,
                std::ostream& out) {
  out << fmt::format("{}: {}\n", called(call), painted_verdict(told.decision.verdict, colour));
  out << fmt::format("  rule    {}\n  reason  {}\n\n", rule_line(told, file), told.decision.reason);
  for (const policy::Step& step : told.steps) {
    out << fmt::format("{} {} {:<21} {}\n", step.decides ? ">" : " ", step.number, step.title, step.found);
    for (const std::string& detail : step.details) out << "                          " << detail << '\n';
  }
}

std::string json_of_explanation(const policy::Policy& policy, const policy::Explanation& told, bool tools_known) {
  const policy::Decision& decision = told.decision;
  std::string steps;
  for (const policy::Step& step : told.steps) {
    std::string details;
    for (const std::string& detail : step.details) details += (details.empty() ? "" : ",") + json::quoted(detail);
    steps += fmt::format("{}{{\"step\":{},\"title\":{},\"found\":{},\"decides\":{}{}}}", steps.empty() ? "" : ",", step.number,
                         json::quoted(step.title), json::quoted(step.found), step.decides,
                         details.empty() ? "" : fmt::format(",\"details\":[{}]", details));
  }
  std::string text = fmt::format("{{\"verdict\":\"{}\",\"rule\":{},\"reason\":{},\"policy\":\"{}\",\"tools_known\":{}",
                                 policy::word(decision.verdict), json::quoted(decision.rule), json::quoted(decision.reason),
                                 policy.hash(), tools_known);
  text += fmt::format(",\"named_by\":{},\"line\":{}", json::quoted(told.deciding_rule), told.line);
  if (decision.verdict == policy::Verdict::invalid_arguments) {
    text += fmt::format(",\"argument\":{},\"keyword\":{}", json::quoted(decision.argument_path),
                        json::quoted(decision.argument_keyword));
  }
  return text + fmt::format(",\"steps\":[{}]}}\n", steps);
}

}  // namespace

Exit policy_explain(std::span<const std::string_view> args, Colour colour, std::ostream& out, std::ostream& err) {
  const auto flags = begin(args, PolicyVerb::explain, explain_help, out, err);
  if (!flags) return flags.error();
  Result<policy::Call> call = policy::parse_call(*flags->call);
  if (!call) {
    err << "callgate: `--call`: " << call.error().message << '\n';
    return Exit::usage;
  }
  call->server = flags->name.value_or("");
  const auto opened = open_policy(*flags, colour, err);
  if (!opened) return opened.error();
  const policy::ToolList* list = opened->list();
  const policy::Loaded& loaded = opened->loaded;

  const policy::Explanation told = policy::explain(*loaded.policy, *call, list);
  if (flags->json) {
    out << json_of_explanation(*loaded.policy, told, list != nullptr);
  } else {
    write_explanation(*call, told, flags->files[0], colour, out);
    if (list == nullptr) out << '\n' << without_tools_note(loaded.policy->has_classes()) << '\n';
  }
  return Exit::ok;
}

Exit policy_explain(std::span<const std::string_view> args, std::ostream& out, std::ostream& err) {
  return policy_explain(args, colour_of_terminal(), out, err);
}

}  // namespace callgate::cli
