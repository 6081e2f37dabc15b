#include "mcp/param_headers.hpp"

#include <algorithm>
#include <string_view>

#include "mcp/ascii.hpp"
#include "mcp/read_value.hpp"

namespace callgate::mcp {

namespace {

constexpr std::string_view annotation = "x-mcp-header";

/// RFC 9110 section 5.6.2.
bool is_token_char(char c) {
  constexpr std::string_view others = "!#$%&'*+-.^_`|~";
  return (c >= '0' && c <= '9') || (lower(c) >= 'a' && lower(c) <= 'z') || others.contains(c);
}

bool is_data(json::Value key) {
  return key.equals("default") || key.equals("const") || key.equals("enum") || key.equals("examples");
}

/// An annotation anywhere below a keyword that is not `properties`.
std::optional<json::Value> find_annotation(json::Value value) {
  if (value.is_array()) {
    for (const json::Value each : value.elements()) {
      if (const auto found = find_annotation(each)) return found;
    }
  }
  if (!value.is_object()) return std::nullopt;
  for (const auto [key, inner] : value.members()) {
    if (key.equals(annotation) && inner.is_string()) return key;
    if (is_data(key)) continue;
    if (const auto found = find_annotation(inner)) return found;
  }
  return std::nullopt;
}

class Collector {
 public:
  Result<void> collect(json::Value schema) {
    for (const auto [key, value] : schema.members()) {
      if (key.equals("properties") && value.is_object()) {
        if (auto fine = properties(value); !fine) return fine;
      } else if (!is_data(key) && !key.equals(annotation)) {
        if (const auto found = find_annotation(value))
          return refuse_value(annotation, "must be reached by `properties` alone", *found);
      }
    }
    return {};
  }
  std::vector<ParamHeader> take() { return std::move(headers_); }

 private:
  Result<void> properties(json::Value properties) {
    for (const auto [name, schema] : properties.members()) {
      if (!schema.is_object()) continue;
      path_.push_back(name.string());
      if (const auto value = schema.find(annotation)) {
        if (auto fine = add(*value, schema); !fine) return fine;
      }
      if (auto fine = collect(schema); !fine) return fine;
      path_.pop_back();
    }
    return {};
  }

  Result<void> add(json::Value value, json::Value schema) {
    const std::string name = value.is_string() ? value.string() : std::string();
    if (name.empty() || !std::ranges::all_of(name, is_token_char))
      return refuse_value(annotation, "must be an HTTP token", value);
    const auto same = [&](const ParamHeader& other) { return equal_fold(other.name, name); };
    if (std::ranges::any_of(headers_, same)) return refuse_value(annotation, "stands twice", value);
    const auto type = schema.find("type");
    if (!type || !(type->equals("string") || type->equals("integer") || type->equals("boolean")))
      return refuse_value(annotation, "must be on a string, an integer or a boolean", value);
    headers_.push_back({.name = name, .path = path_});
    return {};
  }

  std::vector<std::string> path_;
  std::vector<ParamHeader> headers_;
};

}  // namespace

Result<std::vector<ParamHeader>> read_param_headers(json::Value input_schema) {
  if (!input_schema.is_object()) return std::vector<ParamHeader>();
  Collector collector;
  if (auto fine = collector.collect(input_schema); !fine) return std::unexpected(std::move(fine.error()));
  return collector.take();
}

std::optional<json::Value> find_argument(json::Value arguments, const ParamHeader& header) {
  std::optional<json::Value> at = arguments;
  for (const std::string& name : header.path) {
    if (!at || !*at) return std::nullopt;
    at = at->find(name);
  }
  return at;
}

}  // namespace callgate::mcp
