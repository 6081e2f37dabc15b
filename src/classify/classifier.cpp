#include "classify/classifier.hpp"

#include <fmt/format.h>

#include "classify/definition.hpp"
#include "classify/judgement.hpp"
#include "classify/look_alikes.hpp"

namespace callgate::classify {

Classifier::Classifier() : groups_(lexicon_), version_(fmt::format("{}+{}", CALLGATE_VERSION, lexicon_.hash)) {}

Classification Classifier::classify(json::Value definition, const Siblings& siblings, Hinting hinting) const {
  const Definition tool(definition);
  Judgement judgement(tool, siblings, hinting, lexicon_, groups_);
  Classification answer = judgement.answer();
  if (!judgement.leaves_it_to_the_title()) return answer;
  // A title is a name for people, from the party that is judged: it may say that a tool is worse, never that it is
  // better.
  Classification titled = Judgement(tool, siblings, hinting, lexicon_, groups_, Judgement::Titles::read).answer();
  const bool worse = titled.category >= answer.category && titled.risk >= answer.risk &&
                     (titled.category > answer.category || titled.risk > answer.risk);
  return worse ? titled : answer;
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
