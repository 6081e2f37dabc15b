#pragma once

#include <span>
#include <string>
#include <string_view>

#include "base/json.hpp"

/// What makes two tool definitions the same (S10).
namespace callgate::registry {

/// For reading what servers define: deeper and longer than a request may be, and
/// numbers of any size. What was pinned can be read again under the same limits.
inline constexpr json::Limits definition_limits{.max_depth = 520, .max_keys = 4'000'000, .check_number_range = false};

/// The canonical form of an object without the members named in `left_out`.
std::string canonical_without(json::Value object, std::span<const std::string_view> left_out);

/// `sha256:` and 64 hexadecimal digits of the canonical form of the whole
/// definition, unknown members included, `_meta` left out (servers put values
/// there that belong to one request). Equal for definitions that differ only in
/// white space, member order, escapes and the spelling of numbers. Pre: an object.
std::string fingerprint(json::Value definition);

/// The same without what merely names the tool (`name`, `title`): equal for a
/// tool and its renamed twin.
std::string shape(json::Value definition);

/// The same without what a server of both eras may honestly say in one of them only: besides `_meta` the
/// `execution` of 2025-11-25, where it holds nothing but a known word on tasks. Pre: an object.
std::string fingerprint_across_eras(json::Value definition);

}  // namespace callgate::registry
