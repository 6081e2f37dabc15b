#pragma once

#include <gtest/gtest.h>

#include <algorithm>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.hpp"
#include "classify/classifier.hpp"

namespace callgate::classify {

/// The classifier, built once for all tests.
inline const Classifier& classifier() {
  static const Classifier made;
  return made;
}

/// A list of tools from its JSON text.
struct ToolsOf {
  explicit ToolsOf(std::string text) {
    auto parsed = json::OwnedDocument::parse(std::move(text), {.max_depth = 520, .check_number_range = false});
    EXPECT_TRUE(parsed.has_value()) << (parsed ? "" : parsed.error().message);
    if (!parsed) return;
    document = std::move(*parsed);
    for (const json::Value each : document->root().elements()) tools.push_back(each);
  }
  std::unique_ptr<json::OwnedDocument> document;
  std::vector<json::Value> tools;
};

/// The answer for the first tool of a list that is written as JSON.
inline Classification first_of(std::string list, Hinting hinting = Hinting::untrusted) {
  const ToolsOf of(std::move(list));
  return classifier().classify_list(of.tools, hinting).front();
}

inline Classification judge(std::string_view definition, Hinting hinting = Hinting::untrusted) {
  return first_of("[" + std::string(definition) + "]", hinting);
}

/// A definition of a name, a description and parameters as JSON members of `properties`.
inline std::string tool(std::string_view name, std::string_view description, std::string_view properties = "") {
  std::string text = R"({"name":)";
  json::append_quoted(text, name);
  text += R"(,"description":)";
  json::append_quoted(text, description);
  return text.append(R"(,"inputSchema":{"type":"object","properties":{)").append(properties).append("}}}");
}

inline bool has_signal(const Classification& answer, std::string_view signal) {
  return std::ranges::find(answer.signals, signal) != answer.signals.end();
}

inline bool has_rule(const Classification& answer, std::string_view rule) {
  return std::ranges::any_of(answer.evidence, [rule](const Evidence& each) { return each.rule == rule; });
}

}  // namespace callgate::classify
