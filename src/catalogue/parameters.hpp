#pragma once

#include <string>
#include <utility>
#include <vector>

#include "base/json.hpp"
#include "generate/rule.hpp"

namespace callgate::catalogue {

/// One row of a tool's table of parameters. Texts are the server's.
struct ParameterRow {
  std::string path;         ///< `content.rawText`
  std::string type;
  bool required = false;
  std::string fallback;     ///< JSON text of its default, keys masked; empty: none
  std::string bounds;       ///< from the schema
  std::string from_text;    ///< what the suggested rule took from the description
  std::string description;
  bool free_object = false; ///< any key passes
  bool deeper = false;      ///< what stands within it has no rows
};

/// Flattens an input schema to depth 3, at most so many rows as a page can hold, and one more where there are more.
std::vector<ParameterRow> parameters_of(json::Value definition, const generate::Rule* rule);

inline constexpr std::size_t max_parameter_rows = 240;

/// How many arguments an input schema names, and how many of them it asks for.
std::pair<std::size_t, std::size_t> count_arguments(json::Value definition);

}  // namespace callgate::catalogue
