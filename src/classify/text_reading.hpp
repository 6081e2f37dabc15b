#pragma once

#include <functional>
#include <optional>
#include <string_view>
#include <vector>

#include "classify/facts.hpp"
#include "classify/lexicon.hpp"
#include "classify/name_reading.hpp"
#include "classify/tokens.hpp"

namespace callgate::classify {

/// What a description says. `lead` is the verb of the first sentence that has one.
struct TextReading {
  std::optional<FoundVerb> lead;
  bool in_first_sentence = false;
};

/// Sets `text:`, `lead:`, `chain:`, `more:`, `lost:`, `about:`, `near:` from the first sentence
/// that says what is done, and `says:` from phrases anywhere. `own_name` in the
/// text is the tool; other identifiers beside "use" or "see" are other tools.
TextReading read_text(std::string_view text, Place::Where where, std::string_view own_name, const Lexicon& lexicon, const FeatureGroups& groups, Facts& facts);

/// Sets `argsays:` from the phrases of one parameter's description; `also` hears of each.
void read_parameter_text(std::string_view text, std::uint16_t parameter, const Lexicon& lexicon, const FeatureGroups& groups, Facts& facts,
                         const std::function<void(const Phrase&, Place)>& also);

}  // namespace callgate::classify
