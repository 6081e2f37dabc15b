#pragma once

#include <string>
#include <string_view>

#include "base/json.hpp"
#include "classify/definition.hpp"

namespace callgate::classify {

/// Flattens an input schema into a definition's parameters: properties, those
/// of objects within them and of array elements, through `$ref` within the
/// definition and through `anyOf`, `oneOf`, `allOf`. Bounded in number and
/// depth, so that references in a circle end.
class SchemaReader {
 public:
  SchemaReader(Definition& out, json::Value definition) : out_(out), definition_(definition) {}
  void read();

 private:
  struct Within {
    std::uint32_t above = Parameter::none;
    std::uint32_t depth = 0;
    bool array_item = false;
  };
  void read_object(json::Value schema, const std::string& at, Within within);
  void read_property(json::Member property, const std::string& at, Within within, bool required);
  void read_facts(json::Value schema, const std::string& at, std::uint32_t parameter, std::uint32_t alternatives);
  void read_values(json::Value schema, const std::string& at, std::uint32_t parameter);
  void read_alternatives(json::Value schema, const std::string& at, std::uint32_t parameter, std::uint32_t depth);
  /// The schema that a `$ref` names, and its pointer; the schema itself where it names none that is known.
  json::Value resolve(json::Value schema, std::string& at) const;
  void add_value(json::Value value, std::string at, std::uint32_t parameter);

  /// Schemas looked at; alternatives of alternatives grow without end otherwise.
  std::size_t visits_ = 0;
  Definition& out_;
  json::Value definition_;
};

}  // namespace callgate::classify
