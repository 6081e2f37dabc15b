#pragma once

#include <ostream>
#include <span>
#include <string_view>

#include "cli/exit.hpp"
#include "cli/policy_files.hpp"

namespace callgate::cli {

/// `callgate policy explain FILE --call JSON [--tools FILE | --server NAME] [--name NAME] [--json]`: which rule
/// decides a call and why, step by step. Exit: ok (explained, whatever the
/// verdict); refused (the file has faults); usage; unavailable (unreadable).
Exit policy_explain(std::span<const std::string_view> args, std::ostream& out, std::ostream& err);
Exit policy_explain(std::span<const std::string_view> args, Colour colour, std::ostream& out, std::ostream& err);

}  // namespace callgate::cli
