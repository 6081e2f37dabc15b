#pragma once

#include <ostream>
#include <span>
#include <string_view>

#include "cli/exit.hpp"
#include "cli/policy_files.hpp"

namespace callgate::cli {

/// `callgate policy check FILE... [--strict] [--tools FILE | --server NAME] [--name NAME] [--json]`: every
/// fault of the files at once. Exit: ok; refused (faults, expectations that do
/// not hold, with `--strict` also warnings); usage; unavailable (unreadable).
Exit policy_check(std::span<const std::string_view> args, std::ostream& out, std::ostream& err);
Exit policy_check(std::span<const std::string_view> args, Colour colour, std::ostream& out, std::ostream& err);

}  // namespace callgate::cli
