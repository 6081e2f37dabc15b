#pragma once

#include <optional>
#include <string>

#include "cel/checker.hpp"

namespace callgate::cel {

/// The path of a value that a variable and fixed members lead to; nothing for any other.
std::optional<std::string> path_of(const Tree& tree, const Scope& scope, const Node& node);

/// The path of one of its members.
std::string member_path(const std::string& path, std::string_view name);

/// Adds the members that are there if `node` comes out as `truth`: what `has`, and
/// `in` over an object, asked for.
void add_present(const Tree& tree, const Scope& scope, const Node& node, bool truth, Present& present);

}  // namespace callgate::cel
