#pragma once

#include <cstdint>
#include <istream>
#include <ostream>
#include <span>
#include <string_view>

#include "cli/approvals_view.hpp"
#include "cli/exit.hpp"
#include "config/environment.hpp"

namespace callgate::cli {

/// `callgate approvals list | show ID | approve ID | deny ID`: answers the
/// questions of every gateway that runs on a data folder. Exit: ok; refused
/// (unknown id, no longer waiting, the person said no); usage; unavailable (no
/// gateway runs, or one did not answer).
Exit approvals(std::span<const std::string_view> args, std::ostream& out, std::ostream& err);

/// Where the command stands; tests bring their own.
struct ApprovalsSetting {
  enum class Person : std::uint8_t { absent, at_terminal };
  std::istream& in;
  Person person = Person::absent;  ///< whether somebody can be asked yes or no
  Showing showing;
  const config::Environment& environment;
};
Exit approvals(std::span<const std::string_view> args, const ApprovalsSetting& setting, std::ostream& out,
               std::ostream& err);

}  // namespace callgate::cli
