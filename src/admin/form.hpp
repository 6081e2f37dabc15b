#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace callgate::admin {

/// The fields of a form as a browser sends them (`application/x-www-form-urlencoded`,
/// WHATWG URL section 5), in the order of `keys`, empty where absent. Errors:
/// `invalid`: another key, a key twice, a broken `%`, text that is no UTF-8. Pure.
Result<std::vector<std::string>> read_form(std::string_view body, std::span<const std::string_view> keys);

}  // namespace callgate::admin
