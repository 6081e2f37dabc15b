#include "generate/property.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "generate/tables.hpp"
#include "generate/text_bounds.hpp"
#include "generate/yaml_writer.hpp"

namespace callgate::generate {
namespace {

constexpr std::size_t longest_name = 200;       ///< of an argument that a rule speaks of
constexpr std::size_t longest_bad_text = 300;   ///< a test with a longer one could not be read
constexpr std::uint64_t batch_bound = 64;
constexpr std::uint64_t item_length = 65'536;

/// The alternatives that are not null, and whether null is one.
void take_alternatives(Property& property, json::Value list, const ExampleMaker& maker) {
  std::vector<json::Value> others;
  for (const json::Value each : list.elements()) {
    const json::Value alternative = maker.resolve(each);
    const auto type = alternative.find("type");
    if (type && type->equals("null")) {
      property.nullable = true;
    } else {
      others.push_back(alternative);
    }
  }
  property.main = others.size() == 1 ? others.front() : json::Value();
}

void take_type(Property& property) {
  if (!property.main) return;
  const auto type = property.main.find("type");
  if (!type) return;
  if (type->is_string()) property.type = type->string();
  if (!type->is_array()) return;
  std::vector<std::string> names;
  for (const json::Value each : type->elements()) {
    if (each.equals("null")) {
      property.nullable = true;
    } else if (each.is_string()) {
      names.push_back(each.string());
    }
  }
  if (names.size() == 1) property.type = names.front();
}

std::string typed(const Property& property, std::string_view type) {
  return property.nullable ? fmt::format(R"("type":["{}","null"])", type) : fmt::format(R"("type":"{}")", type);
}

/// A text as JSON that is `size` long.
std::string long_text(std::uint64_t size) { return '"' + std::string(size, 'x') + '"'; }

/// Collects the keywords of a clause with values that each of them refuses.
class Keywords {
 public:
  explicit Keywords(json::Value own) : own_(own) {}

  bool lacks(std::string_view keyword) const { return !own_ || !own_.find(keyword); }
  void add(std::string_view keyword, std::string value) { text_ += fmt::format(R"(,"{}":{})", keyword, value); }
  void refuses(std::string value) { bad_.push_back(std::move(value)); }

  void lengths(const TextBounds& bounds) {
    if (bounds.min_length && *bounds.min_length > 0 && lacks("minLength")) {
      add("minLength", std::to_string(*bounds.min_length));
      if (*bounds.min_length <= longest_bad_text) refuses(long_text(*bounds.min_length - 1));
    }
    if (bounds.max_length && lacks("maxLength")) {
      add("maxLength", std::to_string(*bounds.max_length));
      if (*bounds.max_length < longest_bad_text) refuses(long_text(*bounds.max_length + 1));
    }
    if (!bounds.pattern.empty() && lacks("pattern")) {
      add("pattern", json::quoted(bounds.pattern));
      refuses(R"("no such text!")");
    }
  }

  bool empty() const { return text_.empty(); }
  const std::string& text() const { return text_; }
  std::vector<std::string> take_bad() { return std::move(bad_); }

 private:
  json::Value own_;
  std::string text_;
  std::vector<std::string> bad_;
};

std::string said(const TextBounds& bounds) { return fmt::format("from the text: \"{}\"", comment_line(bounds.quote)); }

std::optional<Clause> text_clause(const Property& property, Guards guards) {
  const TextBounds bounds = read_text_bounds(property.description, Bounded::text);
  Keywords words(property.main);
  words.lengths(bounds);
  std::string comment = words.empty() ? "" : said(bounds);
  const bool open = words.lacks("pattern") && words.lacks("format") && bounds.pattern.empty();
  if (guards.targets && open && Tables::built_in().is_kind(property.name, "target")) {
    words.add("pattern", R"("^[^*]*$")");
    words.refuses(R"("x*")");
    comment += comment.empty() ? "no star: one thing at a time" : "; no star: one thing at a time";
  }
  if (words.empty()) return std::nullopt;
  return Clause{.argument = property.name, .schema = fmt::format("{{{}{}}}", typed(property, "string"), words.text()), .comment = std::move(comment), .bad = words.take_bad()};
}

std::optional<Clause> number_clause(const Property& property) {
  const TextBounds bounds = read_text_bounds(property.description, Bounded::number);
  Keywords words(property.main);
  if (bounds.minimum && words.lacks("minimum") && words.lacks("exclusiveMinimum")) {
    words.add("minimum", std::to_string(*bounds.minimum));
    words.refuses(std::to_string(*bounds.minimum - 1));
  }
  if (bounds.maximum && words.lacks("maximum") && words.lacks("exclusiveMaximum")) {
    words.add("maximum", std::to_string(*bounds.maximum));
    words.refuses(std::to_string(*bounds.maximum + 1));
  }
  if (words.empty()) return std::nullopt;
  const std::string good = bounds.minimum ? std::to_string(*bounds.minimum) : std::string();
  return Clause{.argument = property.name, .schema = fmt::format("{{{}{}}}", typed(property, property.type), words.text()), .comment = said(bounds), .good = good, .bad = words.take_bad()};
}

/// A value that the elements of the list may have.
std::optional<std::string> element_of(const Property& property) {
  const auto items = property.main.find("items");
  if (!items) return "\"x\"";
  return ExampleMaker(property.main).value(*items);
}

std::optional<Clause> list_clause(const Property& property, Guards guards) {
  Keywords words(property.main);
  if (!words.lacks("maxItems")) return std::nullopt;
  const TextBounds bounds = read_text_bounds(property.description, Bounded::list);
  if (!bounds.max_items && !guards.batches) return std::nullopt;
  const std::uint64_t most = bounds.max_items.value_or(batch_bound);
  words.add("maxItems", std::to_string(most));
  if (const auto element = element_of(property); element && !property.main.find("uniqueItems") && (element->size() + 1) * (most + 1) <= 4 * longest_bad_text) {
    std::string list = "[";
    for (std::uint64_t i = 0; i <= most; ++i) list += (i == 0 ? "" : ",") + *element;
    words.refuses(list + "]");
  }
  const auto items = property.main.find("items");
  const auto type = items ? items->find("type") : std::nullopt;
  if (!bounds.max_items && type && type->equals("string") && !items->find("maxLength") && !items->find("enum")) {
    words.add("items", fmt::format(R"({{"type":"string","maxLength":{}}})", item_length));
  }
  std::string comment = bounds.max_items ? said(bounds) : fmt::format("our bound: {} at once is a batch, more is a flood", batch_bound);
  return Clause{.argument = property.name, .schema = fmt::format("{{{}{}}}", typed(property, "array"), words.text()), .comment = std::move(comment), .bad = words.take_bad()};
}

/// A free object that holds one key with a text.
std::optional<Clause> object_clause(const Property& property) {
  if (property.main.find("properties")) return std::nullopt;
  const TextBounds bounds = read_text_bounds(property.description, Bounded::free_object);
  if (bounds.key.empty()) return std::nullopt;
  Keywords words{json::Value()};
  words.lengths(bounds);
  const std::string key = json::quoted(bounds.key);
  Clause clause{.argument = property.name,
                .schema = fmt::format(R"({{{},"properties":{{{}:{{"type":"string"{}}}}},"required":[{}],"additionalProperties":false}})", typed(property, "object"), key, words.text(), key),
                .comment = said(bounds)};
  for (const std::string& bad : words.take_bad()) clause.bad.push_back(fmt::format("{{{}:{}}}", key, bad));
  clause.bad.push_back("{}");
  return clause;
}

}  // namespace

std::vector<Property> read_properties(json::Value input_schema, const ExampleMaker& maker) {
  std::vector<Property> all;
  const auto properties = input_schema.find("properties");
  if (!properties || !properties->is_object()) return all;
  const auto required = input_schema.find("required");
  for (const json::Member member : properties->members()) {
    Property property{.name = member.key.string(), .schema = maker.resolve(member.value)};
    if (property.name.size() > longest_name || !property.schema.is_object()) continue;
    property.main = property.schema;
    for (const std::string_view choice : {"anyOf", "oneOf"}) {
      if (const auto list = property.schema.find(choice); list && list->is_array()) take_alternatives(property, *list, maker);
    }
    take_type(property);
    property.bounded = property.main && (property.main.find("enum") || property.main.find("const"));
    for (const json::Value from : {property.schema, member.value}) {
      if (const auto text = from.find("description"); text && text->is_string()) property.description = text->string();
    }
    if (required && required->is_array()) {
      for (const json::Value each : required->elements()) property.required |= each.equals(property.name);
    }
    all.push_back(std::move(property));
  }
  return all;
}

bool names_its_arguments(json::Value input_schema) {
  for (const std::string_view keyword : {"$ref", "allOf", "anyOf", "oneOf", "patternProperties", "propertyNames", "dependentSchemas", "if", "unevaluatedProperties"}) {
    if (input_schema.find(keyword)) return false;
  }
  return input_schema.find("properties").has_value();
}

std::optional<Clause> clause_for(const Property& property, Guards guards) {
  if (!property.main || property.bounded) return std::nullopt;
  if (property.type == "string") return text_clause(property, guards);
  if (property.type == "integer" || property.type == "number") return number_clause(property);
  if (property.type == "array") return list_clause(property, guards);
  if (property.type == "object") return object_clause(property);
  return std::nullopt;
}

}  // namespace callgate::generate
