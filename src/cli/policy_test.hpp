#pragma once

#include <ostream>
#include <span>
#include <string_view>

#include "cli/exit.hpp"
#include "cli/policy_files.hpp"

namespace callgate::cli {

/// `callgate policy test FILE [--tools FILE | --server NAME] [--name NAME] [--json]`: runs the policy's own
/// `expect` blocks. Exit: ok (all hold); refused (one does not, or the file has
/// faults); usage; unavailable (unreadable).
Exit policy_test(std::span<const std::string_view> args, std::ostream& out, std::ostream& err);
Exit policy_test(std::span<const std::string_view> args, Colour colour, std::ostream& out, std::ostream& err);

}  // namespace callgate::cli
