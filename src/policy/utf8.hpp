#pragma once

#include <string_view>

namespace callgate::policy {

/// Is this well-formed UTF-8 (RFC 3629)?
bool is_utf8(std::string_view text);

}  // namespace callgate::policy
