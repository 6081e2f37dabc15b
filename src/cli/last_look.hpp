#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "base/json.hpp"

namespace callgate::cli {

/// How a server's tools differ from those at the last look.
struct Change {
  enum class Kind : std::uint8_t { added, changed, removed };
  Kind kind = Kind::added;
  std::string tool;
  std::string difference;  ///< for people; empty where the tool is new or gone
};
std::string_view word(Change::Kind kind);

struct Drift {
  bool first = false;  ///< nobody has looked before: nothing to compare with
  std::vector<Change> changes;
};

/// Compares with what was kept at the last look in `data`, and keeps this one.
/// `tools` is a JSON array of definitions. Definitions that differ only in what
/// a fingerprint does not count are the same.
/// Errors: `unavailable`, where the folder cannot be written; what was kept and
/// cannot be read counts as none.
Result<Drift> look_again(const std::filesystem::path& data, std::string_view server, std::string_view address, std::string_view tools);

}  // namespace callgate::cli
