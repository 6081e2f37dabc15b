#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.hpp"
#include "classify/classifier.hpp"
#include "generate/policy.hpp"
#include "generate/wish.hpp"
#include "generate/wish_model.hpp"
#include "policy/load.hpp"

/// Any text as a wish, and any JSON text as a list of tools: the policy that is made for it loads, and
/// its tests hold, whatever the server wrote; the same list gives the same bytes.
namespace {

using namespace callgate;

void expect(bool holds) {
  if (!holds) std::abort();
}

void check(std::string_view text, const std::vector<json::Value>& definitions) {
  const policy::Loaded loaded = policy::load(text, "made");
  expect(loaded.policy != nullptr);
  std::string list;
  for (const json::Value each : definitions) list += (list.empty() ? "" : ",") + std::string(each.text());
  const auto tools = policy::ToolList::parse("{\"tools\":[" + list + "]}");
  if (!tools) return;  // names that no tool has, or a list that no check can be made against
  for (const policy::Expectation& each : policy::load(text, "made", &*tools).expectations) expect(policy::run(*loaded.policy, each, &*tools).held);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const classify::Classifier classifier;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  static const std::vector<std::string> names{"get_x", "send_x", "a"};
  for (const generate::Wish& wish : generate::read_wish(text, names).wishes) expect(!wish.targets.empty());
  // As what a model's endpoint sends: clauses on one line, or none.
  for (const std::string& answer : {std::string(text), R"({"choices":[{"message":{"content":)" + json::quoted(text) + "}}]}"}) {
    const auto clauses = generate::clauses_of_answer(answer);
    if (clauses) expect(!clauses->empty() && clauses->find('\n') == std::string::npos);
  }
  json::Document document;
  if (!json::parse(text, {.max_depth = 520, .check_number_range = false}, document)) return 0;
  std::vector<json::Value> tools;
  if (document.root().is_array()) {
    for (const json::Value each : document.root().elements()) tools.push_back(each);
  } else {
    tools.push_back(document.root());
  }
  const auto classes = classifier.classify_list(tools, classify::Hinting::untrusted);
  const generate::Generated made = generate::generate_policy("s", tools, classes);
  check(made.text, tools);
  expect(generate::generate_policy("s", tools, classes).text == made.text);
  // Wishes over the policy that was made: what comes of them loads, and what nobody spoke of stays.
  std::string list;
  for (const json::Value each : tools) list += (list.empty() ? "" : ",") + std::string(each.text());
  const auto known = policy::ToolList::parse("{\"tools\":[" + list + "]}");
  const policy::Loaded standing = known ? policy::load(made.text, "made", &*known) : policy::Loaded{};
  if (standing.policy != nullptr) {
    for (const std::string_view wish : {"ask before everything", "limit everything to 5 per hour", "deny the rest", "allow everything except high risk"}) {
      const generate::Standing over{made.text, standing, *known};
      const generate::Wished wished = generate::wish_policy(wish, "s", tools, classes, {}, &over);
      expect(wished.faults.empty() != wished.policy.text.empty());
      if (wished.faults.empty()) check(wished.policy.text, tools);
    }
  }
  generate::SeenTools seen;
  for (const generate::Rule& rule : made.rules) seen[rule.tool].calls.emplace_back("s", 0);
  check(generate::learn_policy("s", tools, classes, seen).policy.text, tools);
  return 0;
}
