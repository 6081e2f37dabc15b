#pragma once

#include <ostream>
#include <span>
#include <string_view>

#include "cli/exit.hpp"
#include "config/run_flags.hpp"

namespace callgate::cli {

/// `callgate run` and `callgate serve` from their arguments on.
Exit gateway_command(config::Command command, std::span<const std::string_view> args, std::ostream& out, std::ostream& err);

}  // namespace callgate::cli
