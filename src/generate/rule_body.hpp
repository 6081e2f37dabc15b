#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/yaml.hpp"
#include "generate/example.hpp"

/// The rule of one tool as it stands in a file, to be changed and written.
namespace callgate::generate {

/// The members of a rule in their order, as JSON text; set_member() is for them too.
using RuleBody = Arguments;

RuleBody rule_body(const yaml::Node& rule);

/// Null where there is none.
const std::string* part_of(const RuleBody& body, std::string_view key);
void take_out(RuleBody& body, std::string_view key);

/// The lines of the rule below `tools`, its key `indent` blanks in.
std::string rule_lines(std::string_view tool, const RuleBody& body, std::size_t indent);

}  // namespace callgate::generate
