#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "base/json.hpp"

namespace callgate::classify {

/// A text of a definition that says nothing of what the tool does, but that a client hands to the model all the same.
struct SideText {
  std::string text;     ///< the first bytes of it
  std::string pointer;  ///< JSON Pointer into the definition
};

/// Titles, defaults, values, examples and further texts of the input schema, and all of the output schema: of several
/// words each. Descriptions of parameters are left out where they are read anyway. Bounded in number, depth and size.
std::vector<SideText> side_texts_of(json::Value definition);

}  // namespace callgate::classify
