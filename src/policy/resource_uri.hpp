#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace callgate::policy {

/// A resource's address as rules see it (RFC 3986 section 6.2.2): scheme in
/// small letters, percent-escapes decoded once, dot segments of the path
/// removed; for http(s), ws(s), ftp and file also the host in small letters; for
/// `file` also `file:/x` and `file://localhost/x` as `file:///x` and `//` as `/`.
///
/// Nothing where servers could read the address differently: control
/// characters or bytes that are not UTF-8 after decoding, dot segments after `?`
/// or `#` or beside a backslash, escapes that hide `.`, `/` or `\` twice, more
/// than 64 KiB.
std::optional<std::string> normal_uri(std::string_view uri);

/// The same for a key under `resources`, where `?` and `*` are wildcards and no
/// query begins. A key that differs from its normal form could never match.
std::optional<std::string> normal_uri_key(std::string_view key);

/// A normal address without what some servers do not look at: the fragment, for
/// `file` also the query. Equal to `normal` where it has none.
std::string_view without_fragment(std::string_view normal);

}  // namespace callgate::policy
