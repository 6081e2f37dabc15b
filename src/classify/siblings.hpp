#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.hpp"
#include "classify/facts.hpp"
#include "classify/lexicon.hpp"

namespace callgate::classify {

/// What the tools of one live list say together. Their text is no more to be
/// trusted than a tool's own, so it can raise a risk or lend vocabulary and
/// lowers nothing. Independent of the order of the list. Must not outlive the
/// definitions.
class Siblings {
 public:
  Siblings() = default;
  Siblings(std::span<const json::Value> definitions, const Lexicon& lexicon);

  /// Families that a good part of the names is about (`list:money`), with a
  /// name that shows it: of those, the first by its bytes.
  struct Theme {
    std::uint8_t family = 0;
    std::string_view name;
    std::uint32_t start = 0;
    std::uint32_t end = 0;
  };
  std::span<const Theme> themes() const { return themes_; }
  /// Whether some name of the list holds this verb.
  bool has(std::string_view lemma) const;

 private:
  std::vector<Theme> themes_;
  std::vector<std::string> verbs_;  ///< lemmas, sorted
  std::vector<std::string> names_;  ///< where unescaped names are kept
};

}  // namespace callgate::classify
