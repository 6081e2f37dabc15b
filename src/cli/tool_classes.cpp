#include "cli/tool_classes.hpp"

#include <memory>

#include "classify/classifier.hpp"

namespace callgate::cli {
namespace {

registry::Risk risk_of(classify::Risk risk) {
  switch (risk) {
    case classify::Risk::low: return registry::Risk::low;
    case classify::Risk::medium: return registry::Risk::medium;
    case classify::Risk::high: return registry::Risk::high;
    case classify::Risk::critical: return registry::Risk::critical;
  }
  return registry::Risk::unknown;
}

}  // namespace

registry::ClassesOf tool_classes() {
  const auto built = std::make_shared<std::unique_ptr<const classify::Classifier>>();
  return [built](std::span<const json::Value> definitions) {
    if (*built == nullptr) *built = std::make_unique<const classify::Classifier>();
    std::vector<registry::ToolClass> classes;
    for (const classify::Classification& each : (*built)->classify_list(definitions, classify::Hinting::untrusted)) {
      classes.push_back({.risk = risk_of(each.risk), .category = word(each.category)});
    }
    return classes;
  };
}

}  // namespace callgate::cli
