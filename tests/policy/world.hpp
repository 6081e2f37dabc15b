#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "policy/load.hpp"

/// A policy and calls of it in one line each.
namespace callgate::policy {

inline std::shared_ptr<const Policy> loaded(std::string_view text) {
  Loaded result = load(text, "p.yaml");
  for (const Error& fault : result.faults) ADD_FAILURE() << fault.where << ": " << fault.message;
  return result.policy;
}

/// A policy of rules for tools: `deny` is the default.
inline std::string tools(std::string_view rules) {
  return "callgate: 1\ndefault: deny\ntools:\n" + std::string(rules);
}

inline Call call(std::string_view json) {
  Result<Call> read = parse_call(json);
  if (!read) ADD_FAILURE() << read.error().message;
  return read.value_or(Call{});
}

/// The same, kept to the end of the program: decisions point into it.
inline const Policy* kept(std::string_view text) {
  static std::map<std::string, std::shared_ptr<const Policy>, std::less<>> policies;
  const auto known = policies.find(text);
  return (known != policies.end() ? known : policies.emplace(text, loaded(text)).first)->second.get();
}

/// Judges a call of a known tool without a schema of its own.
inline Decision judge(const Policy& policy, std::string_view json) { return policy.judge(call(json).request(nullptr)); }
inline Decision judge(std::string_view policy, std::string_view json) {
  const Policy* const snapshot = kept(policy);
  return snapshot == nullptr ? Decision{} : judge(*snapshot, json);
}

inline ToolList tool_list(std::string_view json) {
  Result<ToolList> list = ToolList::parse(std::string(json));
  if (!list) ADD_FAILURE() << list.error().message;
  return list.value_or(ToolList{});
}

}  // namespace callgate::policy
