#include "catalogue/parameters.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>
#include <string_view>

#include "catalogue/escape.hpp"
#include "generate/example.hpp"
#include "generate/property.hpp"

namespace callgate::catalogue {
namespace {

constexpr unsigned max_depth = 3;
constexpr std::size_t longest_bounds = 400;

std::string type_word(const generate::Property& property) {
  // A reference that leads out of the definition is not followed: what passes is not known.
  const json::Value main = property.main ? property.main : property.schema;
  const std::string_view untold = property.bounded ? "one of a list" : main.find("$ref") ? "defined elsewhere" : "any";
  std::string word = property.type.empty() ? std::string(untold) : property.type;
  if (property.type == "array" && property.main) {
    const auto items = property.main.find("items");
    const auto of = items ? items->find("type") : std::nullopt;
    if (of && of->is_string()) word += " of " + of->string();
  }
  return property.nullable ? word + " or null" : word;
}

/// Keywords that bound a value, in the order of the page.
std::string bounds_of(json::Value schema) {
  static constexpr std::array<std::string_view, 14> keywords{"enum",      "const",    "minimum",  "exclusiveMinimum", "maximum",     "exclusiveMaximum", "multipleOf",
                                                             "minLength", "maxLength", "pattern", "format",           "minItems",    "maxItems",         "uniqueItems"};
  std::string out;
  for (const std::string_view keyword : keywords) {
    const auto value = schema.find(keyword);
    if (!value) continue;
    const std::string shown = without_secrets(value->text());
    out += fmt::format("{}{} {}", out.empty() ? "" : ", ", keyword, shown.size() > longest_bounds ? shown.substr(0, longest_bounds) + "…" : shown);
  }
  return out;
}

class Flattening {
 public:
  Flattening(json::Value root, const generate::Rule* rule, std::vector<ParameterRow>& rows) : maker_(root), rule_(rule), rows_(rows) {}

  void take(json::Value schema, const std::string& above, unsigned depth) {
    for (const generate::Property& property : generate::read_properties(schema, maker_)) {
      if (rows_.size() > max_parameter_rows) return;
      ParameterRow row{.path = above + property.name, .type = type_word(property), .required = property.required, .description = property.description};
      const json::Value main = property.main ? property.main : property.schema;
      row.bounds = bounds_of(main);
      if (const auto fallback = property.schema.find("default"); fallback && !fallback->is_null()) row.fallback = without_secrets(fallback->text());
      const auto more = main.find("additionalProperties");
      row.free_object = property.type == "object" && !main.find("properties") && !(more && more->is_boolean() && !more->boolean());
      if (depth == 0) row.from_text = text_bounds(property.name);
      const auto items = property.type == "array" ? main.find("items") : std::nullopt;
      const json::Value inside = property.type == "object" ? main : items ? maker_.resolve(*items) : json::Value();
      row.deeper = depth + 1 >= max_depth && inside && inside.is_object() && inside.find("properties").has_value();
      rows_.push_back(std::move(row));
      if (depth + 1 < max_depth && inside) take(inside, above + property.name + (items ? "[]." : "."), depth + 1);
    }
  }

 private:
  std::string text_bounds(std::string_view name) const {
    if (rule_ == nullptr) return {};
    const auto found = std::ranges::find(rule_->clauses, name, &generate::Clause::argument);
    constexpr std::string_view prefix = "from the text: ";
    return found != rule_->clauses.end() && found->comment.starts_with(prefix) ? found->comment.substr(prefix.size()) : std::string();
  }

  generate::ExampleMaker maker_;
  const generate::Rule* rule_;
  std::vector<ParameterRow>& rows_;
};

}  // namespace

std::pair<std::size_t, std::size_t> count_arguments(json::Value definition) {
  const auto schema = definition.find("inputSchema");
  const auto properties = schema ? schema->find("properties") : std::nullopt;
  if (!properties || !properties->is_object()) return {0, 0};
  const auto required = schema->find("required");
  std::set<std::string> asked;
  if (required && required->is_array()) {
    for (const json::Value each : required->elements()) {
      if (each.is_string() && properties->find(each.string())) asked.insert(each.string());
    }
  }
  return {properties->size(), asked.size()};
}

std::vector<ParameterRow> parameters_of(json::Value definition, const generate::Rule* rule) {
  std::vector<ParameterRow> rows;
  const auto schema = definition.find("inputSchema");
  if (schema && schema->is_object()) Flattening(*schema, rule, rows).take(*schema, "", 0);
  return rows;
}

}  // namespace callgate::catalogue
