#pragma once

#include <span>

#include "classify/classification.hpp"
#include "generate/property.hpp"
#include "generate/rule.hpp"

namespace callgate::generate {

/// Makes the rule one of modes, where one of the arguments chooses between acts:
/// a list of the values that may be sent, never one of those that may not (case,
/// aliases and newer commands walk round it), and another action for some of
/// them. Where the language has no `cases` yet, the strictest action stands for
/// all. The list stays whatever its trial shows. `unsure`: the tool itself could
/// not be told, so none of its modes is allowed unasked. Where the argument
/// stands within another one, no list can be made: the tool is never allowed
/// unasked if one of its modes would be refused.
void take_modes(Rule& rule, const classify::Modes& modes, std::span<const Property> properties, Language language, bool unsure);

}  // namespace callgate::generate
