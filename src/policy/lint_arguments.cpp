#include "policy/lint_arguments.hpp"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/json.hpp"
#include "policy/argument_types.hpp"

namespace callgate::policy {
namespace {

/// What the rule asks, as the types that conditions are checked by.
cel::Type type_of(const yaml::Node& schema, Report& report) {
  std::vector<Error> faults;
  json::Limits limits;
  limits.check_number_range = false;  // as the schema was read
  const auto document = json::OwnedDocument::parse(yaml::to_json(schema, report.file(), faults), limits);
  return document ? type_of_schema((*document)->root()) : cel::Type{};
}

bool share_a_word(const cel::Type& first, const cel::Type& second) {
  return std::ranges::any_of(first.words, [&](const std::string& word) { return std::ranges::find(second.words, word) != second.words.end(); });
}

/// Why no value fits both; empty where one may.
std::string difference(const cel::Type& tool, const cel::Type& rule) {
  if ((tool.kinds & rule.kinds) == 0) return fmt::format("is {} for the tool and {} here", cel::called(tool.kinds), cel::called(rule.kinds));
  const bool are_texts = (tool.kinds & rule.kinds) == cel::bit(cel::Kind::text);
  if (are_texts && !tool.words.empty() && !rule.words.empty() && !share_a_word(tool, rule)) return "has a closed list of values in both, and no value is in both";
  return {};
}

/// The schema takes no argument but those that it names.
bool takes_no_others(const yaml::Node& schema) {
  const yaml::Member* others = schema.find("additionalProperties");
  return others != nullptr && others->value.is_scalar() && others->value.text == "false" && schema.find("patternProperties") == nullptr;
}

}  // namespace

void check_arguments_fit(const Rule& rule, const KnownTool& tool, const yaml::Node& file, Report& report) {
  if (rule.arguments == nullptr || tool.input_schema == nullptr || !rule.checks_own_schema) return;
  const yaml::Node& schema = yaml::at_pointer(file, rule.arguments_pointer);
  const yaml::Node& properties = yaml::at_pointer(file, rule.arguments_pointer + "/properties");
  const cel::Type asked = type_of(schema, report);
  for (const cel::Field& own : tool.arguments.fields) {
    const cel::Field* same = asked.find(own.name);
    const std::string_view effect = own.required || (same != nullptr && same->required) ? "every call is refused" : "every call that holds it is refused";
    if (same != nullptr) {
      const std::string why = difference(own.type, same->type);
      const yaml::Member* place = properties.find(own.name);
      if (!why.empty() && place != nullptr) report.warn(place->key_mark, fmt::format("{} {}: {}", yaml::ticked(own.name), why, effect));
    } else if (own.required && takes_no_others(schema)) {
      report.warn(schema.mark, fmt::format("the tool {} requires {}, which `additionalProperties: false` does not take: every call is refused",
                                           yaml::ticked(tool.name), yaml::ticked(own.name)));
    }
  }
}

}  // namespace callgate::policy
