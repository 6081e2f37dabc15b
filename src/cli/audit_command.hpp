#pragma once

#include <functional>
#include <ostream>
#include <span>
#include <string_view>

#include "cli/approvals_view.hpp"
#include "cli/exit.hpp"
#include "config/environment.hpp"

namespace callgate::cli {

/// `callgate audit tail | search | verify [DIR]`: reads the journals under DIR
/// (a data folder, its `journal`, or one chain); changes nothing and needs no
/// running gateway. `tail --follow` ends at SIGINT or SIGTERM. Exit: ok; refused (`verify`: a chain is damaged; `search
/// --id`: no such record); usage; unavailable (no journal there, not readable).
Exit audit(std::span<const std::string_view> args, std::ostream& out, std::ostream& err);

/// Where the command stands; tests bring their own.
struct AuditSetting {
  Showing showing;
  const config::Environment& environment;
  /// Waits a moment between two looks of `tail --follow`; false ends it.
  std::function<bool()> wait;
};
Exit audit(std::span<const std::string_view> args, const AuditSetting& setting, std::ostream& out, std::ostream& err);

}  // namespace callgate::cli
