#pragma once

#include <ostream>
#include <string>

#include "base/error.hpp"
#include "config/run_flags.hpp"

namespace callgate::cli {

/// Whether these flags name a server and no policy for it.
bool needs_starting_policy(const config::RunFlags& flags);

/// The file of the policy that a start without `--policy` runs under: made from
/// what the server lists, printed on `err`, and kept in DATA/policies for the
/// starts that follow, where it may be edited. It belongs to the server's name
/// and address. No tool is called.
/// Errors: `unavailable` where the server or the data folder cannot be had;
/// `refused` where the server lists no tool that a rule can be made for.
Result<std::string> starting_policy(const config::Config& config, std::ostream& err);

}  // namespace callgate::cli
