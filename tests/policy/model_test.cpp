// The policy against a second evaluator, written from the page and without a
// thought for speed: random policies, grants, tools and calls, one verdict.

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "policy/glob.hpp"
#include "policy/world.hpp"

namespace callgate::policy::model_test {
namespace {

struct ModelRule {
  std::string key;
  std::string action;
  bool validate = true;
  int most = -1;  ///< `arguments`: n is an integer of at most this; −1: no schema
  int limit = 0;  ///< calls per minute; 0: none
};

struct ModelPolicy {
  std::string by_default;
  std::vector<ModelRule> rules;
};

struct ModelCall {
  std::string name;
  ToolFacts::State state = ToolFacts::State::known;
  bool broken_schema = false;
  bool own_wants_m = false;  ///< the tool's own schema requires m
  std::optional<int> n;
  bool twin = false;  ///< a key N beside n
  bool m = false;
};

struct Expected {
  Verdict verdict;
  std::string rule;
};

/// Matches by definition: the first character, then the rest.
bool glob_matches(std::string_view pattern, std::string_view text) {
  if (pattern.empty()) return text.empty();
  if (pattern[0] == '*') return glob_matches(pattern.substr(1), text) || (!text.empty() && glob_matches(pattern, text.substr(1)));
  return !text.empty() && (pattern[0] == '?' || pattern[0] == text[0]) && glob_matches(pattern.substr(1), text.substr(1));
}

int literals(const std::string& key) {
  return static_cast<int>(std::ranges::count_if(key, [](char c) { return c != '*' && c != '?'; }));
}

bool is_glob(const std::string& key) { return key.find_first_of("*?") != std::string::npos; }

/// Every rule that no other one is nearer than.
std::vector<const ModelRule*> nearest(const ModelPolicy& policy, const std::string& name) {
  std::vector<const ModelRule*> found;
  int best = -1;
  for (const ModelRule& rule : policy.rules) {
    const bool exact = !is_glob(rule.key) && rule.key == name;
    if (!exact && !(is_glob(rule.key) && glob_matches(rule.key, name))) continue;
    const int score = exact ? 1'000'000 : literals(rule.key);
    if (score > best) found.clear();
    if (score >= best) found.push_back(&rule);
    best = std::max(best, score);
  }
  return found;
}

Expected expected(const ModelPolicy& policy, const ModelCall& call) {
  if (call.state == ToolFacts::State::unknown) return {Verdict::unknown_tool, ""};
  const std::vector<const ModelRule*> rules = nearest(policy, call.name);
  const ModelRule by_default{.action = policy.by_default};
  const ModelRule& rule = rules.empty() ? by_default : *rules[0];
  const std::string pointer = rules.empty() ? "/default" : "/tools/" + rule.key;
  if (rules.size() <= 1 && rule.action == "hide") return {Verdict::hide, pointer};
  if (call.state == ToolFacts::State::quarantined) return {Verdict::quarantined, ""};
  if (rules.size() > 1) return {Verdict::fault, pointer};
  if (rule.action == "deny") return {Verdict::deny, pointer};
  if (rule.validate && call.broken_schema) return {Verdict::fault, ""};
  if (rule.validate && call.own_wants_m && !call.m) return {Verdict::invalid_arguments, ""};
  const bool fits = rule.most < 0 || ((!call.n || *call.n <= rule.most) && !(call.twin && call.n));
  if (!fits) return {Verdict::invalid_arguments, pointer + "/arguments"};
  return {rule.action == "allow" ? Verdict::allow : Verdict::require_approval, pointer};
}

std::string yaml_of(const ModelPolicy& policy) {
  std::string text = "callgate: 1\ndefault: " + policy.by_default + "\n";
  if (!policy.rules.empty()) text += "tools:\n";
  for (const ModelRule& rule : policy.rules) {
    text += "  \"" + rule.key + "\": {action: " + rule.action;
    if (!rule.validate) text += ", validate: false";
    if (rule.most >= 0) text += ", arguments: {properties: {n: {type: integer, maximum: " + std::to_string(rule.most) + "}}}";
    if (rule.limit > 0) text += ", rate_limit: {max: " + std::to_string(rule.limit) + ", window: 1m}";
    text += "}\n";
  }
  return text;
}

class Chance {
 public:
  explicit Chance(unsigned seed) : engine_(seed) {}
  int below(int limit) { return static_cast<int>(engine_() % static_cast<unsigned>(limit)); }
  bool one_in(int count) { return below(count) == 0; }
  std::string word(std::string_view letters, int longest) {
    std::string out;
    for (int size = 1 + below(longest); size > 0; --size) out += letters[static_cast<std::size_t>(below(static_cast<int>(letters.size())))];
    return out;
  }

 private:
  std::mt19937 engine_;
};

ModelPolicy random_policy(Chance& chance) {
  static constexpr const char* actions[] = {"allow", "deny", "hide", "require_approval"};
  ModelPolicy policy{.by_default = chance.one_in(2) ? "allow" : "deny"};
  for (int count = chance.below(7); count > 0; --count) {
    ModelRule rule{.key = chance.word("abab*?", 4), .action = actions[chance.below(4)]};
    const auto same = [&](const ModelRule& other) { return Glob(other.key).pattern() == Glob(rule.key).pattern(); };
    if (std::ranges::any_of(policy.rules, same)) continue;
    rule.validate = !chance.one_in(4);
    if (chance.one_in(3)) rule.most = chance.below(3);
    if (chance.one_in(3)) rule.limit = 1 + chance.below(3);
    policy.rules.push_back(rule);
  }
  return policy;
}

ModelCall random_call(Chance& chance) {
  ModelCall call{.name = chance.word("ab", 4)};
  if (chance.one_in(8)) call.state = ToolFacts::State::unknown;
  if (chance.one_in(8)) call.state = ToolFacts::State::quarantined;
  call.broken_schema = chance.one_in(8);
  call.own_wants_m = !call.broken_schema && chance.one_in(4);
  if (!chance.one_in(3)) call.n = chance.below(4);
  call.twin = chance.one_in(8);
  call.m = chance.one_in(2);
  return call;
}

std::string arguments_of(const ModelCall& call) {
  std::string text;
  if (call.n) text += ",\"n\":" + std::to_string(*call.n);
  if (call.twin) text += ",\"N\":9";
  if (call.m) text += ",\"m\":0";
  return "{" + (text.empty() ? text : text.substr(1)) + "}";
}

class Model : public testing::Test {
 protected:
  Request request(const ModelCall& call, const json::OwnedDocument& arguments) const {
    Request asked{.action = Action::tool_call, .name = call.name, .arguments = arguments.root()};
    asked.tool.state = call.state;
    if (call.broken_schema) asked.tool.schema_fault = "broken";
    if (call.own_wants_m) asked.tool.input_schema = own_.find("own")->input_schema.get();
    return asked;
  }

  const ToolList own_ = tool_list(R"({"tools":[{"name":"own","inputSchema":{"type":"object","required":["m"]}}]})");
};

/// Security requirement S22: whatever cannot be decided is not allowed; a second, simple reading of the language says when. Protocol item 36.
TEST_F(Model, AgreesOnRandomPoliciesAndCalls) {
  Chance chance(20261123);
  int pairs = 0;
  for (int round = 0; round < 400; ++round) {
    const ModelPolicy model = random_policy(chance);
    const auto policy = loaded(yaml_of(model));
    ASSERT_NE(policy, nullptr) << yaml_of(model);
    for (int i = 0; i < 60; ++i, ++pairs) {
      const ModelCall call = random_call(chance);
      const auto arguments = json::OwnedDocument::parse(arguments_of(call));
      const Decision decision = policy->judge(request(call, **arguments));
      const Expected want = expected(model, call);
      ASSERT_EQ(word(decision.verdict), word(want.verdict)) << yaml_of(model) << call.name << arguments_of(call);
      ASSERT_EQ(decision.rule, want.rule) << yaml_of(model) << call.name << arguments_of(call);
      const auto rules = nearest(model, call.name);
      const bool limited = want.verdict >= Verdict::require_approval && !rules.empty() && rules[0]->limit > 0;
      ASSERT_EQ(decision.limits.size(), limited ? 1u : 0u);
      ASSERT_EQ(policy->hides_tool(call.name, {}), rules.size() == 1 && rules[0]->action == "hide");
    }
  }
  EXPECT_EQ(pairs, 24'000);
}

TEST_F(Model, AgreesWhereAServersAndAGrantsPolicyMeet) {
  Chance chance(42);
  for (int round = 0; round < 200; ++round) {
    const ModelPolicy server = random_policy(chance);
    const ModelPolicy grant = random_policy(chance);
    const auto of_server = loaded(yaml_of(server));
    const auto of_grant = loaded(yaml_of(grant));
    for (int i = 0; i < 30; ++i) {
      const ModelCall call = random_call(chance);
      const auto arguments = json::OwnedDocument::parse(arguments_of(call));
      const Request asked = request(call, **arguments);
      const Decision decision = stricter(of_server->judge(asked), of_grant->judge(asked));
      const Expected first = expected(server, call);
      const Expected second = expected(grant, call);
      ASSERT_EQ(word(decision.verdict), word(std::min(first.verdict, second.verdict)));
      ASSERT_EQ(decision.rule, first.verdict <= second.verdict ? first.rule : second.rule);
    }
  }
}

}  // namespace
}  // namespace callgate::policy::model_test
