#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "config/run_flags.hpp"

/// The line for whoever started a gateway: where it can be reached, once calls are taken.
namespace callgate::cli {

struct Ready {
  std::string url;  ///< empty under `run`, which has none
  std::vector<std::pair<std::string, std::string>> servers;  ///< name and URL
  std::string admin;  ///< empty: no listener
  std::vector<std::string> listen;  ///< the addresses that calls are taken at, with the ports that were free
  int pid = 0;
};

/// One JSON object and a line feed; what is empty is null.
std::string ready_line(const Ready& ready);

/// Keeps the descriptor of `--ready-fd` from the servers that are started: its
/// reader waits for the end. Error: `invalid` where it is not open.
Result<void> keep_ready_fd(const config::RunFlags& flags);

/// Writes the line where the flags want it, and closes the descriptor (not one of
/// the standard streams). Error: `unavailable`.
Result<void> tell_ready(const config::RunFlags& flags, std::string_view line);

}  // namespace callgate::cli
