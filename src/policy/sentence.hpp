#pragma once

#include <string>
#include <string_view>

#include "policy/verdict.hpp"

/// The generated sentences: plain words for the agent and the person. They hold
/// names of arguments and keywords, never values.
namespace callgate::policy {

/// What a rule with this action says where its author gave no reason; `thing` is `tool`, `resource` or `prompt`.
std::string action_sentence(Verdict action, std::string_view thing);

/// The same for a case.
std::string case_sentence(Verdict action);

/// The same for `default`.
std::string default_sentence(Verdict action);

std::string argument_sentence(std::string_view path, std::string_view keyword, std::string_view author_reason);
std::string own_schema_sentence(std::string_view path, std::string_view keyword);
std::string twin_sentence(std::string_view path);

/// Of a limit whose `max` is 0: no time to come makes room.
constexpr std::string_view no_call_sentence = "the limit of this rule lets no call pass";

}  // namespace callgate::policy
