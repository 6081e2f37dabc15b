#pragma once

#include <ostream>
#include <span>
#include <string_view>

#include "cli/exit.hpp"
#include "config/environment.hpp"

namespace callgate::cli {

/// `callgate policy generate`: a policy to start from, for the tools of a server.
Exit policy_generate(std::span<const std::string_view> args, const config::Environment& environment, std::ostream& out, std::ostream& err);
Exit policy_generate(std::span<const std::string_view> args, std::ostream& out, std::ostream& err);

}  // namespace callgate::cli
