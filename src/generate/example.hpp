#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json.hpp"

/// Values that a JSON Schema lets through, for the tests of a policy. Best
/// effort: what comes out is tried against the compiled schema before it is used.
namespace callgate::generate {

/// Arguments of a call by name, each as JSON text.
using Arguments = std::vector<std::pair<std::string, std::string>>;

/// The object as JSON text.
std::string json_of(const Arguments& arguments);
/// Sets or adds one.
void set_member(Arguments& arguments, std::string_view name, std::string value);

/// Makes examples for the schemas of one document. Bounded in depth and steps,
/// so that references in a circle end.
class ExampleMaker {
 public:
  explicit ExampleMaker(json::Value root) : root_(root) {}

  /// JSON text that fits the schema, as far as can be told.
  std::optional<std::string> value(json::Value schema);
  /// Those that an input schema asks for; nothing where one cannot be made.
  std::optional<Arguments> required_arguments(json::Value input_schema);
  /// The schema that a local `$ref` names; the schema itself where there is none.
  json::Value resolve(json::Value schema) const;
  /// What its local `$ref` names, without following further; nothing where there is none.
  std::optional<json::Value> referred(json::Value schema) const;
  static constexpr int most_hops = 8;  ///< from a reference to the next that `resolve` follows

 private:
  std::optional<std::string> make(json::Value schema, unsigned depth);
  std::optional<std::string> make_typed(json::Value schema, std::string_view type, unsigned depth);
  std::optional<std::string> object(json::Value schema, unsigned depth);
  std::optional<std::string> array(json::Value schema, unsigned depth);
  static std::optional<std::string> text(json::Value schema);
  static std::string number(json::Value schema, bool whole);

  json::Value root_;
  std::size_t steps_ = 0;
};

/// A text that fits a regular expression of the common kind (literals, classes,
/// groups, quantifiers); `fill` more repetitions where there may be more.
std::optional<std::string> text_for_pattern(std::string_view pattern, std::size_t fill);

}  // namespace callgate::generate
