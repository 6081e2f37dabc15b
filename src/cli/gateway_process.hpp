#pragma once

#include <memory>
#include <ostream>
#include <string>

#include "cli/exit.hpp"
#include "config/run_flags.hpp"

namespace callgate::cli {

/// `callgate run` and `callgate serve`: reads their flags, builds every part,
/// hands each to the next, and runs until told to stop.
/// Exit: ok after SIGTERM or the end of stdin; refused for faulty policies;
/// unavailable where a port, folder or file cannot be had.
Exit gateway_command(config::Command command, std::span<const std::string_view> args, std::ostream& out, std::ostream& err);

}  // namespace callgate::cli
