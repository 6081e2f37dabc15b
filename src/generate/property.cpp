#include "generate/property.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/decimal.hpp"
#include "generate/learned.hpp"
#include "generate/tables.hpp"
#include "generate/text_bounds.hpp"
#include "generate/yaml_writer.hpp"

namespace callgate::generate {
namespace {

constexpr std::size_t longest_name = 200;       ///< of an argument that a rule speaks of
constexpr std::size_t longest_bad_text = 300;   ///< a test with a longer one could not be read
constexpr std::uint64_t batch_bound = 64;
constexpr std::uint64_t item_length = 65'536;

/// Whether a closed list of values holds null.
bool lists_null(json::Value schema) {
  if (const auto only = schema.find("const")) return only->is_null();
  const auto values = schema.find("enum");
  if (!values || !values->is_array()) return false;
  for (const json::Value each : values->elements()) {
    if (each.is_null()) return true;
  }
  return false;
}

/// Whether it lets nothing but null through.
bool is_null_alone(json::Value schema) {
  const auto type = schema.find("type");
  if (type && type->equals("null")) return true;
  const auto values = schema.find("enum");
  return lists_null(schema) && (!values || values->size() == 1);
}

/// The alternatives that are not null, and whether null is one.
void take_alternatives(Property& property, json::Value list, const ExampleMaker& maker) {
  std::vector<json::Value> others;
  for (const json::Value each : list.elements()) {
    const json::Value alternative = maker.resolve(each);
    property.nullable |= is_null_alone(alternative) || lists_null(alternative);
    if (!is_null_alone(alternative)) others.push_back(alternative);
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
  /// `Over::looser`: also over bounds of the schema's own that let more pass.
  enum class Over : std::uint8_t { nothing, looser };
  explicit Keywords(json::Value own, Over over = Over::nothing) : own_(own), over_(over) {}

  bool lacks(std::string_view keyword) const { return !own_ || !own_.find(keyword); }
  void add(std::string_view keyword, std::string value) { text_ += fmt::format(R"(,"{}":{})", keyword, value); }
  void refuses(std::string value) { bad_.push_back(std::move(value)); }

  void lengths(const TextBounds& bounds) {
    if (bounds.min_length && *bounds.min_length > 0 && lacks("minLength")) {
      add("minLength", std::to_string(*bounds.min_length));
      if (*bounds.min_length <= longest_bad_text) refuses(long_text(*bounds.min_length - 1));
    }
    if (bounds.max_length && takes_upper("maxLength", *bounds.max_length)) {
      add("maxLength", std::to_string(*bounds.max_length));
      if (*bounds.max_length < longest_bad_text) refuses(long_text(*bounds.max_length + 1));
    }
    if (!bounds.pattern.empty() && lacks("pattern")) {
      add("pattern", json::quoted(bounds.pattern));
      refuses(R"("no such text!")");
    }
  }

  void range(const TextBounds& bounds) {
    if (bounds.minimum && takes_lower("minimum", *bounds.minimum) && takes_lower("exclusiveMinimum", *bounds.minimum)) {
      add("minimum", std::to_string(*bounds.minimum));
      refuses(std::to_string(*bounds.minimum - 1));
    }
    if (bounds.maximum && takes_upper("maximum", *bounds.maximum) && takes_upper("exclusiveMaximum", *bounds.maximum)) {
      add("maximum", std::to_string(*bounds.maximum));
      refuses(std::to_string(*bounds.maximum + 1));
    }
  }

  bool takes_upper(std::string_view keyword, std::uint64_t bound) const { return lacks(keyword) || is_looser(keyword, bound, std::strong_ordering::less); }

  bool empty() const { return text_.empty(); }
  const std::string& text() const { return text_; }
  std::vector<std::string> take_bad() { return std::move(bad_); }

 private:
  bool takes_upper(std::string_view keyword, std::int64_t bound) const { return lacks(keyword) || is_looser(keyword, bound, std::strong_ordering::less); }
  bool takes_lower(std::string_view keyword, std::int64_t bound) const { return lacks(keyword) || is_looser(keyword, bound, std::strong_ordering::greater); }
  /// Whether the bound stands on this side of the schema's own.
  template <class Number>
  bool is_looser(std::string_view keyword, Number bound, std::strong_ordering side) const {
    const auto own = over_ == Over::looser ? own_.find(keyword) : std::nullopt;
    const auto value = own && own->is_number() ? Decimal::parse(own->text()) : std::nullopt;
    const auto ours = Decimal::parse(std::to_string(bound));
    return value && ours && (*ours <=> *value) == side;
  }

  json::Value own_;
  Over over_;
  std::string text_;
  std::vector<std::string> bad_;
};

std::string said(const TextBounds& bounds) {
  std::string out = "from the text: ";
  for (const std::string& quote : bounds.quotes) out += fmt::format("{}\"{}\"", out.ends_with('"') ? "; " : "", comment_line(quote));
  return out;
}

/// The bounds of one argument, from its description and from calls.
struct Bounds : LearnedBounds {
  Bounds(const Property& property, Bounded what, const SeenValues* seen) {
    TextBounds stated = read_text_bounds(property.description, what);
    if (seen != nullptr) {
      static_cast<LearnedBounds&>(*this) = learn_bounds(std::move(stated), what, property, *seen);
    } else {
      bounds = std::move(stated);
      from_text = bounds.any();
    }
  }
  Keywords::Over over() const { return LearnedBounds::said.empty() ? Keywords::Over::nothing : Keywords::Over::looser; }
  std::string comments() const {
    if (comment.empty()) return generate::said(bounds);
    return from_text ? generate::said(bounds) + "; " + comment : comment;
  }
};

std::optional<Clause> text_clause(const Property& property, Guards guards, const SeenValues* seen) {
  const Bounds from(property, Bounded::text, seen);
  Keywords words(property.main, from.over());
  words.lengths(from.bounds);
  std::string comment = words.empty() ? "" : from.comments();
  const bool open = words.lacks("pattern") && words.lacks("format") && from.bounds.pattern.empty() && (seen == nullptr || is_free_of_signs(*seen));
  if (guards.targets && open && Tables::built_in().is_kind(property.name, "target")) {
    words.add("pattern", R"("^[^*]*$")");
    words.refuses(R"("x*")");
    comment += comment.empty() ? "no star: one thing at a time" : "; no star: one thing at a time";
  }
  if (words.empty()) return std::nullopt;
  std::string good;
  if (from.over() == Keywords::Over::looser && !from.bounds.pattern.empty()) {
    // A zero fits whatever characters are learned.
    const auto least = property.main ? property.main.find("minLength") : std::nullopt;
    good = '"' + std::string(static_cast<std::size_t>(std::clamp<std::int64_t>(least ? least->as_int64().value_or(1) : 1, 1, longest_bad_text)), '0') + '"';
  }
  return Clause{.argument = property.name, .schema = fmt::format("{{{}{}}}", typed(property, "string"), words.text()), .comment = std::move(comment), .learned = from.said,
                .good = std::move(good), .bad = words.take_bad()};
}

std::optional<Clause> number_clause(const Property& property, std::string_view type, const SeenValues* seen) {
  const Bounds from(property, Bounded::number, seen);
  Keywords words(property.main, from.over());
  words.range(from.bounds);
  if (words.empty()) return std::nullopt;
  const std::string good = from.said.empty() && from.bounds.minimum ? std::to_string(*from.bounds.minimum) : std::string();
  return Clause{.argument = property.name, .schema = fmt::format("{{{}{}}}", typed(property, type), words.text()), .comment = from.comments(), .learned = from.said,
                .good = good, .bad = words.take_bad()};
}

/// A value that the elements of the list may have.
std::optional<std::string> element_of(const Property& property) {
  const auto items = property.main ? property.main.find("items") : std::nullopt;
  if (!items) return "\"x\"";
  return ExampleMaker(property.main).value(*items);
}

/// How many elements a list that changes things may have: as many as calls had, where they had more.
bool guards_batches(Guards guards, const SeenValues* seen) {
  return guards.batches && (seen == nullptr || (seen->span.most && static_cast<std::uint64_t>(*seen->span.most) <= batch_bound));
}

std::optional<Clause> list_clause(const Property& property, Guards guards, const SeenValues* seen) {
  const Bounds from(property, Bounded::list, seen);
  Keywords words(property.main, from.over());
  const bool guarded = guards_batches(guards, seen);
  if (!from.bounds.max_items && !guarded) return std::nullopt;
  const std::uint64_t most = from.bounds.max_items.value_or(batch_bound);
  if (!words.takes_upper("maxItems", most)) return std::nullopt;
  words.add("maxItems", std::to_string(most));
  const bool unique = property.main && property.main.find("uniqueItems");
  if (const auto element = element_of(property); element && !unique && (element->size() + 1) * (most + 1) <= 4 * longest_bad_text) {
    std::string list = "[";
    for (std::uint64_t i = 0; i <= most; ++i) list += (i == 0 ? "" : ",") + *element;
    words.refuses(list + "]");
  }
  const auto items = property.main ? property.main.find("items") : std::nullopt;
  const auto type = items ? items->find("type") : std::nullopt;
  // Of the length of elements a record tells nothing.
  if (!from.bounds.max_items && seen == nullptr && type && type->equals("string") && !items->find("maxLength") && !items->find("enum")) {
    words.add("items", fmt::format(R"({{"type":"string","maxLength":{}}})", item_length));
  }
  std::string comment = from.bounds.max_items ? from.comments() : fmt::format("our bound: {} at once is a batch, more is a flood", batch_bound);
  return Clause{.argument = property.name, .schema = fmt::format("{{{}{}}}", typed(property, "array"), words.text()), .comment = std::move(comment), .learned = from.said,
                .bad = words.take_bad()};
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

/// Of a schema and each that it refers to, one after another.
std::vector<json::Value> defaults_of(json::Value schema, const ExampleMaker& maker) {
  std::vector<json::Value> found;
  for (int hops = 0; hops <= ExampleMaker::most_hops; ++hops) {
    if (const auto fallback = schema.find("default")) found.push_back(*fallback);
    const auto next = maker.referred(schema);
    if (!next) break;
    schema = *next;
  }
  return found;
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
    property.nullable |= lists_null(property.schema);
    property.defaults = defaults_of(member.value, maker);
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

std::optional<Clause> clause_for(const Property& listed, Guards guards, const SeenValues* seen) {
  if (listed.bounded) return std::nullopt;
  Property property = listed;
  std::string_view type = property.type;
  if (seen != nullptr) {
    if (type.empty()) type = type_of_values(*seen);
    if (!fits_type(*seen, type)) return std::nullopt;  // calls went through that no clause of one type takes
    property.nullable = property.nullable || seen->kinds.contains(SeenShape::Kind::null);
    if (seen->unknown || seen->count == 0) seen = nullptr;
  }
  if (!property.main && seen == nullptr) return std::nullopt;
  if (type == "string") return text_clause(property, guards, seen);
  if (type == "integer" || type == "number") return number_clause(property, type, seen);
  if (type == "array") return list_clause(property, guards, seen);
  if (type == "object" && property.main) return object_clause(property);
  return std::nullopt;
}

}  // namespace callgate::generate
