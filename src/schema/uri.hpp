#pragma once

#include <string>
#include <string_view>

namespace callgate::schema {

/// A reference made absolute: what it names, and where inside that.
struct Address {
  std::string resource;  ///< without fragment
  std::string fragment;  ///< percent-decoded, without `#`; empty names the resource itself
};

/// Resolves `reference` against `base` (RFC 3986 section 5.2). The base may be
/// empty (a schema without `$id`) or opaque (`urn:…`). Never fails: what is no
/// reference at all resolves to an address that nothing has.
Address resolve(std::string_view base, std::string_view reference);

}  // namespace callgate::schema
