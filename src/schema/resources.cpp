#include "schema/resources.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>

#include "schema/pointer.hpp"
#include "schema/uri.hpp"

namespace callgate::schema {
namespace {

constexpr std::uint32_t unknown = std::numeric_limits<std::uint32_t>::max();

// Keywords that hold a schema or an array of schemas, and those that hold them by name.
constexpr std::array<std::string_view, 16> holders = {"additionalProperties",
                                                      "unevaluatedProperties",
                                                      "propertyNames",
                                                      "additionalItems",
                                                      "unevaluatedItems",
                                                      "items",
                                                      "prefixItems",
                                                      "contains",
                                                      "not",
                                                      "if",
                                                      "then",
                                                      "else",
                                                      "allOf",
                                                      "anyOf",
                                                      "oneOf",
                                                      "contentSchema"};
constexpr std::array<std::string_view, 6> maps = {"properties", "patternProperties", "dependentSchemas", "dependencies",
                                                  "$defs",      "definitions"};

bool is_schema(json::Value value) { return value.is_object() || value.is_boolean(); }

bool is_anchor(std::string_view text) {
  const auto alpha = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
  const auto other = [](char c) { return (c >= '0' && c <= '9') || c == '-' || c == '.' || c == ':'; };
  return !text.empty() && alpha(text[0]) && std::ranges::all_of(text, [&](char c) { return alpha(c) || other(c); });
}

std::string anchor_key(const Address& address) { return fmt::format("{}#{}", address.resource, address.fragment); }

std::string unescaped_token(std::string_view token) {
  std::string out;
  for (std::size_t i = 0; i < token.size(); ++i) {
    const bool escape = token[i] == '~' && i + 1 < token.size();
    out += escape && token[i + 1] == '1' ? '/' : token[i];
    if (escape && (token[i + 1] == '0' || token[i + 1] == '1')) ++i;
  }
  return out;
}

std::optional<json::Value> element(json::Value array, std::string_view token) {
  std::size_t index = 0;
  const auto [end, error] = std::from_chars(token.data(), token.data() + token.size(), index);
  if (error != std::errc{} || end != token.data() + token.size() || (token.size() > 1 && token[0] == '0'))
    return std::nullopt;
  if (index >= array.size()) return std::nullopt;
  for (const json::Value value : array.elements()) {
    if (index-- == 0) return value;
  }
  return std::nullopt;
}

}  // namespace

Resources::Resources(json::Value root, const CompileOptions& options)
    : root_(root),
      steps_left_(options.max_compile_steps),
      max_faults_(options.max_faults),
      resource_of_(root.document().nodes().size(), unknown) {
  resources_.push_back({.address = "", .root = root.index(), .dialect = options.default_dialect});
  by_address_.emplace("", 0);
  walk(root, 0);
}

std::string Resources::where(json::Value value) const { return pointer_to(root_, value); }

Result<Dialect> Resources::dialect(json::Value schema, Dialect outer) const {
  const auto named = schema.find("$schema");
  if (!named) return outer;
  std::string name = named->is_string() ? named->string() : "";
  if (name.ends_with('#')) name.pop_back();
  for (const std::string_view scheme : {"https://", "http://"}) {
    if (!name.starts_with(scheme)) continue;
    const std::string_view rest = std::string_view(name).substr(scheme.size());
    if (rest == "json-schema.org/draft/2020-12/schema") return Dialect::draft2020_12;
    // Draft-06 is draft-07 without `if`.
    if (rest == "json-schema.org/draft-07/schema" || rest == "json-schema.org/draft-06/schema") return Dialect::draft7;
    if (rest == "json-schema.org/schema") return Dialect::draft2020_12;
  }
  return fail(ErrorKind::unsupported,
              "`$schema` names a dialect that is not known here; draft-07 and draft 2020-12 are", where(*named));
}

void Resources::walk(json::Value schema, std::uint32_t resource) {
  if (!is_schema(schema) || resource_of_[schema.index()] != unknown) return;
  resource_of_[schema.index()] = resource;
  if (!schema.is_object()) return;
  std::uint32_t own = resource;
  if (faults_.size() < max_faults_) {  // the walk goes on: the compiler asks of() for every part
    auto entered = enter(schema, resource);
    own = entered.value_or(resource);
    if (!entered) faults_.push_back(std::move(entered.error()));
  }
  resource_of_[schema.index()] = own;
  std::string scratch;
  for (const json::Member member : schema.members()) walk_keyword(member.key.string(scratch), member.value, own);
}

void Resources::walk_keyword(std::string_view keyword, json::Value value, std::uint32_t resource) {
  if (std::ranges::find(maps, keyword) != maps.end() && value.is_object()) {
    for (const json::Member member : value.members()) walk(member.value, resource);
    return;
  }
  if (std::ranges::find(holders, keyword) == holders.end()) return;
  if (!value.is_array()) return walk(value, resource);
  for (const json::Value each : value.elements()) walk(each, resource);
}

/// Registers the names that `schema` gives itself; answers the resource it belongs to.
Result<std::uint32_t> Resources::enter(json::Value schema, std::uint32_t outer) {
  const auto id = schema.find("$id");
  const bool is_root = schema.index() == root_.index();
  Dialect spoken = resources_[outer].dialect;
  if (is_root || id) {  // `$schema` counts only at the root of a resource
    const auto named = dialect(schema, spoken);
    if (!named) return std::unexpected(named.error());
    spoken = *named;
  }
  if (is_root) resources_[outer].dialect = spoken;
  std::uint32_t own = outer;
  // Draft-07: everything beside `$ref` is ignored, its `$id` too.
  if (id && (spoken != Dialect::draft7 || !schema.find("$ref"))) {
    const auto named = take_id(schema, *id, outer, spoken);
    if (!named) return named;
    own = *named;
  }
  if (spoken == Dialect::draft7) return own;
  for (const std::string_view keyword : {"$anchor", "$dynamicAnchor"}) {
    const auto anchor = schema.find(keyword);
    if (!anchor) continue;
    const auto added = add_anchor(keyword, *anchor, schema, own);
    if (!added) return std::unexpected(added.error());
  }
  return own;
}

Result<std::uint32_t> Resources::take_id(json::Value schema, json::Value id, std::uint32_t outer, Dialect spoken) {
  if (!id.is_string()) return fail(ErrorKind::invalid, "`$id` must be a string", where(id));
  const std::string text = id.string();
  const Address address = resolve(resources_[outer].address, text);
  if (!address.fragment.empty() && spoken != Dialect::draft7) {
    return fail(ErrorKind::invalid, "`$id` must not have a fragment; use `$anchor`", where(id));
  }
  if (text.starts_with('#')) {  // draft-07: a plain name; other fragments name nothing
    if (is_anchor(address.fragment)) anchors_.emplace(anchor_key(address), schema.index());
    return outer;
  }
  if (schema.index() == root_.index()) {
    resources_[0].address = address.resource;
    by_address_.emplace(address.resource, 0);
    return outer;
  }
  const auto own = static_cast<std::uint32_t>(resources_.size());
  if (!by_address_.emplace(address.resource, own).second) {
    return fail(ErrorKind::invalid, "`$id` is already the id of another part of this schema", where(id));
  }
  resources_.push_back({.address = address.resource, .root = schema.index(), .dialect = spoken});
  return own;
}

Result<void> Resources::add_anchor(std::string_view keyword, json::Value name, json::Value schema,
                                   std::uint32_t resource) {
  const std::string text = name.is_string() ? name.string() : "";
  if (!is_anchor(text)) {
    return fail(ErrorKind::invalid, fmt::format("`{}` must be a name of letters, digits, `-`, `_` and `.`", keyword),
                where(name));
  }
  const auto [place, added] = anchors_.emplace(anchor_key({resources_[resource].address, text}), schema.index());
  if (!added && place->second != schema.index()) {
    return fail(ErrorKind::invalid, fmt::format("`{}` is already the name of another part of this schema", keyword),
                where(name));
  }
  return {};
}

Result<json::Value> Resources::find(json::Value from, std::string_view reference) {
  const Address address = resolve(of(from).address, reference);
  const auto resource = by_address_.find(address.resource);
  if (resource == by_address_.end()) {
    return fail(ErrorKind::unsupported,
                "`$ref` leads outside this schema, and nothing is fetched; put its target under `$defs`");
  }
  if (address.fragment.empty() || address.fragment.starts_with('/')) return follow(resource->second, address.fragment);
  const auto anchor = anchors_.find(anchor_key(address));
  if (anchor == anchors_.end())
    return fail(ErrorKind::invalid, "`$ref` names an anchor that this schema does not have");
  return json::Value(&root_.document(), anchor->second);
}

Result<json::Value> Resources::follow(std::uint32_t resource, std::string_view pointer) {
  json::Value at(&root_.document(), resources_[resource].root);
  while (!pointer.empty()) {
    pointer.remove_prefix(1);
    const std::size_t n = std::min(pointer.find('/'), pointer.size());
    const std::string token = unescaped_token(pointer.substr(0, n));
    pointer.remove_prefix(n);
    steps_left_ -= 1 + static_cast<std::int64_t>(at.size());
    if (steps_left_ < 0) return fail(ErrorKind::too_large, "`$ref` occurs too often in this schema");
    const auto next = at.is_array() ? element(at, token) : at.find(token);
    if (!next) return fail(ErrorKind::invalid, "`$ref` points to nothing in this schema");
    at = *next;
    if (resource_of_[at.index()] != unknown) resource = resource_of_[at.index()];
  }
  if (!is_schema(at)) return fail(ErrorKind::invalid, "`$ref` must point to a schema, an object or a boolean");
  // A place that no keyword marks as a schema becomes one by being pointed to.
  const std::size_t before = faults_.size();
  walk(at, resource);
  if (faults_.size() == before) return at;
  Error fault = std::move(faults_[before]);
  faults_.resize(before);
  return std::unexpected(std::move(fault));
}

}  // namespace callgate::schema
