#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "cel/expression.hpp"

/// Expressions over `args` and `tool` in one line each.
namespace callgate::cel {

inline Scope scope(Type args = {.kinds = bit(Kind::map)}) {
  const Type text{.kinds = bit(Kind::text)};
  Type risk = text;
  risk.words = {"Low", "Medium", "High", "Critical"};
  return {.variables = {{"args", std::move(args)}, {"tool.name", text}, {"tool.risk", risk}},
          .later_variables = {"now", "principal"},
          .later_functions = {"seen"},
          .owner = "the tool `t`"};
}

inline std::unique_ptr<json::OwnedDocument> document(std::string_view json) {
  auto read = json::OwnedDocument::parse(std::string(json));
  if (!read) ADD_FAILURE() << read.error().message << ": " << json;
  return read ? std::move(*read) : nullptr;
}

/// "true", "false", or what is wrong with the expression or the evaluation.
inline std::string outcome(std::string_view text, std::string_view args = "{}", Budget budget = {}) {
  const auto expression = Expression::parse(std::string(text), scope());
  if (!expression) return std::to_string(expression.error().at) + ": " + expression.error().message;
  const auto arguments = document(args);
  const std::vector<Value> variables = {Value::document(arguments->root()), Value::text("tool"), Value::text("High")};
  const Value value = expression->evaluate(variables, budget);
  if (value.is_fault()) return "fault: " + expression->describe(value.fault());
  return value.truth() ? "true" : "false";
}

}  // namespace callgate::cel
