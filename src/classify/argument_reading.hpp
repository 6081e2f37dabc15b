#pragma once

#include "classify/definition.hpp"
#include "classify/facts.hpp"
#include "classify/lexicon.hpp"

namespace callgate::classify {

/// Sets `arg:` from names and types of the parameters and `argsays:` from
/// their descriptions. A parameter whose values the schema bounds takes no
/// free text, so its name says nothing of code, queries or addresses.
void read_arguments(const Definition& tool, const Lexicon& lexicon, const FeatureGroups& groups, Facts& facts);

}  // namespace callgate::classify
