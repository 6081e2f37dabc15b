#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "classify/lexicon.hpp"

namespace callgate::classify {

/// Where a fact was read.
struct Place {
  enum class Where : std::uint8_t { nowhere, name, title, description, parameter, parameter_text, parameter_value, hint, sibling };
  Where where = Where::nowhere;
  std::uint16_t which = 0;  ///< parameter or sibling
  std::uint16_t value = 0;  ///< of a parameter, or which hint
  std::uint32_t start = 0;
  std::uint32_t end = 0;
};

/// The features that are so of one tool, each with the first place that said it.
class Facts {
 public:
  explicit Facts(const Lexicon& lexicon) : lexicon_(lexicon), held_(lexicon.feature_count(), 0) {}

  void set(Feature feature, Place place) {
    if (feature == no_feature || held_[feature] != 0) return;
    places_.push_back(place);
    held_[feature] = static_cast<std::uint16_t>(places_.size());
  }
  /// `group:name`, where a rule asks for it.
  void set(std::string_view group, std::string_view name, Place place) {
    key_.assign(group).append(name);
    set(lexicon_.feature(key_), place);
  }
  bool has(Feature feature) const { return held_[feature] != 0; }
  bool has(std::string_view name) const {
    const Feature feature = lexicon_.feature(name);
    return feature != no_feature && has(feature);
  }
  /// Pre: has(feature).
  Place place(Feature feature) const { return places_[held_[feature] - 1U]; }
  /// Takes a fact back, for what is judged several times with one thing different.
  void forget(Feature feature) { held_[feature] = 0; }
  /// What is so now, to come back to.
  std::vector<std::uint16_t> state() const { return held_; }
  void restore(std::vector<std::uint16_t> state) { held_ = std::move(state); }

 private:
  const Lexicon& lexicon_;
  std::vector<std::uint16_t> held_;  ///< index into `places_` plus one; 0: not so
  std::vector<Place> places_;
  std::string key_;
};

/// The features of a group (`head:`) by index of a table's names, looked up once.
std::vector<Feature> features_of(const Lexicon& lexicon, std::string_view group, const std::vector<std::string>& names);

/// All groups that the readings set.
struct FeatureGroups {
  explicit FeatureGroups(const Lexicon& lexicon);
  std::vector<Feature> name_verbs, text_verbs, chain_verbs, more_verbs, acts; ///< by verb kind
  std::vector<Feature> head, in, target, about, text_nouns, list_nouns, lost_nouns; ///< by family
  std::vector<Feature> says, argument_says;                             ///< by meaning
  std::vector<Feature> arguments;                                       ///< by argument kind
};

}  // namespace callgate::classify
