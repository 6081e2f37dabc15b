#pragma once

#include <cstdint>
#include <deque>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cel/value.hpp"

namespace callgate::cel {

enum class Op : std::uint8_t {
  constant,
  variable,
  select,  ///< a member by a name that stands in the expression: `a.b`, `a["b"]`
  index,   ///< by one that is computed, or by a number
  has,
  size,
  negation,
  conjunction,  ///< of two or more
  disjunction,
  equal,
  not_equal,
  less,
  less_equal,
  greater,
  greater_equal,
  in,
  list,
};

/// One part of an expression; `begin` and `end` are bytes of its text.
struct Node {
  Op op = Op::constant;
  std::uint32_t begin = 0;
  std::uint32_t end = 0;
  std::uint32_t first = 0;  ///< where its operands start in `Tree::operands`
  std::uint32_t count = 0;
  std::uint32_t what = 0;   ///< number of its constant, variable or name
};

/// A parsed expression, and the program that evaluates it: a flat table in
/// which operands stand before what uses them.
struct Tree {
  std::string text;
  std::string normal;  ///< its tokens with one space between: equal for texts that differ in blanks and comments
  std::vector<Node> nodes;
  std::vector<std::uint32_t> operands;  ///< numbers of nodes
  std::deque<Constant> constants;       ///< addresses stay
  std::vector<std::string> names;
  std::uint32_t root = 0;

  std::span<const std::uint32_t> operands_of(const Node& node) const { return {operands.data() + node.first, node.count}; }
  const Node& operand(const Node& node, std::uint32_t number) const { return nodes[operands[node.first + number]]; }
  std::string_view source(const Node& node) const { return std::string_view(text).substr(node.begin, node.end - node.begin); }
};

/// Bounds of one expression; what goes over them is refused when it is compiled.
inline constexpr std::size_t max_text_bytes = std::size_t{16} << 10;
inline constexpr std::size_t max_nodes = 4096;
inline constexpr std::uint32_t max_nesting = 64;  ///< parentheses, brackets and `!` within one another
inline constexpr std::uint32_t max_height = 128;  ///< operands of operands: also long chains of `.` and `==`

}  // namespace callgate::cel
