#include "cli/server_classes.hpp"

#include <fmt/format.h>

#include "config/load.hpp"
#include "config/load_server.hpp"
#include "registry/difference.hpp"
#include "registry/fingerprint.hpp"

namespace callgate::cli {
namespace {

using classify::Classification;

void put(Classification& tool, const config::ClassOverride& said) {
  tool.overridden = {.category = tool.category, .risk = tool.risk, .reason = said.reason};
  tool.category = classify::category_of(said.category).value_or(tool.category);
  tool.risk = classify::risk_of(said.risk).value_or(tool.risk);
  tool.modes.reset();
  if (said.category.empty()) return;
  // Whoever has looked at it is not unsure.
  tool.confidence = 1;
  tool.grounds = "operator";
}

}  // namespace

ClassRules ClassRules::of(const config::Server& server) {
  return {.hinting = server.trust_hints ? classify::Hinting::trusted : classify::Hinting::untrusted, .overrides = server.classes};
}

Result<ClassRules> ClassRules::of(const store::Server& server) {
  ClassRules rules{.hinting = server.trust_hints ? classify::Hinting::trusted : classify::Hinting::untrusted};
  if (server.classes.empty()) return rules;
  auto said = config::read_classes_file(server.classes);
  if (!said) return fail(ErrorKind::unavailable, said.error().message);
  rules.overrides = std::move(*said);
  return rules;
}

Result<config::Config> read_config_file(const std::string& file, const config::Environment& environment) {
  config::Loaded loaded = config::load_config(file, environment);
  if (loaded.config) return std::move(*loaded.config);
  std::string all;
  for (const auto* list : {&loaded.faults, &loaded.conflicts}) {
    for (const Error& each : *list) all += fmt::format("{}{}{}{}", all.empty() ? "" : "\n", each.where, each.where.empty() ? "" : ": ", each.message);
  }
  return fail(ErrorKind::unavailable, std::move(all));
}

Result<ClassRules> class_rules_in(const config::Config& config, const std::string& file, std::string_view server) {
  if (const config::Server* found = config.find_server(server)) return ClassRules::of(*found);
  std::string names;
  for (const config::Server& each : config.servers) names += fmt::format("{}`{}`", names.empty() ? "" : ", ", each.name);
  return fail(ErrorKind::unavailable, fmt::format("no server `{}` stands in `{}`; there {}", registry::visible(server), file, names.empty() ? "is none" : "are " + names));
}

std::vector<std::string> put_overrides(std::span<Classification> tools, std::span<const json::Value> definitions, std::span<const config::ClassOverride> overrides) {
  std::vector<std::string> lapsed;
  for (const config::ClassOverride& said : overrides) {
    bool listed = false;
    for (std::size_t i = 0; i < tools.size(); ++i) {
      if (tools[i].tool != said.tool || !definitions[i].is_object()) continue;
      listed = true;
      if (registry::fingerprint(definitions[i]) == said.definition) {
        put(tools[i], said);
      } else {
        lapsed.push_back(fmt::format("what `classes` says of `{}` holds for another definition of it: the tool is judged anew until somebody has looked", said.tool));
      }
    }
    if (!listed) lapsed.push_back(fmt::format("what `classes` says of `{}` holds for no tool of the list", said.tool));
  }
  return lapsed;
}

ServerClasses judge_tools(const classify::Classifier& classifier, std::span<const json::Value> definitions, const ClassRules& rules) {
  ServerClasses judged{.tools = classifier.classify_list(definitions, rules.hinting)};
  judged.lapsed = put_overrides(judged.tools, definitions, rules.overrides);
  return judged;
}

}  // namespace callgate::cli
