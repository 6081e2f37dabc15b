#pragma once

#include <chrono>
#include <cstddef>
#include <string_view>

#include "base/error.hpp"

namespace callgate::config {

/// Reads `250ms`, `30s`, `5m`, `1h`, `90d` or whole seconds without a unit.
/// Error: `invalid` with an example; never more than ten years.
Result<std::chrono::milliseconds> parse_duration(std::string_view text);

/// Reads `512B`, `64KiB`, `4MiB`, `1GiB` or bytes without a unit. Powers of ten
/// (`MB`) are refused, since half of the readers mean MiB.
Result<std::size_t> parse_size(std::string_view text);

}  // namespace callgate::config
