#pragma once

#include <optional>
#include <span>

#include "classify/classification.hpp"
#include "generate/property.hpp"
#include "generate/rule.hpp"

namespace callgate::generate {

/// What bears on the rule of modes beside the modes themselves.
struct Acts {
  bool unsure = false;         ///< the tool itself could not be told: none of its modes is allowed unasked
  std::optional<Limit> reads;  ///< of modes that read, where their kind has none
  bool limited_each = true;    ///< false: one limit for all of them is made elsewhere
};

/// Makes the rule one of modes, where one of the arguments chooses between acts:
/// a list of the values that may be sent, never one of those that may not (case,
/// aliases and newer commands walk round it), and another action for some of
/// them. Modes that are allowed have the limit of their own kind, so that what an
/// agent reads does not use up what it may change. Where the language has no
/// `cases` yet, the strictest action stands for all. The list stays whatever its
/// trial shows. Where the argument stands within another one, no list can be made: the tool is never allowed
/// unasked if one of its modes would be refused.
void take_modes(Rule& rule, const classify::Modes& modes, std::span<const Property> properties, Language language, const Acts& acts);

}  // namespace callgate::generate
