#include "mcp/read_value.hpp"

#include <fmt/format.h>

#include "mcp/message.hpp"

namespace callgate::mcp {

bool is_token(json::Value value) {
  if (value.is_string()) return value.raw_string().size() <= max_id_bytes;
  return value.is_number() && value.is_integer() && value.text().size() <= max_id_bytes;
}

std::unexpected<Error> refuse_value(std::string_view what, std::string_view complaint, json::Value at) {
  return fail(ErrorKind::invalid, fmt::format("`{}` {}", what, complaint), fmt::format("byte {}", at.offset()));
}

Result<Text> read_string(json::Value value, std::string_view what) {
  if (!value.is_string()) return refuse_value(what, "must be a string", value);
  Text text(value);
  // Only an escape can bring a NUL in; a raw one is no JSON.
  if (value.has_escapes() && text.view().find('\0') != std::string_view::npos)
    return refuse_value(what, "holds `\\u0000`", value);
  return text;
}

Result<Text> read_name(json::Value object, std::string_view key, std::size_t max_bytes) {
  const auto value = object.find(key);
  if (!value) return refuse_value(key, "is missing", object);
  auto text = read_string(*value, key);
  if (!text) return text;
  if (text->empty()) return refuse_value(key, "must not be empty", *value);
  if (text->view().size() > max_bytes)
    return refuse_value(key, fmt::format("must be at most {} bytes long", max_bytes), *value);
  return text;
}

Result<json::Value> read_object(json::Value object, std::string_view key) {
  const auto value = object.find(key);
  if (!value) return json::Value();
  if (!value->is_object()) return refuse_value(key, "must be an object", *value);
  return *value;
}

Result<json::Value> read_required_object(json::Value object, std::string_view key) {
  auto value = read_object(object, key);
  if (value && !*value) return refuse_value(key, "is missing", object);
  return value;
}

}  // namespace callgate::mcp
