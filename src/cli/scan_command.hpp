#pragma once

#include <ostream>
#include <span>
#include <string_view>

#include "cli/exit.hpp"
#include "cli/policy_files.hpp"
#include "config/environment.hpp"

namespace callgate::cli {

/// `callgate scan`: what the tools of a server can do, and how bad it can get.
Exit scan(std::span<const std::string_view> args, const config::Environment& environment, Colour colour, std::ostream& out, std::ostream& err);
Exit scan(std::span<const std::string_view> args, std::ostream& out, std::ostream& err);

}  // namespace callgate::cli
