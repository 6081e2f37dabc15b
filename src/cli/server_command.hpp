#pragma once

#include <ostream>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cli/exit.hpp"
#include "cli/offline.hpp"
#include "config/config.hpp"
#include "store/rows.hpp"

namespace callgate::cli {

/// `callgate server add | list | show | tools | policy | pin | remove`, on the store of
/// the data folder. Running gateways notice within a second.
/// Exit: ok; refused (name taken or unknown, faulty policy); usage; unavailable.
Exit server(std::span<const std::string_view> args, std::ostream& out, std::ostream& err);
Exit server(std::span<const std::string_view> args, const Offline& offline, std::ostream& out, std::ostream& err);

/// `server pin`, in server_pin.cpp.
Exit server_pin(const OfflineRun& run);

/// A registered server as the gateway is told of one; what its file says of classes
/// is read by `add_registered`.
config::Server as_config(const store::Server& server);

struct LeftOut {
  std::string server;
  std::string why;
  bool faulty = false;  ///< its file of classes cannot be read
  bool operator==(const LeftOut&) const = default;
};

/// Adds the registered servers to a configuration. One source per object: names
/// that it has already stay as they are. Answers those that are left out: a server
/// whose file of classes cannot be read could have tools that are judged too low.
std::vector<LeftOut> add_registered(config::Config& config, std::span<const store::Server> servers);

}  // namespace callgate::cli
