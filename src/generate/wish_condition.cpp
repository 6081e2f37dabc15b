#include "generate/wish_condition.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <memory>
#include <optional>
#include <utility>

#include "generate/yaml_writer.hpp"
#include "registry/fingerprint.hpp"
#include "schema/schema.hpp"

namespace callgate::generate {
namespace {

constexpr double largest = 1e15;  ///< beyond it a double does not tell neighbours apart

std::optional<double> plain_number(json::Value value) {
  const std::string_view text = value.text();
  double number = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (!value.is_number() || problem != std::errc{} || end != text.data() + text.size() || std::fabs(number) > largest) return std::nullopt;
  return number;
}

std::shared_ptr<const schema::Schema> compiled(json::Value schema) { return schema::Schema::compile(schema).value_or(nullptr); }

bool takes(const std::shared_ptr<const schema::Schema>& schema, const std::string& value) {
  if (schema == nullptr) return true;
  const auto document = json::OwnedDocument::parse(value);
  return document && !schema->validate((*document)->root());
}

/// The types that a schema names, those of its alternatives together; empty: it names none.
std::vector<std::string> types_of(json::Value schema, const ExampleMaker& maker) {
  std::vector<std::string> types;
  if (!schema.is_object()) return types;
  const auto type = schema.find("type");
  if (type && type->is_string()) types.push_back(type->string());
  if (type && type->is_array()) {
    for (const json::Value each : type->elements()) {
      if (each.is_string()) types.push_back(each.string());
    }
  }
  if (type) return types;
  for (const std::string_view keyword : {"anyOf", "oneOf"}) {
    const auto alternatives = schema.find(keyword);
    if (!alternatives || !alternatives->is_array()) continue;
    for (const json::Value each : alternatives->elements()) {
      const json::Value one = each.is_object() ? maker.resolve(each) : each;
      const auto named = one.is_object() ? one.find("type") : std::nullopt;
      if (!named || !named->is_string()) return {};
      types.push_back(named->string());
    }
    return types;
  }
  return types;
}

bool is_one(const std::vector<std::string>& types, std::string_view type) { return std::ranges::find(types, type) != types.end(); }

bool fits_a_type(const std::vector<std::string>& types, json::Value value) {
  if (types.empty()) return true;
  if (value.is_number()) return is_one(types, "number") || is_one(types, "integer");
  return is_one(types, value.is_string() ? "string" : value.is_boolean() ? "boolean" : "null");
}

/// "a text", "a number"; of several types the first.
std::string_view named(const std::vector<std::string>& types) {
  if (types.front() == "string") return "a text";
  if (types.front() == "number" || types.front() == "integer") return "a number";
  if (types.front() == "boolean") return "true or false";
  return types.front() == "array" ? "a list" : "an object";
}

/// Values at the border of what a condition says.
class Borders {
 public:
  Borders(json::Value condition, json::Value property) : property_(property) {
    collect(condition);
    // What the tool itself names fits it.
    for (const std::string_view keyword : {"enum", "examples"}) {
      const auto own = property_.is_object() ? property_.find(keyword) : std::nullopt;
      if (!own || !own->is_array()) continue;
      std::vector<std::string> values;
      for (const json::Value each : own->elements()) values.emplace_back(each.text());
      inside_.insert(inside_.end(), values.begin(), values.end());
      outside_.push_back(std::move(values));
    }
    for (const std::string_view keyword : {"const", "default", "minimum", "maximum"}) {
      if (const auto own = property_.is_object() ? property_.find(keyword) : std::nullopt) inside_.emplace_back(own->text());
    }
  }

  /// Each list holds values for one keyword, the likeliest first.
  const std::vector<std::vector<std::string>>& outside() const { return outside_; }
  const std::vector<std::string>& inside() const { return inside_; }

 private:
  void collect(json::Value condition) {
    if (const auto parts = condition.find("allOf")) {
      for (const json::Value each : parts->elements()) collect(each);
    }
    numbers(condition, "maximum", 0, 1);
    numbers(condition, "exclusiveMaximum", -1, 0);
    numbers(condition, "minimum", 0, -1);
    numbers(condition, "exclusiveMinimum", 1, 0);
    if (const auto values = condition.find("enum")) listed(*values);
    const auto without = condition.find("not");
    if (const auto values = without ? without->find("enum") : std::nullopt) excluded(*values);
    if (const auto pattern = condition.find("pattern")) beginning(pattern->string(), without.has_value());
  }

  /// `in` and `out` are steps from the bound to the nearest whole numbers inside and outside of it.
  void numbers(json::Value condition, std::string_view keyword, int in, int out) {
    const auto bound = condition.find(keyword);
    const auto value = bound ? plain_number(*bound) : std::nullopt;
    if (!value) return;
    const bool upper = out > 0 || in < 0;
    const double whole_in = upper ? std::floor(*value) : std::ceil(*value);
    for (const double each : {*value + in, whole_in + in, *value + in / 2.0, multiple(*value + in, upper), multiple(*value + in / 1e6, upper)}) inside_.push_back(fmt::format("{}", each));
    const double whole_out = upper ? std::ceil(*value) : std::floor(*value);
    outside_.push_back({fmt::format("{}", *value + out), fmt::format("{}", whole_out), fmt::format("{}", whole_out + (upper ? 1 : -1)), fmt::format("{}", multiple(*value + (upper ? 1 : -1), !upper))});
  }

  /// The nearest one that the argument's own `multipleOf` takes.
  double multiple(double value, bool down) const {
    const auto step = property_.is_object() ? property_.find("multipleOf") : std::nullopt;
    const auto size = step ? plain_number(*step) : std::nullopt;
    if (!size || *size <= 0) return value;
    return (down ? std::floor(value / *size) : std::ceil(value / *size)) * *size;
  }

  void listed(json::Value values) {
    std::vector<std::string> others;
    for (const json::Value each : values.elements()) {
      inside_.emplace_back(each.text());
      if (each.is_string()) others.push_back(json::quoted(each.string() + "x"));
      if (const auto number = plain_number(each)) others.push_back(fmt::format("{}", *number + 1));
      if (each.is_boolean()) others.emplace_back(each.text() == "true" ? "false" : "true");
    }
    outside_.push_back(std::move(others));
  }

  void excluded(json::Value values) {
    std::vector<std::string> all;
    for (const json::Value each : values.elements()) {
      all.emplace_back(each.text());
      if (each.is_string()) inside_.push_back(json::quoted(each.string() + "x"));
      if (const auto number = plain_number(each)) inside_.push_back(fmt::format("{}", *number + 1));
      if (each.is_boolean()) inside_.emplace_back(each.text() == "true" ? "false" : "true");
    }
    outside_.push_back(std::move(all));
  }

  void beginning(const std::string& pattern, bool place) {
    const auto text = text_for_pattern(pattern, 0);
    if (!text) return;
    inside_.push_back(json::quoted(*text));
    inside_.push_back(json::quoted(*text + "x"));
    outside_.push_back({json::quoted("x" + *text), json::quoted("x")});
    if (place) outside_.push_back({json::quoted(*text + (text->ends_with('/') ? "../x" : "/../x"))});
  }

  json::Value property_;
  std::vector<std::string> inside_;
  std::vector<std::vector<std::string>> outside_;
};

/// A value in the condition that the argument never has.
std::string foreign_value(json::Value values, const std::vector<std::string>& types) {
  for (const json::Value each : values.elements()) {
    if (fits_a_type(types, each)) continue;
    const bool mends = each.is_string() ? is_one(types, "number") || is_one(types, "integer") || is_one(types, "boolean") : is_one(types, "string");
    return fmt::format("never {}{}", comment_line(each.text()), !mends ? "" : each.is_string() ? ": leave the quotation marks out" : ": put it in quotation marks");
  }
  return {};
}

/// What the types alone say against it.
std::string fault_of_types(json::Value condition, const std::vector<std::string>& types) {
  if (types.empty()) return {};
  if (const auto parts = condition.find("allOf")) {
    for (const json::Value each : parts->elements()) {
      if (std::string fault = fault_of_types(each, types); !fault.empty()) return fault;
    }
  }
  for (const std::string_view keyword : {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"}) {
    if (condition.find(keyword) && !is_one(types, "number") && !is_one(types, "integer")) return "which is not compared with a number";
  }
  if (condition.find("pattern") && !is_one(types, "string")) return "which does not start with a text";
  const auto values = condition.find("enum");
  const auto without = condition.find("not");
  const auto excluded = without ? without->find("enum") : std::nullopt;
  std::string fault = values ? foreign_value(*values, types) : std::string();
  return fault.empty() && excluded ? foreign_value(*excluded, types) : fault;
}

/// Whether the values that were tried are all that need to be: any that fits has one of them beside it.
bool tells_all(json::Value asked, json::Value own) {
  if (asked.find("enum") || !own.is_object() || own.find("enum")) return true;
  constexpr std::array<std::string_view, 9> hidden{"$ref", "allOf", "anyOf", "oneOf", "not", "if", "pattern", "format", "minLength"};
  return !asked.find("pattern") && std::ranges::none_of(hidden, [own](std::string_view keyword) { return own.find(keyword).has_value(); });
}

}  // namespace

TriedCondition try_condition(const WishCondition& condition, std::string_view tool, json::Value property, const ExampleMaker& maker) {
  TriedCondition tried;
  const json::Value own = property.is_object() ? maker.resolve(property) : property;
  const auto document = json::OwnedDocument::parse(condition.schema);
  if (!document) {
    tried.fault = fmt::format("what is wished of `{}` cannot be written: its text is no UTF-8", comment_line(condition.argument));
    return tried;
  }
  const json::Value asked = (*document)->root();
  const std::vector<std::string> types = types_of(own, maker);
  if (const std::string fault = fault_of_types(asked, types); !fault.empty()) {
    tried.fault = fmt::format("`{}` of `{}` is {}, {}", comment_line(condition.argument), comment_line(tool), named(types), fault);
    return tried;
  }
  const auto own_schema = compiled(own);
  const auto asked_schema = compiled(asked);
  const Borders borders(asked, own);
  const auto fits = [&](const std::string& value) { return takes(own_schema, value) && takes(asked_schema, value); };
  std::vector<std::string> candidates = borders.inside();
  ExampleMaker examples(own);
  if (own.is_object()) {
    if (auto example = examples.value(own)) candidates.push_back(std::move(*example));
  }
  if (const auto found = std::ranges::find_if(candidates, fits); found != candidates.end()) tried.good = *found;
  for (const auto& values : borders.outside()) {
    const auto refused = std::ranges::find_if(values, [&](const std::string& value) { return takes(own_schema, value) && !takes(asked_schema, value); });
    if (refused != values.end() && std::ranges::find(tried.bad, *refused) == tried.bad.end()) tried.bad.push_back(*refused);
  }
  if (tried.good.empty() && tells_all(asked, own)) tried.fault = fmt::format("no value of `{}` that `{}` takes meets what is wished of it", comment_line(condition.argument), comment_line(tool));
  return tried;
}

}  // namespace callgate::generate
