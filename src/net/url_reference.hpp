#pragma once

#include <string>
#include <string_view>

#include "net/address.hpp"

namespace callgate::net {

inline constexpr std::size_t max_reference_bytes = 4096;

/// The path and query that a reference leads to from `base` (RFC 3986 section
/// 5.2), where it stays at that origin: the same scheme, host and port. Both
/// `/messages?x=1` and a whole address may be said.
///
/// Errors: `refused` where it leads elsewhere; `invalid` where it is empty, too
/// long, has a fragment or a byte that no address has.
Result<std::string> target_from(const Url& base, std::string_view reference);

}  // namespace callgate::net
