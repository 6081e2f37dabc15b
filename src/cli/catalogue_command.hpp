#pragma once

#include <ostream>
#include <span>
#include <string_view>

#include "cli/exit.hpp"
#include "config/environment.hpp"

namespace callgate::cli {

/// `callgate catalogue build`: a page for every tool.
Exit catalogue(std::span<const std::string_view> args, const config::Environment& environment, std::ostream& out, std::ostream& err);
Exit catalogue(std::span<const std::string_view> args, std::ostream& out, std::ostream& err);

}  // namespace callgate::cli
