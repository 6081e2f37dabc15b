#pragma once

#include "base/json.hpp"
#include "cel/type.hpp"

namespace callgate::policy {

/// What a JSON Schema says of the values that fit it, as far as the type check of
/// conditions uses it: kinds, members, items. What it does not understand it
/// takes for anything, so that no right condition is refused. References within
/// the schema are followed to a bounded depth.
cel::Type type_of_schema(json::Value schema);

}  // namespace callgate::policy
