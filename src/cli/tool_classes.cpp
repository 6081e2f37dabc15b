#include "cli/tool_classes.hpp"

#include <malloc.h>

#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

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

/// The bytes that are judged, as one digest.
std::string digest_of(std::span<const json::Value> definitions) {
  std::string text;
  for (const json::Value& each : definitions) (text += each.text()) += '\n';
  return sha256_hex(text);
}

std::vector<registry::ToolClass> judged(std::span<const json::Value> definitions) {
  const classify::Classifier classifier;
  std::vector<registry::ToolClass> classes;
  for (const classify::Classification& each : classifier.classify_list(definitions, classify::Hinting::untrusted)) {
    classes.push_back({.risk = risk_of(each.risk), .category = word(each.category)});
  }
  return classes;
}

}  // namespace

policy::ClassesOf listed_tool_classes() {
  return [](std::span<const json::Value> definitions) {
    std::vector<policy::ToolClass> classes;
    const classify::Classifier classifier;
    for (const classify::Classification& each : classifier.classify_list(definitions, classify::Hinting::untrusted)) {
      classes.push_back({.risk = static_cast<policy::Risk>(each.risk), .category = word(each.category)});
    }
    return classes;
  };
}

registry::ClassesOf tool_classes() {
  using Known = std::unordered_map<std::string, std::vector<registry::ToolClass>>;
  return [known = std::make_shared<Known>()](std::span<const json::Value> definitions) {
    std::string digest = digest_of(definitions);
    if (const auto found = known->find(digest); found != known->end()) return found->second;
    if (known->size() >= 64) known->clear();
    const auto& classes = (*known)[std::move(digest)] = judged(definitions);
    // The tables are a third of an idle gateway's heap, and new lists are rare:
    // what they took goes back to the system.
    ::malloc_trim(0);
    return classes;
  };
}

}  // namespace callgate::cli
