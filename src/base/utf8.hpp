#pragma once

#include <cstddef>
#include <string_view>

namespace callgate {

/// Is this well-formed UTF-8 (RFC 3629 section 4: shortest form, no surrogates, up to U+10FFFF)?
bool is_utf8(std::string_view text);

/// Bytes of the well-formed character at the start of `text`; 0 where there is none.
std::size_t utf8_length(std::string_view text);

}  // namespace callgate
