#pragma once

#include <ostream>
#include <span>
#include <string_view>

#include "cli/exit.hpp"
#include "cli/offline.hpp"

namespace callgate::cli {

/// `callgate grant create | list | rotate | revoke`, on the store of the data
/// folder. A token is printed once, alone on the standard output, and kept
/// nowhere. Running gateways notice within a second.
/// Exit: ok; refused (name taken or unknown, faulty policy); usage; unavailable.
Exit grant(std::span<const std::string_view> args, std::ostream& out, std::ostream& err);
Exit grant(std::span<const std::string_view> args, const Offline& offline, std::ostream& out, std::ostream& err);

}  // namespace callgate::cli
