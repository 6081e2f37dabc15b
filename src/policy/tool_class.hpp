#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "base/json.hpp"

/// What a tool is said to be, as rules for classes read it. Values; words live as
/// long as the program.
namespace callgate::policy {

/// How bad a call can get, mildest first.
enum class Risk : std::uint8_t { low, medium, high, critical };

inline constexpr std::array<std::string_view, 4> risk_words = {"Low", "Medium", "High", "Critical"};
inline constexpr std::array<std::string_view, 5> category_words = {"Read", "Write", "Execute", "Destructive", "Financial"};

/// What was said of one tool. By default nobody said anything: it counts as
/// risk High and as no category.
struct ToolClass {
  Risk risk = Risk::high;
  std::string_view category;  ///< one of `category_words`, or empty
};

/// Says of each definition of one list what it is, in their order.
using ClassesOf = std::function<std::vector<ToolClass>(std::span<const json::Value> definitions)>;

}  // namespace callgate::policy
