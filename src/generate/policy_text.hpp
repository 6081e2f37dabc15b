#pragma once

#include <span>
#include <string>
#include <string_view>

#include "generate/rule.hpp"

namespace callgate::generate {

/// The rule as it stands under `tools:`, with its comments; indented by two.
std::string rule_text(const Rule& rule);
/// Its tests as they stand under `expect:`; empty where there are none.
std::string tests_text(const Rule& rule);

/// A whole policy. `heading` are lines for its first comment, clean already.
std::string policy_text(std::span<const Rule> rules, std::string_view heading);

/// Whether a condition can ask whether this argument is there.
bool can_be_asked_for(std::string_view argument);

/// `60s`, `1h`
std::string window_text(std::chrono::seconds window);

}  // namespace callgate::generate
