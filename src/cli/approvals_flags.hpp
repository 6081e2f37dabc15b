#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/error.hpp"

namespace callgate::cli {

/// What stands on the command line of `callgate approvals`.
struct ApprovalsFlags {
  enum class Verb : std::uint8_t { help, list, show, approve, deny };
  Verb verb = Verb::help;
  std::string id;  ///< upper case; of show, approve and deny
  bool json = false;
  bool all = false;
  bool yes = false;
  std::string reason;
  std::optional<std::filesystem::path> data;
};

/// Error: `invalid`, naming the word that does not fit.
Result<ApprovalsFlags> read_approvals_flags(std::span<const std::string_view> args);

extern const std::string_view approvals_help;

}  // namespace callgate::cli
