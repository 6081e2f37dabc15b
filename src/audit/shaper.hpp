#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "audit/shape.hpp"
#include "base/json.hpp"
#include "base/secret_names.hpp"

/// `arg_shapes` of a record: which arguments get a shape, and the shapes of one
/// call as JSON text. Format and what it gives away: docs/journal.md.
namespace callgate::audit {

/// The arguments that a tool's definition names, one level into objects, and
/// what of each is told. Names that a caller invents are values and get no shape.
class ShapePlan {
 public:
  struct Name {
    std::string text;
    std::string key;       ///< `"/pointer":` as it stands in the record
    KeptBack keeps = KeptBack::nothing;
    bool closed = false;   ///< `enum` or `const` bounds its values: the shape would name one
    std::vector<Name> inside;  ///< of an object, sorted
  };

  ShapePlan() = default;
  /// Of an input schema: `properties`, also behind a local `$ref` and in `anyOf`,
  /// `oneOf`, `allOf`. Bounded in depth, steps and names.
  explicit ShapePlan(json::Value input_schema);

  const std::vector<Name>& names() const { return names_; }
  /// Pre: sorted. Null where it is not among them.
  static const Name* find(const std::vector<Name>& names, std::string_view text);

 private:
  std::vector<Name> names_;  ///< sorted
};

/// Writes the shapes of calls, each tool's by the plan of its definition, which
/// is made once. Threads: one.
class Shaper {
 public:
  static constexpr std::size_t max_entries = 64;
  static constexpr std::size_t max_bytes = 1024;

  /// A JSON object of pointers and words; holds until the next call.
  /// `fingerprint` names `definition`, the tool's JSON text; both are empty for
  /// a tool that nobody knows, of which nothing is told.
  std::string_view shapes_of(std::string_view fingerprint, std::string_view definition, const std::optional<json::Value>& arguments);

 private:
  const ShapePlan& plan_of(std::string_view fingerprint, std::string_view definition);
  bool add_all(json::Value object, const std::vector<ShapePlan::Name>& names, std::size_t reserved);
  bool add(const ShapePlan::Name& name, json::Value value, std::size_t reserved);
  bool has_room(std::string_view key, std::size_t reserved) const;
  void put(std::string_view key, const Shape& shape);

  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
  };
  std::unordered_map<std::string, ShapePlan, Hash, std::equal_to<>> plans_;  ///< by fingerprint
  std::string out_;      ///< keeps its memory
  std::string scratch_;  ///< a key that was written with escapes
  std::size_t entries_ = 0;
};

}  // namespace callgate::audit
