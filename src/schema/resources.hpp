#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/json.hpp"
#include "schema/schema.hpp"

namespace callgate::schema {

/// A schema document, or a part of it that has an `$id` of its own.
struct Resource {
  std::string address;  ///< absolute, without fragment; empty for a root without `$id`
  std::uint32_t root = 0;
  Dialect dialect = Dialect::draft2020_12;
};

/// Which part of one schema text has which address: `$id`, `$anchor`, and in
/// draft-07 `$id: "#name"`. Looks only where the dialect's keywords hold
/// subschemas, so an `$id` in an `enum` or under an unknown keyword names nothing.
/// Draft 2020-12 core sections 8.2 and 9.2.
class Resources {
 public:
  /// Looks the whole text through.
  Resources(json::Value root, const CompileOptions& options);

  /// What is wrong with ids and anchors (`invalid`) and dialects (`unsupported`),
  /// at most `options.max_faults`; `where` is a JSON Pointer.
  const std::vector<Error>& faults() const { return faults_; }

  /// The subschema that `reference`, written in `from`, points to. Nothing is
  /// ever fetched: `unsupported` when it leads outside, `invalid` when it leads nowhere.
  Result<json::Value> find(json::Value from, std::string_view reference);

  /// Pre: the constructor or find() came by this subschema.
  const Resource& of(json::Value subschema) const { return resources_[resource_of_[subschema.index()]]; }

 private:
  void walk(json::Value schema, std::uint32_t resource);
  void walk_keyword(std::string_view keyword, json::Value value, std::uint32_t resource);
  Result<std::uint32_t> enter(json::Value schema, std::uint32_t outer);
  Result<std::uint32_t> take_id(json::Value schema, json::Value id, std::uint32_t outer, Dialect spoken);
  Result<void> add_anchor(std::string_view keyword, json::Value name, json::Value schema, std::uint32_t resource);
  Result<json::Value> follow(std::uint32_t resource, std::string_view pointer);
  Result<Dialect> dialect(json::Value schema, Dialect outer) const;
  std::string where(json::Value value) const;

  json::Value root_;
  std::int64_t steps_left_;
  std::size_t max_faults_;
  std::vector<Error> faults_;
  std::vector<Resource> resources_;
  std::vector<std::uint32_t> resource_of_;  ///< by node; `unknown` where no keyword puts a schema
  std::unordered_map<std::string, std::uint32_t> by_address_;
  std::unordered_map<std::string, std::uint32_t> anchors_;  ///< `address#name` to node
};

}  // namespace callgate::schema
