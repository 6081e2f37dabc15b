#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "config/config.hpp"

namespace callgate::cli {

/// What one server lists now.
struct LiveList {
  std::string server;
  std::string address;
  Result<std::string> tools;  ///< a JSON array of its definitions, in its order; or why there is none
  std::string protocol{};     ///< the revision that was spoken
  std::string server_info{};  ///< what it says of itself, as JSON; empty: nothing
  std::vector<std::string> left_out{};  ///< tools that a gate would not show, and why; one sentence each
};

/// Called when one more server has answered, or failed.
using Progress = std::function<void(std::size_t done, std::size_t all, const LiveList& last)>;

/// Starts or reaches all servers of `config` at once, reads their lists of tools
/// to the last page and ends them. No tool is called. What is sent is recorded
/// in the journal of `config.data`, as all of the gateway's own traffic is. A
/// server's `start_timeout` bounds each of its answers.
/// Errors: `unavailable`, where the folder or its journal cannot be had.
Result<std::vector<LiveList>> read_live_lists(const config::Config& config, const Progress& progress);

}  // namespace callgate::cli
