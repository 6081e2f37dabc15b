#include "policy/case_reader.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>

#include <fmt/format.h>

#include "base/sha256.hpp"
#include "policy/expression_place.hpp"
#include "policy/limit_reader.hpp"
#include "policy/sentence.hpp"
#include "policy/values.hpp"
#include "policy/vocabulary.hpp"

namespace callgate::policy {
namespace {

constexpr std::array<std::string_view, 3> case_actions = {"allow", "deny", "require_approval"};
constexpr std::chrono::seconds longest_timeout = std::chrono::days(30);
constexpr std::string_view case_example = "write for example `{when: args.amount > 500, action: require_approval}`";

class CaseReader {
 public:
  CaseReader(const Rule& rule, CasesOf of, Report& report) : rule_(rule), of_(of), report_(report) {}

  void read(const yaml::Node& node, std::size_t number) {
    if (!is_mapping(node, "cases", case_example, report_)) return;
    check_keys(node, Place::rule_case, report_);
    auto when = read_when(node);
    const auto action = read_action(node);
    if (!when || !action) return;
    Case made(std::move(*when));
    made.reads_tool = reads_tool(made.when);
    made.mark = node.mark;
    made.action = *action;
    made.pointer = fmt::format("{}/cases/{}", rule_.pointer, number);
    read_parts(node, made);
    warn(node, made);
    complete(made);
    Asked& asked = asked_.try_emplace(made.when.normal(), Asked{made.mark.line, 0}).first->second;
    ++asked.times;
    cases_.push_back(std::move(made));
  }

  std::vector<Case> take() { return std::move(cases_); }

 private:
  std::optional<cel::Expression> read_when(const yaml::Node& node);
  std::optional<Verdict> read_action(const yaml::Node& node);
  void read_parts(const yaml::Node& node, Case& made);
  void read_case_limits(const yaml::Member& member, Case& made);
  void warn(const yaml::Node& node, const Case& made);
  void complete(Case& made);
  void say(const yaml::Node& scalar, const cel::Notice& notice) {
    report_.fault(place_in_scalar(report_.text(), scalar, notice.at), notice.message, notice.kind);
  }

  const Rule& rule_;
  CasesOf of_;
  Report& report_;
  struct Asked {
    std::uint32_t line = 0;  ///< of the first case with this condition
    std::size_t times = 0;
  };
  std::vector<Case> cases_;
  std::unordered_map<std::string, Asked> asked_;  ///< by the normal form of conditions
  std::optional<std::uint32_t> always_;  ///< line of a case that is always true
};

std::optional<cel::Expression> CaseReader::read_when(const yaml::Node& node) {
  const yaml::Member* when = node.find("when");
  if (when == nullptr) {
    report_.fault(node.mark, fmt::format("this case has no `when`: {}", case_example));
    return std::nullopt;
  }
  const yaml::Node& value = when->value;
  if (!value.is_scalar() || value.text.empty()) {
    report_.fault(value.mark, fmt::format("`when` is {}: write a condition, such as `args.amount > 500`, in quotes where it begins with `!`, `[`, `{{` or a quote",
                                          yaml::describe(value)));
    return std::nullopt;
  }
  auto expression = cel::Expression::parse(value.text, case_scope());
  if (!expression) {
    say(value, expression.error());
    return std::nullopt;
  }
  const cel::Findings findings = expression->check(case_scope());
  for (const cel::Notice& each : findings.faults) say(value, each);
  if (!findings.faults.empty()) return std::nullopt;
  return std::move(*expression);
}

std::optional<Verdict> CaseReader::read_action(const yaml::Node& node) {
  const yaml::Member* action = node.find("action");
  if (action == nullptr) {
    report_.fault(node.mark, "this case has no `action`: write `allow`, `deny` or `require_approval`");
    return std::nullopt;
  }
  if (action->value.is_scalar() && action->value.text == "hide") {
    report_.fault(action->value.mark, "a case cannot hide: whether a tool is listed is not decided by the arguments of a call, write `deny`, or `hide` as the "
                                      "action of the rule");
    return std::nullopt;
  }
  const auto read = read_word(*action, case_actions, report_);
  return read ? verdict_of(*read) : std::nullopt;
}

void CaseReader::read_parts(const yaml::Node& node, Case& made) {
  if (const yaml::Member* member = node.find("reason")) {
    if (auto reason = read_sentence(*member, report_)) {
      made.reason = std::move(*reason);
      made.has_author_reason = true;
    }
  }
  if (const yaml::Member* member = node.find("rate_limit")) read_case_limits(*member, made);
  if (const yaml::Member* member = node.find("approval")) made.approval = read_approval(*member, report_);
}

/// Counters follow the condition, not the case's number: one that is put before
/// it takes nobody's counts.
void CaseReader::read_case_limits(const yaml::Member& member, Case& made) {
  const auto same = asked_.find(made.when.normal());
  const std::string id = fmt::format("{}/cases {} {}", rule_.pointer, sha256_hex(made.when.normal()).substr(0, 16),
                                     same == asked_.end() ? 0 : same->second.times);
  made.limits = read_limits(member, id, report_);
  for (RateLimit& limit : made.limits) limit.pointer = made.pointer + limit.pointer.substr(id.size());
}

void CaseReader::warn(const yaml::Node& node, const Case& made) {
  const auto without_effect = [&](std::string_view key) {
    if (const yaml::Member* member = node.find(key)) {
      report_.warn(member->key_mark, fmt::format("`{}` has no effect: the action of this case is `{}`", key, word(made.action)));
    }
  };
  if (made.action == Verdict::deny) without_effect("rate_limit");
  if (made.action != Verdict::require_approval) without_effect("approval");

  const yaml::Mark place = node.find("when")->value.mark;
  if (always_) return report_.warn(place, fmt::format("this case never decides: the one on line {} is always true", *always_));
  const auto same = asked_.find(made.when.normal());
  if (same != asked_.end()) return report_.warn(place, fmt::format("this case never decides: the one on line {} asks the same", same->second.line));
  const auto always = made.when.always();
  if (always == false) report_.warn(place, "this case never decides: its condition is never true");
  if (always == true) always_ = node.mark.line;
}

void CaseReader::complete(Case& made) {
  if (!made.has_author_reason) made.reason = case_sentence(made.action);
  for (const RateLimit& limit : made.limits) made.limit_list.push_back(&limit);
  if (of_ == CasesOf::rule) made.limit_list.insert(made.limit_list.end(), rule_.limit_list.begin(), rule_.limit_list.end());
  if (made.action != Verdict::require_approval) {
    made.approval.reset();
  } else if (!made.approval) {
    made.approval = rule_.approval.value_or(ApprovalRule{});
  }
}

}  // namespace

std::optional<ApprovalRule> read_approval(const yaml::Member& member, Report& report) {
  if (!is_mapping(member.value, member.key, "write for example `{timeout: 15m}`", report)) return std::nullopt;
  check_keys(member.value, Place::approval, report);
  if (member.value.members.empty()) report.fault(member.value.mark, "`approval` is empty: write `timeout` or `self`, or leave it out");
  ApprovalRule approval;
  if (const yaml::Member* timeout = member.value.find("timeout")) {
    const auto seconds = read_duration(*timeout, longest_timeout, report);
    if (!seconds) return std::nullopt;
    approval.timeout = *seconds;
  }
  if (const yaml::Member* self = member.value.find("self")) approval.self = read_boolean(*self, report).value_or(false);
  return approval;
}

std::string cases_text(const std::vector<Case>& cases) {
  std::string text;
  for (const Case& each : cases) {
    text += fmt::format("when={}\naction={}\ntimeout={}\nreason={}\n", each.when.normal(), word(each.action),
                        each.approval ? each.approval->timeout.count() : 0, each.has_author_reason ? each.reason : "");
    if (each.approval && each.approval->self) text += "self=true\n";
    std::vector<std::string_view> limits;
    for (const RateLimit& limit : each.limits) limits.push_back(limit.id);
    std::ranges::sort(limits);
    for (const std::string_view limit : limits) text += fmt::format("limit={}\n", limit);
  }
  return text;
}

std::vector<Case> read_cases(const yaml::Member& member, const Rule& rule, CasesOf of, Report& report) {
  const yaml::Node& node = member.value;
  if (!node.is_sequence() || node.items.empty()) {
    report.fault(node.mark, fmt::format("`cases` is {}: it is a list, {}", node.is_sequence() ? "an empty list" : yaml::describe(node), case_example));
    return {};
  }
  CaseReader reader(rule, of, report);
  for (std::size_t i = 0; i < node.items.size(); ++i) reader.read(node.items[i], i);
  return reader.take();
}

}  // namespace callgate::policy
