#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "base/json.hpp"
#include "classify/classifier.hpp"
#include "config/config.hpp"
#include "config/environment.hpp"
#include "store/rows.hpp"

namespace callgate::cli {

/// What a configuration says of how one server's tools are judged.
struct ClassRules {
  classify::Hinting hinting = classify::Hinting::untrusted;
  std::vector<config::ClassOverride> overrides;

  static ClassRules of(const config::Server& server);
  /// Of a registered one. Errors: `unavailable`, where its file of classes cannot be read.
  static Result<ClassRules> of(const store::Server& server);
};

/// `callgate.yaml`, whole. Errors: `unavailable`, with every fault a line.
Result<config::Config> read_config_file(const std::string& file, const config::Environment& environment);

/// What a file's configuration says of that server's classes. Errors:
/// `unavailable`, where no server of the name stands in it.
Result<ClassRules> class_rules_in(const config::Config& config, const std::string& file, std::string_view server);

/// One list, judged.
struct ServerClasses {
  std::vector<classify::Classification> tools;  ///< in the list's order
  /// Overrides that hold no more, each a sentence: the tool has another definition,
  /// or is not listed.
  std::vector<std::string> lapsed;
};

/// Judges a list, then puts what an operator said in place of it. An override
/// speaks of the whole tool, so the acts of such a tool are no longer judged one
/// by one; it holds for the very definition that it names.
ServerClasses judge_tools(const classify::Classifier& classifier, std::span<const json::Value> definitions, const ClassRules& rules);

/// The second step by itself. Answers what has lapsed.
std::vector<std::string> put_overrides(std::span<classify::Classification> tools, std::span<const json::Value> definitions,
                                       std::span<const config::ClassOverride> overrides);

}  // namespace callgate::cli
