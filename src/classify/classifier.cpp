#include "classify/classifier.hpp"

#include <fmt/format.h>

#include "classify/definition.hpp"
#include "classify/judgement.hpp"
#include "classify/look_alikes.hpp"

namespace callgate::classify {

Classifier::Classifier() : groups_(lexicon_), version_(fmt::format("{}+{}", CALLGATE_VERSION, lexicon_.hash)) {}

Classification Classifier::classify(json::Value definition, const Siblings& siblings, Hinting hinting) const {
  const Definition tool(definition);
  return Judgement(tool, siblings, hinting, lexicon_, groups_).answer();
}

std::vector<Classification> Classifier::classify_list(std::span<const json::Value> definitions, Hinting hinting) const {
  const Siblings siblings = siblings_of(definitions);
  std::vector<Classification> answers;
  answers.reserve(definitions.size());
  for (const json::Value& each : definitions) answers.push_back(classify(each, siblings, hinting));
  compare_names(answers);
  return answers;
}

}  // namespace callgate::classify
