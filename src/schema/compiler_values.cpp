// Keywords that look at one value by itself: type, const, enum, numbers, strings.

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "schema/compiler.hpp"

namespace callgate::schema {
namespace {

constexpr std::array<std::pair<std::string_view, std::uint8_t>, 7> types = {{{"null", type_null},
                                                                             {"boolean", type_boolean},
                                                                             {"string", type_string},
                                                                             {"array", type_array},
                                                                             {"object", type_object},
                                                                             {"integer", type_integer},
                                                                             {"number", type_number | type_integer}}};

std::uint8_t type_named(json::Value name) {
  for (const auto& [text, bits] : types) {
    if (name.equals(text)) return bits;
  }
  return 0;
}

}  // namespace

Result<void> Compiler::type(json::Value value) {
  std::uint8_t bits = 0;
  const auto add = [&](json::Value name) {
    const std::uint8_t named = type_named(name);
    bits |= named;
    return named != 0;
  };
  if (value.is_array()) {
    if (value.size() == 0) return wrong(value, "must name at least one type");
    for (const json::Value each : value.elements()) {
      if (!add(each)) return wrong(each, "must name types of JSON Schema");
    }
  } else if (!add(value)) {
    return wrong(value, "must be a type of JSON Schema, or an array of them");
  }
  block_.types = bits;
  return {};
}

Result<void> Compiler::constant(json::Value value) {
  ValueSet set{.keyword = "const"};
  if (const auto done = accept(set, value); !done) return done;
  block_.values.push_back(std::move(set));
  return {};
}

Result<void> Compiler::enumeration(json::Value value) {
  if (!value.is_array()) return wrong(value, "must be an array");
  ValueSet set{.keyword = "enum"};
  for (const json::Value each : value.elements()) {
    if (const auto done = accept(set, each); !done) return done;
  }
  std::ranges::sort(set.strings);
  std::ranges::sort(set.numbers, [](const Decimal& a, const Decimal& b) { return a < b; });
  std::ranges::sort(set.containers);
  block_.values.push_back(std::move(set));
  return {};
}

Result<void> Compiler::accept(ValueSet& set, json::Value value) const {
  switch (value.kind()) {
    case json::Kind::null:
      set.accepts_null = true;
      break;
    case json::Kind::boolean:
      (value.boolean() ? set.accepts_true : set.accepts_false) = true;
      break;
    case json::Kind::string:
      set.strings.push_back(value.string());
      break;
    case json::Kind::number: {
      auto number = Decimal::parse(value.text());
      if (!number) return wrong(value, "holds a number whose exponent is too large", ErrorKind::too_large);
      set.numbers.push_back(std::move(*number));
      break;
    }
    default:
      json::append_canonical(set.containers.emplace_back(), value);
  }
  return {};
}

Result<void> Compiler::number_bound(json::Value value) {
  if (!value.is_number()) return wrong(value, "must be a number");
  auto number = Decimal::parse(value.text());
  if (!number) return wrong(value, "has too large an exponent", ErrorKind::too_large);
  NumberRules& rules = need(block_.number);
  auto& slot = keyword_ == "minimum"            ? rules.minimum
               : keyword_ == "maximum"          ? rules.maximum
               : keyword_ == "exclusiveMinimum" ? rules.exclusive_minimum
                                                : rules.exclusive_maximum;
  slot = std::move(number);
  return {};
}

Result<void> Compiler::multiple_of(json::Value value) {
  auto number = value.is_number() ? Decimal::parse(value.text()) : std::nullopt;
  if (!number || !number->can_divide()) {
    return wrong(value, "must be a number above zero with at most 18 significant digits");
  }
  need(block_.number).multiple_of = std::move(number);
  return {};
}

Result<void> Compiler::size_bound(json::Value value) {
  const auto number = value.is_number() ? Decimal::parse(value.text()) : std::nullopt;
  if (!number || !number->is_integer() || number->is_negative())
    return wrong(value, "must be an integer, zero or more");
  // Beyond 64 bits no size can come: such a maximum holds always, such a minimum never.
  const auto small = number->as_int64();
  const std::uint64_t size = small ? static_cast<std::uint64_t>(*small) : unbounded;
  if (keyword_ == "minLength") need(block_.string).min = size;
  if (keyword_ == "maxLength") need(block_.string).max = size;
  if (keyword_ == "minItems") need(block_.array).min = size;
  if (keyword_ == "maxItems") need(block_.array).max = size;
  if (keyword_ == "minContains") need(block_.array).min_contains = size;
  if (keyword_ == "maxContains") need(block_.array).max_contains = size;
  if (keyword_ == "minProperties") need(block_.object).min = size;
  if (keyword_ == "maxProperties") need(block_.object).max = size;
  return {};
}

Result<void> Compiler::pattern(json::Value value) {
  if (!value.is_string()) return wrong(value, "must be a string");
  const auto compiled = expression(value.string(), value);
  if (!compiled) return std::unexpected(compiled.error());
  need(block_.string).pattern = *compiled;
  return {};
}

}  // namespace callgate::schema
