#pragma once

#include <string>
#include <vector>

#include "base/error.hpp"
#include "config/run_flags.hpp"
#include "store/store.hpp"

/// Taking up a changed configuration while the gateway runs.
namespace callgate::cli {

/// How the process was started, to read its configuration again the same way.
struct StartedBy {
  config::Command command = config::Command::serve;
  std::vector<std::string> args;  ///< those behind the command's name
};

/// The configuration as file and flags say now. Errors: every fault of it in one
/// message, a line each.
Result<config::RunFlags> read_again(const StartedBy& started);

/// The same with the store's servers.
Result<config::Config> with_registered(config::Config config, store::Store& store);

/// Keys of the file that differ and count only from the next start.
std::vector<std::string> keys_for_next_start(const config::Config& now, const config::Config& fresh);

}  // namespace callgate::cli
