#include "cli/tool_classes.hpp"

#include <malloc.h>

#include <vector>

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
  return [](std::span<const json::Value> definitions) {
    std::vector<registry::ToolClass> classes;
    {
      const classify::Classifier classifier;
      for (const classify::Classification& each : classifier.classify_list(definitions, classify::Hinting::untrusted)) {
        classes.push_back({.risk = risk_of(each.risk), .category = word(each.category)});
      }
    }
    // The tables are a third of an idle gateway's heap, and lists are read at starts
    // and changes: what they took goes back to the system.
    ::malloc_trim(0);
    return classes;
  };
}

}  // namespace callgate::cli
