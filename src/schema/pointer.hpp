#pragma once

#include <string>
#include <string_view>

#include "base/json.hpp"

namespace callgate::schema {

/// Appends `/token` with `~` and `/` escaped (RFC 6901 section 3).
void append_token(std::string& pointer, std::string_view token);

/// The JSON Pointer that leads from `root` to `target`, a value of the same
/// document below it. A member's key has the pointer of its value.
std::string pointer_to(json::Value root, json::Value target);

}  // namespace callgate::schema
