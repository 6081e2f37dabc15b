#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.hpp"

/// One tool definition with its texts unescaped and its parameters in a flat
/// list. Whatever has the wrong type counts as absent; sizes are bounded, and
/// what was left out is said. Threads: as the document it was read from.
namespace callgate::classify {

inline constexpr std::size_t max_text_bytes = 24 * 1024;      ///< of the description that are read
inline constexpr std::size_t max_parameter_text_bytes = 400;  ///< of each parameter's description
inline constexpr std::size_t max_parameters = 512;
inline constexpr std::size_t max_values = 64;                 ///< of one parameter
inline constexpr std::uint32_t max_parameter_depth = 4;

enum class Type : std::uint8_t { none = 0, string = 1, number = 2, boolean = 4, array = 8, object = 16 };

/// A string with its place in the definition.
struct Text {
  std::string_view text;      ///< as far as it is read
  std::string pointer;        ///< empty: not there
  bool cut = false;           ///< there is more of it
};

struct Value {
  std::string_view text;
  std::string pointer;
};

/// A property of the input schema, or of an object within it.
struct Parameter {
  std::string_view name;
  std::uint32_t above = none;  ///< index of the parameter it belongs to
  std::uint32_t depth = 0;
  bool array_item = false;     ///< stands within the elements of an array
  std::uint8_t types = 0;      ///< of Type; 0: anything
  bool required = false;
  bool bounded = false;        ///< `enum` or `const` closes its values
  bool values_cut = false;     ///< `values` are not all that its lists hold
  bool open_alternative = false; ///< one of its alternatives bounds no value
  bool open_object = false;    ///< an object of no known properties
  std::string_view description;
  std::string description_at;  ///< JSON Pointer of the description
  std::string_view fallback;   ///< the JSON text of its default; empty where none
  std::vector<Value> values;   ///< of `enum`, `const` and their alternatives
  std::string at;              ///< JSON Pointer of its schema

  static constexpr std::uint32_t none = 0xffff'ffff;
  bool may_be(Type type) const { return types == 0 || (types & static_cast<std::uint8_t>(type)) != 0; }
  bool is(Type type) const { return (types & static_cast<std::uint8_t>(type)) != 0; }
};

struct Hints {
  std::optional<bool> read_only;
  std::optional<bool> destructive;
  std::optional<bool> idempotent;
  std::optional<bool> open_world;
  bool any() const { return read_only || destructive || idempotent || open_world; }
};

class Definition {
 public:
  /// `definition` may be any value; the document must outlive this.
  explicit Definition(json::Value definition);
  Definition(const Definition&) = delete;
  Definition& operator=(const Definition&) = delete;

  json::Value written;         ///< the definition as the server gave it
  Text name;
  Text title;
  Text description;
  std::vector<Parameter> parameters;
  Hints hints;
  bool has_schema = false;     ///< an inputSchema with a type or properties
  bool open_arguments = false; ///< checks made from the schema would let anything through
  bool cut = false;            ///< something was too large to be read whole

 private:
  friend class SchemaReader;
  std::string_view keep(json::Value string, std::size_t limit, bool& was_cut);
  Text text(json::Value object, std::string_view key, std::size_t limit);
  void read_hints(json::Value definition);

  std::deque<std::string> unescaped_;
};

}  // namespace callgate::classify
