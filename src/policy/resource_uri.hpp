#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace callgate::policy {

/// A resource's address as rules see it: the one form that URL readers (RFC 3986
/// section 6.2.2, URL Standard, urllib) agree on. Scheme in small letters,
/// percent-escapes decoded once, dot segments of the path removed; for http(s),
/// ws(s), ftp and file also the host in small letters, the default port left out
/// and an empty path as `/`; for `file` also `file:/x` and `file://localhost/x`
/// as `file:///x` and `//` as `/`. The form of a form is itself.
///
/// Nothing where servers could read the address differently, which
/// docs/policy-language.md lists, and beyond 64 KiB.
std::optional<std::string> normal_uri(std::string_view uri);

/// The same for a key under `resources`, where `?` and `*` are wildcards and no
/// query begins. A key that differs from its normal form could never match.
std::optional<std::string> normal_uri_key(std::string_view key);

/// A normal address without what some servers do not look at: the fragment and
/// an empty query, for `file` the whole query. Equal to `normal` where it has none.
std::string_view without_fragment(std::string_view normal);

/// What some servers take a normal address for, besides itself: the address
/// without its fragment; for `file` with a host the path alone, or host and path as a path.
std::vector<std::string> other_readings(std::string_view normal);

}  // namespace callgate::policy
