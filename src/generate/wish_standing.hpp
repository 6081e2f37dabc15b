#pragma once

#include <set>
#include <string>
#include <string_view>

#include "generate/wish.hpp"

/// A wish that changes a policy which is there.
namespace callgate::generate {

/// The most that a rule of the policy in force does for a call of the tool: `allow`
/// also where only one of its cases lets one through.
policy::Verdict standing_action(const Standing& standing, const std::string& tool);

/// Writes the policy in force with the rules of `wished.policy` in it. Of the rule that judges such a tool
/// now everything stays that the wish does not speak of: of `only_limited` ones also the action. What is
/// replaced or taken out is told in `wished.dropped`. Tests that hold no more are taken out and told, too.
void lay_over(Wished& wished, const Standing& standing, std::string_view heading, const std::set<std::string>& only_limited);

}  // namespace callgate::generate
