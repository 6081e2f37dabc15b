#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "generate/recorded.hpp"

namespace callgate::cli {

/// The forwarded calls of one server's tools that the journals of a folder hold.
struct RecordedCalls {
  std::vector<generate::RecordedCall> calls;
  std::vector<std::string> other_servers;  ///< that the journals speak of; hostile
};

/// Errors: `not_found`, `unavailable`.
Result<RecordedCalls> recorded_calls(const std::string& folder, std::string_view server);

}  // namespace callgate::cli
