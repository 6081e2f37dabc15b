#pragma once

#include <string>
#include <string_view>

#include "base/json.hpp"

namespace callgate::registry {

/// What changed between two definitions, for a person who has to judge it: a
/// line for each member that is new, gone or other, with its path and both
/// values; of long ones what differs, with what stands beside it. Invisible and control characters are written as `\u202e`, so that
/// nothing hides in a terminal. `_meta` counts no more than in the fingerprint.
/// Empty where nothing differs. Pre: objects.
std::string difference(json::Value before, json::Value after);

/// The definition itself in the same way, one line for each member; for a tool
/// that is new.
std::string description(json::Value definition);

/// `text` with every character that a terminal would act on or not show
/// written as `\uXXXX`.
std::string visible(std::string_view text);

}  // namespace callgate::registry
