#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/yaml.hpp"
#include "policy/report.hpp"
#include "policy/schema_keywords.hpp"
#include "schema/schema.hpp"

namespace callgate::policy {

/// The compiled `arguments` of a rule.
struct ArgumentSchema {
  std::shared_ptr<const schema::Schema> schema;
  SchemaWords words;      ///< the names that it speaks of
  std::string canonical;  ///< its JSON, equal for equal schemas
};

/// Reads a JSON Schema (2020-12) that guards the arguments of a call. Stricter
/// than the standard about what its author wrote: unknown keywords, which the
/// standard ignores, are faults; keywords without effect are warnings.
std::optional<ArgumentSchema> read_argument_schema(const yaml::Member& member, Report& report);

}  // namespace callgate::policy
