#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace callgate::policy {

/// Whose spelling is read: an address of a call, or a key of a policy, in which
/// `*` and `?` are wildcards.
enum class Spelling : std::uint8_t { address, key };

/// Schemes that URL readers treat by rules of their own (URL Standard, section
/// 4.2): `http:`, `https:`, `ws:`, `wss:`, `ftp:` and `file:`, given in small
/// letters with the colon.
bool is_special(std::string_view scheme);

/// Whether a key leaves open what `text` is.
bool has_wildcard(std::string_view text, Spelling spelling);

/// The authority of an address (what stands between `//` and the path) in the
/// one form that rules see. Special schemes: small letters, without the default
/// port, `localhost` of `file:` as nothing. Others: escapes decoded.
///
/// Nothing where servers could read it differently. Special schemes: no host,
/// user info, anything but plain ASCII, a host that a reader takes for a number
/// but is not written as one IPv4 address, a dot at either end, a port for
/// `file:`. Others: escapes that hide a separator, an empty user, password or
/// port, a colon in a password, a port with leading zeros. All: an IPv6 address that is not in its
/// shortest form (RFC 5952). Pure; any thread.
std::optional<std::string> normal_authority(std::string_view scheme, std::string_view authority, Spelling spelling);

}  // namespace callgate::policy
