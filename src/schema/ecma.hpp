#pragma once

#include <string>
#include <string_view>

namespace callgate::schema {

/// Rewrites what ECMA-262 (whose regular expressions JSON Schema means, draft
/// 2020-12 core section 6.4) and RE2 spell or read differently: `\s`, `\S` and
/// `.` know Unicode's white space and line ends, `\u0041`, `\u{41}`, `\cJ`,
/// `(?<name>…)`, `[]`, `[^]`, `\p{Letter}`, `\p{Script=Greek}`. Everything else
/// is passed on, also what only RE2 knows (`(?i)`); a text with such inline flags
/// keeps RE2's `.`. Never fails: RE2 judges the outcome.
std::string to_re2(std::string_view pattern);

}  // namespace callgate::schema
