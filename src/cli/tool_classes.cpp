#include "cli/tool_classes.hpp"

#include <malloc.h>

#include <memory>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/json.hpp"
#include "base/sha256.hpp"
#include "classify/classifier.hpp"

namespace callgate::cli {
namespace {

static_assert(static_cast<int>(policy::Risk::low) == static_cast<int>(classify::Risk::low) &&
              static_cast<int>(policy::Risk::critical) == static_cast<int>(classify::Risk::critical));

registry::Risk risk_of(classify::Risk risk) {
  switch (risk) {
    case classify::Risk::low: return registry::Risk::low;
    case classify::Risk::medium: return registry::Risk::medium;
    case classify::Risk::high: return registry::Risk::high;
    case classify::Risk::critical: return registry::Risk::critical;
  }
  return registry::Risk::unknown;
}

/// Everything that an answer depends on, as one digest.
std::string digest_of(const config::Server& server, std::span<const json::Value> definitions) {
  std::string text = server.trust_hints ? "trusted\n" : "\n";
  for (const config::ClassOverride& each : server.classes) {
    for (const std::string_view part : {std::string_view(each.tool), std::string_view(each.definition), each.category, each.risk, std::string_view(each.reason)})
      text += json::quoted(part) + '\n';
  }
  for (const json::Value& each : definitions) (text += each.text()) += '\n';
  return sha256_hex(text);
}

std::vector<registry::ToolClass> judged(const config::Server& server, std::span<const json::Value> definitions, Log& log) {
  const classify::Classifier classifier;
  const ServerClasses found = judge_tools(classifier, definitions, ClassRules::of(server));
  for (const std::string& lapsed : found.lapsed) log.warn("class_lapsed", {{"server", server.name}, {"detail", lapsed}});
  std::vector<registry::ToolClass> classes;
  for (const classify::Classification& each : found.tools) {
    classes.push_back({.risk = risk_of(each.risk), .category = word(each.category), .reason = each.overridden ? each.overridden->reason : ""});
  }
  return classes;
}

}  // namespace

policy::ClassesOf listed_tool_classes(ClassRules rules) {
  return [rules = std::move(rules)](std::span<const json::Value> definitions) {
    std::vector<policy::ToolClass> classes;
    const classify::Classifier classifier;
    for (const classify::Classification& each : judge_tools(classifier, definitions, rules).tools) {
      classes.push_back({.risk = static_cast<policy::Risk>(each.risk), .category = word(each.category)});
    }
    return classes;
  };
}

gateway::ClassesOf tool_classes(Log& log) {
  using Known = std::unordered_map<std::string, std::vector<registry::ToolClass>>;
  return [known = std::make_shared<Known>(), &log](const config::Server& server, std::span<const json::Value> definitions) {
    std::string digest = digest_of(server, definitions);
    if (const auto found = known->find(digest); found != known->end()) return found->second;
    if (known->size() >= 64) known->clear();
    const auto& classes = (*known)[std::move(digest)] = judged(server, definitions, log);
    // The tables are a third of an idle gateway's heap, and new lists are rare:
    // what they took goes back to the system.
    ::malloc_trim(0);
    return classes;
  };
}

}  // namespace callgate::cli
