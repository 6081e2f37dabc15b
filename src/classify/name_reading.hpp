#pragma once

#include <optional>
#include <string_view>

#include "classify/definition.hpp"
#include "classify/facts.hpp"
#include "classify/lexicon.hpp"
#include "classify/tokens.hpp"

namespace callgate::classify {

/// A verb that was found, and how much weight it bears.
struct FoundVerb {
  const Verb* verb = nullptr;
  std::uint32_t start = 0;
  std::uint32_t end = 0;
};

/// What a tool's name says: `verb_object`, `object_verb` or
/// `service_verb_object_to_target`.
struct NameReading {
  std::optional<FoundVerb> verb;
  bool is_inner = false;     ///< other words stand before the verb
  bool from_method = false;  ///< the verb is an HTTP method of a generated name
};

/// `lead` is the verb of the description, where there is one: it settles which word of an ambiguous name is the verb.
/// Sets `name:`, `verb:`, `chain:`, `head:`, `in:`, `to:`, `noun:`.
NameReading read_name(const Definition& tool, const Verb* lead, const Lexicon& lexicon, const FeatureGroups& groups, Facts& facts);

/// Whether the word (in lower case) behind a thing says nothing of its own, as that of `user_info`.
bool is_transparent(std::string_view word);

}  // namespace callgate::classify
