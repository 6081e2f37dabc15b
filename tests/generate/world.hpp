#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.hpp"
#include "classify/classifier.hpp"
#include "generate/policy.hpp"
#include "policy/load.hpp"

namespace callgate::generate {

inline const classify::Classifier& classifier() {
  static const classify::Classifier made;
  return made;
}

/// A list of tools, judged, with the policy made for it.
struct World {
  explicit World(std::string_view tools, Language language = this_version) {
    auto parsed = json::OwnedDocument::parse("{\"tools\":" + std::string(tools) + "}", {.max_depth = 520, .check_number_range = false});
    EXPECT_TRUE(parsed.has_value()) << (parsed ? "" : parsed.error().message);
    if (!parsed) return;
    document = std::move(*parsed);
    for (const json::Value each : document->root().find("tools")->elements()) definitions.push_back(each);
    classes = classifier().classify_list(definitions, classify::Hinting::untrusted);
    made = generate_policy("shop", definitions, classes, language);
  }

  const Rule& rule(std::string_view tool) const {
    for (const Rule& each : made.rules) {
      if (each.tool == tool) return each;
    }
    ADD_FAILURE() << "no rule for " << tool << "\n" << made.text;
    static const Rule none;
    return none;
  }

  /// The findings of `policy check --strict` and `policy test`; empty where it passes both.
  std::string faults() const { return faults_of(made.text); }
  std::string faults_of(const std::string& text) const {
    std::string all;
    const auto list = policy::ToolList::parse(std::string(document->bytes()));
    if (!list) return list.error().message;
    const policy::Loaded loaded = policy::load(text, "made", &*list);
    for (const Error& each : loaded.faults) all += each.where + ": " + each.message + "\n";
    for (const Error& each : loaded.warnings) all += each.where + ": " + each.message + "\n";
    for (const policy::Expectation& each : loaded.expectations) {
      const policy::Outcome outcome = policy::run(*loaded.policy, each, &*list);
      if (!outcome.held) all += each.where + ": " + outcome.message + "\n";
    }
    return all;
  }

  std::unique_ptr<json::OwnedDocument> document;
  std::vector<json::Value> definitions;
  std::vector<classify::Classification> classes;
  Generated made;
};

}  // namespace callgate::generate
