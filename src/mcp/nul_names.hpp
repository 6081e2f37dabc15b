#pragma once

#include <cstdint>

#include "base/json.hpp"

namespace callgate::mcp {

/// Nodes of a document, from `first` to before `last`.
struct NodeRange {
  std::uint32_t first = 0;
  std::uint32_t last = 0;
};

/// The first member name with a NUL, which ends the name early in readers written
/// in C; empty where there is none. Looks at the nodes of `within`, without those of `spared`.
json::Value nul_in_names(const json::Document& document, NodeRange within, NodeRange spared = {});

/// The same within one value.
json::Value nul_in_names(json::Value value);

}  // namespace callgate::mcp
