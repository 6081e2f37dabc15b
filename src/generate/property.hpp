#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.hpp"
#include "generate/example.hpp"
#include "generate/recorded.hpp"
#include "generate/rule.hpp"

namespace callgate::generate {

/// One argument of a tool as its input schema has it.
struct Property {
  std::string name;
  json::Value schema;      ///< with references within the definition followed
  std::vector<json::Value> defaults;  ///< its own and those of what it refers to
  json::Value main;        ///< of several alternatives the one that is not null
  std::string type;        ///< of `main`: `string`, `array`, …; empty: not told, or several
  bool nullable = false;
  bool bounded = false;    ///< `enum` or `const` closes its values
  bool required = false;
  std::string description; ///< hostile
};

/// The properties that stand directly in an input schema, in their order.
std::vector<Property> read_properties(json::Value input_schema, const ExampleMaker& maker);

/// Whether `properties` of the input schema are all the arguments that it knows.
bool names_its_arguments(json::Value input_schema);

/// What to guard beside bounds that the text states.
struct Guards {
  bool batches = false;  ///< lists get a bound on their length
  bool targets = false;  ///< what a removal is told by holds no star
};

/// The clause of one argument; nothing where its schema says all there is to say.
/// With `seen` it takes all that calls sent, and no more than that with room.
std::optional<Clause> clause_for(const Property& property, Guards guards, const SeenValues* seen = nullptr);

}  // namespace callgate::generate
