#pragma once

#include <set>
#include <string>
#include <vector>

#include "cel/notice.hpp"
#include "cel/tree.hpp"
#include "cel/type.hpp"

namespace callgate::cel {

/// Members that are known to be there, by the path that leads to them.
using Present = std::set<std::string>;

struct Findings {
  std::vector<Notice> faults;    ///< what can never be right
  std::vector<Notice> warnings;  ///< an optional member that is read without `has`
};

/// Holds an expression against the types of its variables. Says every fault at
/// once. `known` are members that are there whenever the expression is evaluated.
Findings check(const Tree& tree, const Scope& scope, const Present& known);

/// The members that are there if the expression comes out as `truth`.
Present present_after(const Tree& tree, const Scope& scope, bool truth);

}  // namespace callgate::cel
