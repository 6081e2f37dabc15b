#pragma once

#include <span>
#include <string>
#include <unordered_set>
#include <vector>

#include "base/json.hpp"
#include "classify/classification.hpp"
#include "generate/recorded.hpp"
#include "generate/rule.hpp"

/// The rule that fits what a tool does: least surprise for an agent at work,
/// nothing that cannot be taken back without a person. Pure.
/// Meaning: docs/policy-language.md, "A policy to start from".
namespace callgate::generate {

/// What of a list bears on the rule of one of its tools.
class Siblings {
 public:
  Siblings() = default;
  explicit Siblings(std::span<const classify::Classification> tools);
  /// Whether another tool does the same in a way that can be taken back (`archive_note` beside `delete_note`).
  bool has_safer_twin(std::string_view name) const;

 private:
  std::unordered_set<std::string> safer_;  ///< what such tools act on
};

/// The rule of one tool. `definition` may be any JSON value; its texts are hostile.
/// With `seen` it is narrowed to what those calls needed: a limit of twice their
/// most, no argument that none of them sent, a question where it would be refused.
Rule suggest(json::Value definition, const classify::Classification& tool, const Siblings& siblings, Language language = this_version, const Seen* seen = nullptr);

}  // namespace callgate::generate
