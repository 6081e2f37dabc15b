#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/json.hpp"

/// Arguments that a tool wants mirrored into headers: properties of its
/// inputSchema with `x-mcp-header` (2026-07-28, server/tools). Pure; any thread.
namespace callgate::mcp {

struct ParamHeader {
  std::string name;               ///< the schema's spelling, without `Mcp-Param-`
  std::vector<std::string> path;  ///< names of the properties from `arguments` down
};

/// The annotations of a schema, in its order. Errors: `invalid` for what makes
/// clients drop the tool: an annotation that is no token, stands twice (without
/// regard to case), on a type other than string, integer or boolean, or is
/// reached by anything but `properties`.
Result<std::vector<ParamHeader>> read_param_headers(json::Value input_schema);

/// The argument at the path, or nothing where it or a step to it is absent.
std::optional<json::Value> find_argument(json::Value arguments, const ParamHeader& header);

}  // namespace callgate::mcp
