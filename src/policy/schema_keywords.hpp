#pragma once

#include <string>
#include <vector>

#include "base/yaml.hpp"
#include "policy/report.hpp"

namespace callgate::policy {

/// What a walk over an author's schema finds out.
struct SchemaWords {
  std::vector<std::string> names;  ///< arguments that it speaks of, at any depth
  bool names_by_pattern = false;   ///< `patternProperties` or `propertyNames` is used
};

/// Looks at every subschema: reports unknown keywords as faults and keywords
/// that do nothing as warnings, and collects the names.
SchemaWords walk_schema(const yaml::Node& schema, Report& report);

}  // namespace callgate::policy
