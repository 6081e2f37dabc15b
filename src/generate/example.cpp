#include "generate/example.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>


namespace callgate::generate {
namespace {

constexpr unsigned max_depth = 8;
constexpr std::size_t max_steps = 400;
constexpr std::size_t longest_text = 512;

std::optional<double> number_of(json::Value schema, std::string_view key) {
  const auto found = schema.find(key);
  if (!found || !found->is_number()) return std::nullopt;
  const std::string_view text = found->text();
  double value = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (problem != std::errc{} || end != text.data() + text.size() || std::fabs(value) > 1e15) return std::nullopt;
  return value;
}

std::size_t count_of(json::Value schema, std::string_view key, std::size_t otherwise) {
  const auto value = number_of(schema, key);
  return value && *value >= 0 && *value < 1e6 ? static_cast<std::size_t>(*value) : otherwise;
}

/// The first type that is not null.
std::string type_of(json::Value schema) {
  if (const auto type = schema.find("type")) {
    if (type->is_string()) return type->string();
    if (type->is_array()) {
      for (const json::Value each : type->elements()) {
        if (each.is_string() && !each.equals("null")) return each.string();
      }
      return "null";
    }
  }
  if (schema.find("properties")) return "object";
  return schema.find("items") ? "array" : "string";
}

std::string_view text_of_format(std::string_view format) {
  struct Known {
    std::string_view format;
    std::string_view text;
  };
  static constexpr std::array<Known, 8> known{{{"date-time", "2026-01-02T03:04:05Z"}, {"date", "2026-01-02"}, {"time", "03:04:05Z"},
                                               {"uri", "https://example.org/"}, {"url", "https://example.org/"}, {"email", "someone@example.org"},
                                               {"uuid", "123e4567-e89b-12d3-a456-426614174000"}, {"ipv4", "192.0.2.1"}}};
  const auto* found = std::ranges::find(known, format, &Known::format);
  return found == known.end() ? std::string_view{} : found->text;
}

}  // namespace

std::string json_of(const Arguments& arguments) {
  std::string out = "{";
  for (const auto& [name, value] : arguments) out += fmt::format("{}{}:{}", out.size() > 1 ? "," : "", json::quoted(name), value);
  return out + "}";
}

void set_member(Arguments& arguments, std::string_view name, std::string value) {
  const auto found = std::ranges::find(arguments, name, [](const auto& each) { return std::string_view(each.first); });
  if (found != arguments.end()) {
    found->second = std::move(value);
  } else {
    arguments.emplace_back(std::string(name), std::move(value));
  }
}

std::optional<json::Value> ExampleMaker::referred(json::Value schema) const {
  const auto reference = schema.find("$ref");
  if (!reference || !reference->is_string()) return std::nullopt;
  const std::string path = reference->string();
  if (!path.starts_with("#/")) return std::nullopt;
  json::Value at = root_;
  for (std::size_t start = 2; start <= path.size();) {
    const std::size_t end = std::min(path.find('/', start), path.size());
    const auto next = at.find(std::string_view(path).substr(start, end - start));
    if (!next) return std::nullopt;
    at = *next;
    start = end + 1;
  }
  return at;
}

json::Value ExampleMaker::resolve(json::Value schema) const {
  for (int hops = 0; hops < most_hops; ++hops) {
    const auto next = referred(schema);
    if (!next) return schema;
    schema = *next;
  }
  return schema;
}

std::optional<std::string> ExampleMaker::value(json::Value schema) {
  steps_ = 0;
  return make(schema, 0);
}

std::optional<Arguments> ExampleMaker::required_arguments(json::Value input_schema) {
  steps_ = 0;
  Arguments arguments;
  const auto required = input_schema.find("required");
  if (!required || !required->is_array()) return arguments;
  const auto properties = input_schema.find("properties");
  for (const json::Value name : required->elements()) {
    if (!name.is_string()) return std::nullopt;
    const auto schema = properties ? properties->find(name.string()) : std::nullopt;
    auto made = schema ? make(*schema, 1) : std::optional<std::string>("\"x\"");
    if (!made) return std::nullopt;
    set_member(arguments, name.string(), std::move(*made));
  }
  return arguments;
}

std::optional<std::string> ExampleMaker::make(json::Value schema, unsigned depth) {
  if (depth > max_depth || ++steps_ > max_steps) return std::nullopt;
  schema = resolve(schema);
  if (schema.is_boolean()) return schema.boolean() ? std::optional<std::string>("\"x\"") : std::nullopt;
  if (!schema.is_object()) return std::nullopt;
  if (const auto fixed = schema.find("const")) return std::string(fixed->text());
  if (const auto values = schema.find("enum"); values && values->is_array()) {
    for (const json::Value each : values->elements()) {
      if (!each.is_null()) return std::string(each.text());
    }
    return std::nullopt;
  }
  for (const std::string_view choice : {"anyOf", "oneOf", "allOf"}) {
    const auto list = schema.find(choice);
    if (!list || !list->is_array() || schema.find("properties")) continue;
    for (const json::Value each : list->elements()) {
      const auto type = each.find("type");
      if (type && type->equals("null")) continue;
      if (auto made = make(each, depth + 1)) return made;
    }
  }
  return make_typed(schema, type_of(schema), depth);
}

std::optional<std::string> ExampleMaker::make_typed(json::Value schema, std::string_view type, unsigned depth) {
  if (type == "object") return object(schema, depth);
  if (type == "array") return array(schema, depth);
  if (type == "boolean") return "false";
  if (type == "null") return "null";
  if (type == "integer" || type == "number") return number(schema, type == "integer");
  return text(schema);
}

std::optional<std::string> ExampleMaker::object(json::Value schema, unsigned depth) {
  Arguments members;
  if (const auto required = schema.find("required"); required && required->is_array()) {
    const auto properties = schema.find("properties");
    for (const json::Value name : required->elements()) {
      if (!name.is_string()) return std::nullopt;
      const auto below = properties ? properties->find(name.string()) : std::nullopt;
      auto made = below ? make(*below, depth + 1) : std::optional<std::string>("\"x\"");
      if (!made) return std::nullopt;
      set_member(members, name.string(), std::move(*made));
    }
  }
  return json_of(members);
}

std::optional<std::string> ExampleMaker::array(json::Value schema, unsigned depth) {
  const std::size_t count = count_of(schema, "minItems", 0);
  if (count > 16) return std::nullopt;
  std::string out = "[";
  const auto items = schema.find("items");
  for (std::size_t i = 0; i < count; ++i) {
    const auto made = items && items->is_object() ? make(*items, depth + 1) : std::optional<std::string>("\"x\"");
    if (!made) return std::nullopt;
    out += (i == 0 ? "" : ",") + *made;
  }
  return out + "]";
}

std::optional<std::string> ExampleMaker::text(json::Value schema) {
  const std::size_t least = count_of(schema, "minLength", 0);
  const std::size_t most = count_of(schema, "maxLength", longest_text);
  if (least > longest_text) return std::nullopt;
  if (const auto pattern = schema.find("pattern"); pattern && pattern->is_string()) {
    auto made = text_for_pattern(pattern->string(), 0);
    if (made && made->size() < least) made = text_for_pattern(pattern->string(), least - made->size());
    if (!made || made->size() > longest_text) return std::nullopt;
    return json::quoted(*made);
  }
  if (const auto format = schema.find("format"); format && format->is_string()) {
    const std::string_view known = text_of_format(format->string());
    if (!known.empty() && known.size() >= least && known.size() <= most) return json::quoted(known);
  }
  return json::quoted(std::string(std::max<std::size_t>(least, most == 0 ? 0 : 1), 'x'));
}

std::string ExampleMaker::number(json::Value schema, bool whole) {
  const double step = whole ? 1 : 0.5;
  double low = number_of(schema, "minimum").value_or(-1e15);
  if (const auto above = number_of(schema, "exclusiveMinimum")) low = std::max(low, *above + step);
  double high = number_of(schema, "maximum").value_or(1e15);
  if (const auto below = number_of(schema, "exclusiveMaximum")) high = std::min(high, *below - step);
  double value = std::clamp(1.0, std::min(low, high), high);
  if (whole) value = std::ceil(value);
  if (const auto multiple = number_of(schema, "multipleOf"); multiple && *multiple > 0) value = std::ceil(value / *multiple) * *multiple;
  return std::floor(value) == value ? fmt::format("{}", static_cast<std::int64_t>(value)) : fmt::format("{}", value);
}

}  // namespace callgate::generate
