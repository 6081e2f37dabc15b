#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/decimal.hpp"
#include "base/json.hpp"
#include "schema/pattern.hpp"
#include "schema/schema.hpp"

/// The compiled form of a schema: one Block a subschema, blocks name each other
/// by number. Written by the compiler, then read only.
namespace callgate::schema {

using BlockId = std::uint32_t;
inline constexpr BlockId no_block = std::numeric_limits<BlockId>::max();
inline constexpr std::uint64_t unbounded = std::numeric_limits<std::uint64_t>::max();

/// Bits of `type`. An integer is a number too, so `number` includes both.
enum TypeBit : std::uint8_t {
  type_null = 1,
  type_boolean = 2,
  type_string = 4,
  type_array = 8,
  type_object = 16,
  type_integer = 32,
  type_number = 64,
  type_any = 127,
};

/// `minimum` and its kin; an absent bound is empty.
struct NumberRules {
  std::optional<Decimal> minimum;
  std::optional<Decimal> maximum;
  std::optional<Decimal> exclusive_minimum;
  std::optional<Decimal> exclusive_maximum;
  std::optional<Decimal> multiple_of;
};

/// Lengths count code points.
struct StringRules {
  std::uint64_t min = 0;
  std::uint64_t max = unbounded;
  const Pattern* pattern = nullptr;
};

struct ArrayRules {
  std::uint64_t min = 0;
  std::uint64_t max = unbounded;
  std::vector<BlockId> prefix;
  BlockId rest = no_block;  ///< for the elements behind the prefix
  BlockId contains = no_block;
  std::uint64_t min_contains = 1;
  std::uint64_t max_contains = unbounded;
  bool contains_marks = false;  ///< 2020-12: matched elements count as evaluated
  bool unique = false;
  BlockId unevaluated = no_block;
};

/// What holds when one member is there: others must be, or a schema applies to the object.
struct Dependency {
  std::vector<std::string> required;
  BlockId schema = no_block;
  const char* keyword = "";
};

/// All that is said about one member name.
struct Property {
  std::string name;
  BlockId schema = no_block;
  bool required = false;
  std::vector<Dependency> dependencies;
};

struct PatternProperty {
  const Pattern* pattern;
  BlockId schema;
};

struct ObjectRules {
  std::uint64_t min = 0;
  std::uint64_t max = unbounded;
  std::vector<Property> properties;  ///< by length, then bytes: one cheap order to search in
  std::size_t required_count = 0;
  std::vector<PatternProperty> patterns;
  BlockId additional = no_block;
  BlockId names = no_block;
  BlockId unevaluated = no_block;

  const Property* find(std::string_view name) const;
};

/// `const` or `enum`: the values that are accepted, by kind, each sorted to search in.
struct ValueSet {
  const char* keyword = "";
  bool accepts_null = false;
  bool accepts_true = false;
  bool accepts_false = false;
  std::vector<std::string> strings;
  std::vector<Decimal> numbers;
  std::vector<std::string> containers;  ///< canonical texts
};

/// Subschemas that look at the same value.
struct Combination {
  BlockId reference = no_block;
  std::vector<BlockId> all_of;
  std::vector<BlockId> any_of;
  std::vector<BlockId> one_of;
  BlockId negated = no_block;
  BlockId condition = no_block;
  BlockId consequence = no_block;
  BlockId alternative = no_block;
};

/// One subschema.
struct Block {
  std::uint32_t node = 0;       ///< where it stands in the schema's own document
  std::string_view applicator;  ///< keyword it stands under; a static text
  std::uint8_t types = type_any;
  bool refuses_all = false;  ///< the schema `false`
  bool marks = false;        ///< has an `unevaluated…` keyword
  std::unique_ptr<NumberRules> number;
  std::unique_ptr<StringRules> string;
  std::unique_ptr<ArrayRules> array;
  std::unique_ptr<ObjectRules> object;
  std::vector<ValueSet> values;
  std::unique_ptr<Combination> combination;

  bool accepts_all() const {
    return types == type_any && !refuses_all && !number && !string && !array && !object && values.empty() &&
           !combination;
  }
};

struct Program {
  std::unique_ptr<json::OwnedDocument> document;
  CompileOptions options;
  std::vector<Block> blocks;  ///< the first is the root
  std::vector<std::unique_ptr<Pattern>> patterns;
};

/// Calls `visit` with each block that looks at the same value as `block` does.
template <class Visit>
void for_each_in_place(const Block& block, Visit visit) {
  const auto one = [&](BlockId id) {
    if (id != no_block) visit(id);
  };
  if (const Combination* c = block.combination.get()) {
    one(c->reference);
    for (const BlockId id : c->all_of) one(id);
    for (const BlockId id : c->any_of) one(id);
    for (const BlockId id : c->one_of) one(id);
    one(c->negated);
    one(c->condition);
    one(c->consequence);
    one(c->alternative);
  }
  if (!block.object) return;
  for (const Property& property : block.object->properties) {
    for (const Dependency& dependency : property.dependencies) one(dependency.schema);
  }
}

}  // namespace callgate::schema
