#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "classify/classification.hpp"
#include "generate/rule.hpp"

/// The tables of `data/generate/`, read once. Immutable. Threads: any.
namespace callgate::generate {

/// What a rule starts from.
struct Start {
  policy::Verdict action = policy::Verdict::require_approval;
  std::optional<Limit> limit;
  std::string_view reason;  ///< empty: none
};

/// What a signal adds.
struct SignalRow {
  std::string_view signal;
  std::string_view does;  ///< `reason`, `limit`, `choose`, `later`
  std::string_view text;
};

class Tables {
 public:
  static const Tables& built_in();

  const Start& start(classify::Category category, classify::Risk risk) const;
  const std::vector<SignalRow>& signals() const { return signals_; }
  /// Whether an argument of this name is a `recipient`, an `environment`, …: by its last word.
  bool is_kind(std::string_view argument, std::string_view kind) const;
  /// Whether a name begins with a word of an act that can be taken back, and what follows that word.
  std::optional<std::string_view> after_safer_verb(std::string_view name) const;

 private:
  Tables();
  std::vector<Start> starts_;  ///< by category and risk
  std::vector<SignalRow> signals_;
  std::unordered_map<std::string_view, std::vector<std::string_view>> kinds_;  ///< by word
  std::vector<std::string_view> safer_;
};

/// The last word of a name in snake_case, kebab-case or camelCase, in small letters.
std::string last_word(std::string_view name);

}  // namespace callgate::generate
