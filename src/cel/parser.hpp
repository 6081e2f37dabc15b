#pragma once

#include <string>

#include "cel/notice.hpp"
#include "cel/tree.hpp"
#include "cel/type.hpp"

namespace callgate::cel {

/// Parses an expression (cel-spec, "Syntax") and resolves its variables. The
/// first fault ends it. What CEL has and this version has not is a fault of kind
/// `unsupported` that says so. Time and memory are linear in the text, which is
/// bounded (tree.hpp).
Checked<Tree> parse(std::string text, const Scope& scope);

}  // namespace callgate::cel
