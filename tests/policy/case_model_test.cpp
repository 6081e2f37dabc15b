// Cases, classes and `everywhere` against a second evaluator, written from the
// page and without a thought for speed: random policies and calls, one verdict.

#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "policy/program.hpp"
#include "policy/world.hpp"

namespace callgate::policy::case_model_test {
namespace {

struct ModelCase {
  int form = 0;
  int number = 0;
  std::string action;
};

struct ModelRule {
  std::string pointer;
  std::string action;
  std::vector<ModelCase> cases;
};

struct ModelPolicy {
  std::string by_default;
  std::optional<ModelRule> named;  ///< for the tool `a`
  std::vector<std::pair<std::string, ModelRule>> classes;
  std::vector<ModelCase> everywhere;
};

struct ModelCall {
  std::string name;
  ToolClass is;
  std::optional<int> n;
};

struct Expected {
  Verdict verdict;
  std::string rule;
};

std::string condition(const ModelCase& each) {
  const std::string number = std::to_string(each.number);
  switch (each.form) {
    case 0: return "args.n > " + number;
    case 1: return "has(args.n) && args.n > " + number;
    case 2: return "args.n == " + number + ".0 || !has(args.n)";
    case 3: return "tool.risk in [\"" + std::string(risk_words[static_cast<std::size_t>(each.number)]) + "\"]";
    default: return "!(tool.category == \"" + std::string(category_words[static_cast<std::size_t>(each.number)]) + "\")";
  }
}

/// True, false, or nothing: a fault.
std::optional<bool> holds(const ModelCase& each, const ModelCall& call) {
  switch (each.form) {
    case 0: return call.n ? std::optional(*call.n > each.number) : std::nullopt;
    case 1: return call.n && *call.n > each.number;
    case 2: return !call.n || *call.n == each.number;
    case 3: return static_cast<int>(call.is.risk) == each.number;
    default: return call.is.category != category_words[static_cast<std::size_t>(each.number)];
  }
}

std::optional<Expected> first_of(const std::vector<ModelCase>& cases, const std::string& pointer, const ModelCall& call) {
  for (std::size_t i = 0; i < cases.size(); ++i) {
    const auto came = holds(cases[i], call);
    const std::string rule = pointer + "/cases/" + std::to_string(i);
    if (!came) return Expected{Verdict::fault, rule};
    if (*came) return Expected{*verdict_of(cases[i].action), rule};
  }
  return std::nullopt;
}

std::vector<ModelRule> rules_for(const ModelPolicy& policy, const ModelCall& call) {
  if (policy.named && call.name == "a") return {*policy.named};
  std::vector<ModelRule> rules;
  for (const auto& [key, rule] : policy.classes) {
    if (key == call.is.category) rules.push_back(rule);
  }
  for (int risk = static_cast<int>(call.is.risk); risk >= 0; --risk) {
    const auto found = std::ranges::find(policy.classes, "risk>=" + std::string(risk_words[static_cast<std::size_t>(risk)]), [](const auto& each) { return each.first; });
    if (found == policy.classes.end()) continue;
    rules.push_back(found->second);
    break;
  }
  if (rules.empty()) rules.push_back({.pointer = "/default", .action = policy.by_default});
  return rules;
}

Expected expected(const ModelPolicy& policy, const ModelCall& call) {
  const std::vector<ModelRule> rules = rules_for(policy, call);
  for (const ModelRule& rule : rules) {
    if (rule.action == "hide") return {Verdict::hide, rule.pointer};
  }
  for (const ModelRule& rule : rules) {
    if (rule.action == "deny" && rule.cases.empty()) return {Verdict::deny, rule.pointer};
  }
  std::optional<Expected> stands;
  for (const ModelRule& rule : rules) {
    const Expected says = first_of(rule.cases, rule.pointer, call).value_or(Expected{*verdict_of(rule.action), rule.pointer});
    if (!stands || says.verdict < stands->verdict) stands = says;
  }
  if (stands->verdict <= Verdict::fault) return *stands;
  const auto besides = first_of(policy.everywhere, "/everywhere", call);
  return besides && besides->verdict < stands->verdict ? *besides : *stands;
}

std::string yaml_of(const std::vector<ModelCase>& cases, const std::string& indent) {
  std::string text = indent + "cases:\n";
  for (const ModelCase& each : cases) text += indent + "  - when: '" + condition(each) + "'\n" + indent + "    action: " + each.action + "\n";
  return cases.empty() ? "" : text;
}

std::string yaml_of(const ModelPolicy& policy) {
  std::string text = "callgate: 1\ndefault: " + policy.by_default + "\n";
  const auto rule = [](const std::string& key, const ModelRule& each) {
    return "  \"" + key + "\":\n    action: " + each.action + "\n" + yaml_of(each.cases, "    ");
  };
  if (policy.named) text += "tools:\n" + rule("a", *policy.named);
  if (!policy.classes.empty()) text += "classes:\n";
  for (const auto& [key, each] : policy.classes) text += rule(key, each);
  if (!policy.everywhere.empty()) text += "everywhere:\n" + yaml_of(policy.everywhere, "  ");
  return text;
}

class Chance {
 public:
  explicit Chance(unsigned seed) : engine_(seed) {}
  int below(int limit) { return static_cast<int>(engine_() % static_cast<unsigned>(limit)); }
  bool one_in(int count) { return below(count) == 0; }

  std::vector<ModelCase> cases(int most) {
    static constexpr const char* actions[] = {"allow", "deny", "require_approval"};
    std::vector<ModelCase> out;
    for (int count = below(most + 1); count > 0; --count) out.push_back({.form = below(5), .number = below(4), .action = actions[below(3)]});
    return out;
  }
  ModelRule rule(std::string pointer) {
    static constexpr const char* actions[] = {"allow", "allow", "deny", "hide", "require_approval"};
    return {.pointer = std::move(pointer), .action = actions[below(5)], .cases = cases(3)};
  }
  ModelPolicy policy() {
    ModelPolicy made{.by_default = one_in(2) ? "allow" : "deny"};
    if (one_in(2)) made.named = rule("/tools/a");
    for (const std::string_view key : class_keys()) {
      if (one_in(3)) made.classes.emplace_back(key, rule("/classes/" + std::string(key)));
    }
    if (one_in(2)) made.everywhere = cases(3);
    return made;
  }
  ModelCall call() {
    ModelCall made{.name = one_in(2) ? "a" : "b"};
    made.is.risk = static_cast<Risk>(below(4));
    if (!one_in(6)) made.is.category = category_words[static_cast<std::size_t>(below(5))];
    if (!one_in(4)) made.n = below(5);
    return made;
  }

 private:
  std::mt19937 engine_;
};

/// Security requirement S22: whatever cannot be decided is not allowed.
TEST(CaseModel, AgreesOnRandomPoliciesAndCalls) {
  Chance chance(20261127);
  for (int round = 0; round < 400; ++round) {
    const ModelPolicy model = chance.policy();
    const auto policy = loaded(yaml_of(model));
    ASSERT_NE(policy, nullptr) << yaml_of(model);
    for (int i = 0; i < 60; ++i) {
      const ModelCall call = chance.call();
      const auto arguments = json::OwnedDocument::parse(call.n ? "{\"n\":" + std::to_string(*call.n) + "}" : "{}");
      Request request{.name = call.name, .arguments = (*arguments)->root()};
      request.tool.state = ToolFacts::State::known;
      request.tool.is = call.is;
      const Decision decision = policy->judge(request);
      const Expected want = expected(model, call);
      const std::string shown = yaml_of(model) + call.name + " " + std::string(call.is.category) + std::to_string(static_cast<int>(call.is.risk));
      ASSERT_EQ(word(decision.verdict), word(want.verdict)) << shown << decision.reason.view();
      ASSERT_EQ(decision.rule, want.rule) << shown;
      ASSERT_EQ(policy->hides_tool(call.name, call.is), want.verdict == Verdict::hide) << shown;
    }
  }
}

}  // namespace
}  // namespace callgate::policy::case_model_test
