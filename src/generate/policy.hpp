#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.hpp"
#include "classify/classification.hpp"
#include "generate/recorded.hpp"
#include "generate/rule.hpp"

/// A whole policy for the tools of one server, which passes `policy check
/// --strict` and `policy test` against that list: it is loaded and run before it
/// is given away.
namespace callgate::generate {

struct Generated {
  std::vector<Rule> rules;
  std::string text;  ///< YAML
  std::vector<std::string> left_out;  ///< names of listed tools that no rule can be made for; hostile
};

/// `definitions` as listed; `tools` what the classifier says of each, in the same order.
Generated generate_policy(std::string_view server, std::span<const json::Value> definitions, std::span<const classify::Classification> tools,
                          Language language = this_version);

/// What a journal narrows.
struct Learned {
  Generated policy;
  std::vector<std::string> changes;  ///< against the policy without a journal, one clean line each
};
Learned learn_policy(std::string_view server, std::span<const json::Value> definitions, std::span<const classify::Classification> tools,
                     const SeenTools& seen, Language language = this_version);

/// Writes rules as a policy. Of a rule whose text does not load, or whose tests
/// do not hold against `definition_list` (`{"tools": [...]}`), the bare action is kept,
/// a comment says so, and `reduced` gets its tool.
std::string checked_text(std::vector<Rule>& rules, std::string_view heading, const std::string& definition_list,
                         std::vector<std::string>* reduced = nullptr);

/// How many tools a policy lets be called: what it does before anybody applies it.
struct Effect {
  std::size_t allowed = 0;
  std::size_t asked = 0;
  std::size_t refused = 0;
  std::size_t hidden = 0;
  std::size_t checked = 0;  ///< of those that may pass: with a rule on their arguments
  std::size_t limited = 0;  ///< of those that may pass: with a limit
};
Effect effect_of(std::span<const Rule> rules, std::size_t listed);

/// "7 tools callable, 2 ask a person, 1 refused, 1 hidden"
std::string sentence(const Effect& effect);

}  // namespace callgate::generate
