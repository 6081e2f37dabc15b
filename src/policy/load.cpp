#include "policy/load.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "base/sha256.hpp"
#include "base/yaml.hpp"
#include "policy/case_reader.hpp"
#include "policy/expect_reader.hpp"
#include "policy/limit_reader.hpp"
#include "policy/lint.hpp"
#include "policy/lint_everywhere.hpp"
#include "policy/program.hpp"
#include "policy/report.hpp"
#include "policy/rule_reader.hpp"
#include "policy/sentence.hpp"
#include "policy/values.hpp"
#include "policy/vocabulary.hpp"

namespace callgate::policy {
namespace {

constexpr std::array<std::string_view, 2> allow_or_deny = {"allow", "deny"};
constexpr yaml::Mark start_of_file{};

void read_version(const yaml::Node& file, Report& report) {
  const yaml::Member* version = file.find("callgate");
  if (version == nullptr) return report.fault(start_of_file, "`callgate` is missing: write `callgate: 1`, the version of the language");
  const yaml::Node& value = version->value;
  if (value.is_scalar() && value.type() == yaml::Type::number && value.text == "1") return;
  report.fault(value.mark, fmt::format("`callgate` is {}: this version reads language version 1, write `callgate: 1`", yaml::describe(value)));
}

void read_mode(const yaml::Node& file, Report& report) {
  static constexpr std::array<std::string_view, 1> words = {"enforce"};
  const yaml::Member* mode = file.find("mode");
  if (mode == nullptr) return;
  if (mode->value.is_scalar() && mode->value.text == "shadow") {
    return report.fault(mode->value.mark, not_supported("mode: shadow"), ErrorKind::unsupported);
  }
  read_word(*mode, words, report);
}

Rule read_default(const yaml::Node& file, const Rule* everywhere, Report& report) {
  Rule rule;
  rule.pointer = "/default";
  if (const yaml::Member* member = file.find("default")) {
    rule.mark = member->key_mark;
    if (read_word(*member, allow_or_deny, report) == "allow") rule.action = Verdict::allow;
  } else {
    report.fault(start_of_file, "`default` is missing: write `default: deny`, or `default: allow` to let pass what no rule names");
  }
  rule.reason = default_sentence(rule.action);
  if (everywhere != nullptr) rule.limit_list = everywhere->limit_list;
  return rule;
}

bool read_switch(const yaml::Node& file, std::string_view key, Report& report) {
  const yaml::Member* member = file.find(key);
  return member != nullptr && read_word(*member, allow_or_deny, report) == "allow";
}

void read_part(const yaml::Node& file, Part part, const Rule* everywhere, RuleSet& rules, Report& report) {
  const yaml::Member* member = file.find(word(part));
  if (member == nullptr) return;
  if (!is_mapping(member->value, member->key, "write rules by name, such as `NAME: {action: allow}`, or leave it out", report)) return;
  std::map<std::string, const yaml::Member*> patterns;
  for (const yaml::Member& each : member->value.members) {
    const auto [same, fresh] = patterns.try_emplace(Glob(each.key).pattern(), &each);
    if (!fresh) {
      report.fault(each.key_mark, fmt::format("{} matches the same as {} on line {}: keep one of them", yaml::ticked(each.key),
                                              yaml::ticked(same->second->key), same->second->key_mark.line));
      continue;
    }
    if (std::optional<Rule> rule = read_rule(each, part, everywhere, report)) rules.add(std::move(*rule));
  }
  rules.seal();
}

std::unique_ptr<ClassRules> read_classes(const yaml::Node& file, const Rule* everywhere, Report& report) {
  const yaml::Member* member = file.find("classes");
  if (member == nullptr) return nullptr;
  if (!is_mapping(member->value, member->key, "write rules by class, such as `Destructive: {action: deny}`, or leave it out", report)) return nullptr;
  auto classes = std::make_unique<ClassRules>();
  for (const yaml::Member& each : member->value.members) {
    const bool is_class = std::ranges::find(class_keys(), each.key) != class_keys().end();
    std::optional<Rule> rule = read_rule(each, Part::classes, everywhere, report);
    if (rule && is_class) classes->add(std::move(*rule));
  }
  return classes;
}

/// What counts besides the rule that decides, as a rule that itself lets pass.
std::unique_ptr<Rule> read_everywhere(const yaml::Node& file, Report& report) {
  const yaml::Member* member = file.find("everywhere");
  if (member == nullptr) return nullptr;
  const yaml::Node& node = member->value;
  if (!is_mapping(node, member->key, "write `cases` or `rate_limit`", report)) return nullptr;
  check_keys(node, Place::everywhere, report);
  if (node.members.empty()) report.fault(node.mark, "`everywhere` is empty: write `cases` or `rate_limit`, or leave it out");
  auto rule = std::make_unique<Rule>();
  rule->key = member->key;
  rule->pointer = "/everywhere";
  rule->action = Verdict::allow;
  rule->mark = member->key_mark;
  if (const yaml::Member* limits = node.find("rate_limit")) rule->limits = read_limits(*limits, rule->pointer, report);
  for (const RateLimit& limit : rule->limits) rule->limit_list.push_back(&limit);
  if (const yaml::Member* cases = node.find("cases")) rule->cases = read_cases(*cases, *rule, CasesOf::everywhere, report);
  name_case_keys(*rule);
  for (std::size_t i = 0; i < rule->cases.size(); ++i) {
    if (rule->cases[i].approval) rule->cases[i].approval->rule_digest = fmt::format("rule=/everywhere\n{}case={}\n", cases_text(rule->cases), i);
  }
  return rule;
}

Result<std::unique_ptr<Program>> empty_program(std::string_view text) {
  auto program = std::make_unique<Program>();
  program->hash = "sha256:" + sha256_hex(text);
  auto none = json::OwnedDocument::parse("{}");
  if (!none) return std::unexpected(none.error());
  program->no_arguments = std::move(*none);
  return program;
}

void read_file(const yaml::Node& file, Program& program, std::vector<Expectation>& expectations, Report& report) {
  if (!is_mapping(file, "policy", "write `callgate: 1`, `default: deny` and rules under `tools`", report)) return;
  check_keys(file, Place::file, report);
  read_version(file, report);
  read_mode(file, report);
  program.everywhere = read_everywhere(file, report);
  const Rule* const everywhere = program.everywhere.get();
  program.default_rule = read_default(file, everywhere, report);
  read_part(file, Part::tools, everywhere, program.tools, report);
  program.classes = read_classes(file, everywhere, report);
  read_part(file, Part::resources, everywhere, program.resources, report);
  read_part(file, Part::prompts, everywhere, program.prompts, report);
  program.sampling = read_switch(file, "sampling", report);
  program.elicitation = read_switch(file, "elicitation", report);
  program.roots = read_switch(file, "roots", report);
  if (const yaml::Member* expect = file.find("expect")) expectations = read_expectations(*expect, report);
}

}  // namespace

Loaded load(std::string_view text, std::string_view file_name, const ToolList* tools) {
  Report report(file_name, text);
  yaml::Parsed parsed = yaml::parse(text, file_name);
  report.adopt(std::move(parsed.faults));
  Loaded loaded;
  auto program = empty_program(text);
  if (!program) {
    report.fault(start_of_file, program.error().message, program.error().kind);
  } else if (parsed.root) {
    read_file(*parsed.root, **program, loaded.expectations, report);
    if (parsed.root->is_mapping()) check_everywhere(**program, *parsed.root, report);
    if (tools != nullptr && parsed.root->is_mapping()) check_against_tools(**program, *parsed.root, *tools, report);
  }
  loaded.faults = report.faults();
  loaded.warnings = report.warnings();
  if (loaded.faults.empty()) {
    loaded.policy = std::make_shared<const Policy>(std::move(*program));
  } else {
    loaded.expectations.clear();
  }
  return loaded;
}

}  // namespace callgate::policy
