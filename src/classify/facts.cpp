#include "classify/facts.hpp"

namespace callgate::classify {

std::vector<Feature> features_of(const Lexicon& lexicon, std::string_view group, const std::vector<std::string>& names) {
  std::vector<Feature> features;
  features.reserve(names.size());
  for (const std::string& name : names) features.push_back(lexicon.feature(std::string(group) + name));
  return features;
}

FeatureGroups::FeatureGroups(const Lexicon& lexicon)
    : name_verbs(features_of(lexicon, "name:", lexicon.verb_kinds)),
      text_verbs(features_of(lexicon, "text:", lexicon.verb_kinds)),
      chain_verbs(features_of(lexicon, "chain:", lexicon.verb_kinds)),
      more_verbs(features_of(lexicon, "more:", lexicon.verb_kinds)),
      acts(features_of(lexicon, "act:", lexicon.verb_kinds)),
      head(features_of(lexicon, "head:", lexicon.families)),
      in(features_of(lexicon, "in:", lexicon.families)),
      target(features_of(lexicon, "to:", lexicon.families)),
      about(features_of(lexicon, "about:", lexicon.families)),
      text_nouns(features_of(lexicon, "near:", lexicon.families)),
      list_nouns(features_of(lexicon, "list:", lexicon.families)),
      lost_nouns(features_of(lexicon, "lost:", lexicon.families)),
      says(features_of(lexicon, "says:", lexicon.meanings)),
      argument_says(features_of(lexicon, "argsays:", lexicon.meanings)),
      arguments(features_of(lexicon, "arg:", lexicon.argument_kinds)) {}

}  // namespace callgate::classify
