#pragma once

#include <ostream>
#include <span>
#include <string_view>

#include "cli/exit.hpp"
#include "cli/policy_files.hpp"

namespace callgate::cli {

/// `callgate policy diff OLD NEW [--tools FILE | --server NAME] [--name NAME] [--json]`: the kinds of
/// call that one of two policies lets through and the other does not, or under
/// other conditions. Exit: ok (none); refused (some, or a file has faults); usage; unavailable.
Exit policy_diff(std::span<const std::string_view> args, std::ostream& out, std::ostream& err);
Exit policy_diff(std::span<const std::string_view> args, Colour colour, std::ostream& out, std::ostream& err);

}  // namespace callgate::cli
