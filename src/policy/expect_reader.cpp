#include "policy/expect_reader.hpp"

#include <array>
#include <optional>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "policy/values.hpp"
#include "policy/vocabulary.hpp"

namespace callgate::policy {
namespace {

constexpr std::array<std::string_view, 9> verdict_words = {"allow",        "deny",         "hide",        "require_approval", "invalid_arguments",
                                                           "rate_limited", "unknown_tool", "quarantined", "fault"};

constexpr std::string_view call_example = "write for example `{tool: NAME, arguments: {}}`";

std::shared_ptr<const json::OwnedDocument> read_arguments(const yaml::Member& member, Report& report) {
  if (!is_mapping(member.value, member.key, "write the arguments of the call, or `{}`", report)) return nullptr;
  std::vector<Error> faults;
  std::string text = yaml::to_json(member.value, report.file(), faults);
  const bool readable = faults.empty();
  report.adopt(std::move(faults));
  if (!readable) return nullptr;
  auto document = json::OwnedDocument::parse(std::move(text));
  if (!document) {
    report.fault(member.value.mark, fmt::format("no call can carry these arguments: {}", document.error().message));
    return nullptr;
  }
  return std::move(*document);
}

struct Target {
  const yaml::Member* name = nullptr;
  Action action = Action::tool_call;
};

/// The one of `tool`, `resource` and `prompt` that is there.
std::optional<Target> read_target(const yaml::Node& call, Report& report) {
  struct Row {
    std::string_view key;
    Action action;
  };
  static constexpr std::array<Row, 3> rows = {{
      {"tool", Action::tool_call}, {"resource", Action::resource_read}, {"prompt", Action::prompt_get}}};
  std::optional<Target> target;
  for (const Row& row : rows) {
    const yaml::Member* found = call.find(row.key);
    if (found == nullptr) continue;
    if (target) {
      report.fault(found->key_mark, fmt::format("`{}` beside `{}`: a call names one thing", row.key, target->name->key));
      return std::nullopt;
    }
    target = Target{found, row.action};
  }
  if (!target) report.fault(call.mark, fmt::format("`call` names nothing: {}", call_example));
  return target;
}

std::optional<Call> read_call(const yaml::Member& member, Report& report) {
  if (!is_mapping(member.value, member.key, call_example, report)) return std::nullopt;
  check_keys(member.value, Place::call, report);
  const std::optional<Target> target = read_target(member.value, report);
  if (!target) return std::nullopt;
  Call call{.action = target->action};
  auto name = read_text(*target->name, report);
  const yaml::Member* arguments = member.value.find("arguments");
  if (arguments != nullptr && call.action == Action::resource_read) {
    report.fault(arguments->key_mark, "`arguments` beside `resource`: reading a resource takes none, remove it");
    return std::nullopt;
  }
  if (arguments != nullptr) {
    call.arguments = read_arguments(*arguments, report);
    if (call.arguments == nullptr) return std::nullopt;
  }
  if (!name) return std::nullopt;
  call.name = std::move(*name);
  return call;
}

std::optional<std::string> read_pointer(const yaml::Member& member, Report& report) {
  const yaml::Node& node = member.value;
  const bool is_pointer = node.is_scalar() && (node.text.starts_with('/') || (node.text.empty() && node.quoted));
  if (is_pointer) return node.text;
  report.fault(node.mark, fmt::format("`rule` is {}: write a JSON Pointer such as `/tools/NAME`, or `\"\"` for no rule",
                                      yaml::describe(node)));
  return std::nullopt;
}

std::optional<Expectation> read_expectation(const yaml::Node& node, Report& report) {
  if (!is_mapping(node, "expect", "each entry holds `call` and `verdict`", report)) return std::nullopt;
  check_keys(node, Place::expectation, report);
  const yaml::Member* call = node.find("call");
  const yaml::Member* verdict = node.find("verdict");
  if (call == nullptr) report.fault(node.mark, fmt::format("`expect` has an entry without `call`: {}", call_example));
  if (verdict == nullptr) report.fault(node.mark, "`expect` has an entry without `verdict`: write for example `verdict: deny`");

  Expectation expectation;
  expectation.where = yaml::where(report.file(), node.mark);
  auto read = call != nullptr ? read_call(*call, report) : std::nullopt;
  const auto read_verdict = verdict != nullptr ? read_word(*verdict, verdict_words, report) : std::nullopt;
  if (const yaml::Member* rule = node.find("rule")) expectation.rule = read_pointer(*rule, report);
  if (!read || !read_verdict) return std::nullopt;
  expectation.call = std::move(*read);
  expectation.verdict = verdict_of(*read_verdict).value_or(Verdict::deny);
  return expectation;
}

}  // namespace

std::vector<Expectation> read_expectations(const yaml::Member& member, Report& report) {
  std::vector<Expectation> expectations;
  if (!member.value.is_sequence()) {
    report.fault(member.value.mark, fmt::format("`expect` is {}: write a list of entries with `call` and `verdict`",
                                                yaml::describe(member.value)));
    return expectations;
  }
  for (const yaml::Node& item : member.value.items) {
    if (auto expectation = read_expectation(item, report)) expectations.push_back(std::move(*expectation));
  }
  return expectations;
}

}  // namespace callgate::policy
