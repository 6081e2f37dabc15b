#pragma once

#include <vector>

#include "config/config.hpp"
#include "config/fields.hpp"

namespace callgate::config {

/// Reads `extension_methods`: `{skills/get: {name: tool}, skills/list: none}`.
/// Faults: a method of the protocol itself, a notification, a name that cannot be
/// one, more than one member.
std::vector<ExtensionMethod> read_extension_methods(const Field& field);

}  // namespace callgate::config
