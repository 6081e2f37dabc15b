#include "policy/sentence.hpp"

#include <fmt/format.h>

#include "base/yaml.hpp"

namespace callgate::policy {
namespace {

/// "argument `/a/b`"; names that agents choose are cut and cleaned of control characters.
std::string argument_at(std::string_view path) {
  return path.empty() ? "the set of arguments" : "argument " + yaml::ticked(path);
}

std::string failure_sentence(std::string_view path, std::string_view keyword, std::string_view whose) {
  if (keyword == "required") return fmt::format("{} is missing, {} requires it", argument_at(path), whose);
  if (keyword == "additionalProperties" || keyword == "unevaluatedProperties") {
    return fmt::format("{} is not among those that {} takes (`{}`)", argument_at(path), whose, keyword);
  }
  return fmt::format("{} does not fit {} (`{}`)", argument_at(path), whose, keyword);
}

}  // namespace

std::string action_sentence(Verdict action, std::string_view thing) {
  switch (action) {
    case Verdict::allow: return fmt::format("the policy allows this {}", thing);
    case Verdict::require_approval: return fmt::format("a person has to approve the use of this {}", thing);
    case Verdict::hide: return fmt::format("the policy hides this {}", thing);
    default: return fmt::format("the policy denies this {}", thing);
  }
}

std::string case_sentence(Verdict action) {
  switch (action) {
    case Verdict::allow: return "a case of the policy allows this call";
    case Verdict::require_approval: return "by a case of the policy a person has to approve this call";
    default: return "a case of the policy denies this call";
  }
}

std::string default_sentence(Verdict action) {
  return action == Verdict::allow ? "no rule names this, and the policy allows what it does not name"
                                  : "no rule names this, and the policy denies what it does not name";
}

std::string argument_sentence(std::string_view path, std::string_view keyword, std::string_view author_reason) {
  std::string sentence = failure_sentence(path, keyword, "the policy");
  if (!author_reason.empty()) sentence += fmt::format(": {}", author_reason);
  return sentence;
}

std::string own_schema_sentence(std::string_view path, std::string_view keyword) {
  return failure_sentence(path, keyword, "the tool's own schema");
}

std::string twin_sentence(std::string_view path) {
  return fmt::format("{} is given twice, in different letter case", argument_at(path));
}

}  // namespace callgate::policy
