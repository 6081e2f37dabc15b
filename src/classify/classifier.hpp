#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/json.hpp"
#include "classify/classification.hpp"
#include "classify/facts.hpp"
#include "classify/lexicon.hpp"
#include "classify/siblings.hpp"

namespace callgate::classify {

/// Whether an operator said of the server that its annotations may lower a class.
enum class Hinting : std::uint8_t { untrusted, trusted };

/// Judges tool definitions: a pure function of one definition, its siblings and
/// the tables. The same input gives the same bytes everywhere. Time is linear
/// in a bounded part of the definition. Threads: any, once built.
class Classifier {
 public:
  Classifier();

  Siblings siblings_of(std::span<const json::Value> definitions) const { return Siblings(definitions, lexicon_); }
  /// `definition` may be any JSON value; what cannot be told is Execute/High.
  Classification classify(json::Value definition, const Siblings& siblings, Hinting hinting) const;
  /// One answer for each definition, in their order. Names that look like one
  /// another are compared here alone (`compare_names`).
  std::vector<Classification> classify_list(std::span<const json::Value> definitions, Hinting hinting) const;

  /// `<version>+<hash of the tables>`: answers of the same version are comparable.
  const std::string& version() const { return version_; }
  const Lexicon& lexicon() const { return lexicon_; }

 private:
  Lexicon lexicon_;
  FeatureGroups groups_;
  std::string version_;
};

}  // namespace callgate::classify
