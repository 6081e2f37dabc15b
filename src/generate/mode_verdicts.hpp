#pragma once

#include <optional>
#include <vector>

#include "base/json.hpp"
#include "classify/classification.hpp"
#include "generate/rule.hpp"

namespace callgate::generate {

/// What a rule answers to the acts of its tool.
struct ModeVerdicts {
  std::vector<policy::Verdict> values;         ///< of the modes, in their order
  std::optional<policy::Verdict> anything_else;  ///< set where the list of modes is open
  std::optional<policy::Verdict> left_out;     ///< set where the tool takes a call without the argument
  std::optional<std::size_t> left_out_is;      ///< the mode that such a call is, where the schema says so; of several the worst
};

/// Judges a call with each value by the rule itself, as `policy explain` does, so
/// that nothing that is said of a rule can differ from what it does. The other
/// arguments are those of the rule's own test that passes; where it has none, the
/// rule answers alone, without the tool's own schema. Pre: the rule is that
/// of the definition, and `modes` are the tool's.
ModeVerdicts mode_verdicts(const Rule& rule, json::Value definition, const classify::Modes& modes);

}  // namespace callgate::generate
