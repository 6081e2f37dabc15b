#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "cel/value.hpp"

/// What is known of a value before it is there. Types follow JSON Schema rather
/// than protocol buffers: a value may be of several kinds, and a member may be
/// missing. Threads: plain values.
namespace callgate::cel {

/// A set of kinds, one bit each.
using Kinds = std::uint8_t;
constexpr Kinds bit(Kind kind) { return static_cast<Kinds>(1U << static_cast<unsigned>(kind)); }
inline constexpr Kinds any_kind = static_cast<Kinds>(bit(Kind::fault) - 1U);

/// "text or a number" of a set.
std::string called(Kinds kinds);

struct Field;

struct Type {
  Kinds kinds = any_kind;
  bool knows_fields = false;  ///< a member that is not among `fields` is a mistake
  std::vector<Field> fields;  ///< of a map; in any order
  std::shared_ptr<const Type> element;  ///< of a list; null: anything
  /// The only texts that it can be; empty: any. They have no order.
  std::vector<std::string> words;

  const Field* find(std::string_view name) const;
};

struct Field {
  std::string name;
  Type type;
  bool required = false;
};

struct Variable {
  std::string name;  ///< may be qualified: `tool.risk`
  Type type;
};

/// What an expression may speak of.
struct Scope {
  std::vector<Variable> variables;  ///< an evaluation is given their values in this order
  std::vector<std::string_view> later_variables;  ///< of the language, and not there yet
  std::vector<std::string_view> later_functions;
  std::string_view owner = "the tool";  ///< whose arguments these are, in messages
  /// An expression for several tools: that one of them lacks an argument is a
  /// warning where it is read, and none behind `has`.
  bool serves_many = false;
};

}  // namespace callgate::cel
