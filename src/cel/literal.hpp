#pragma once

#include <string>

#include "base/decimal.hpp"
#include "cel/lexer.hpp"

/// The values of literals (cel-spec, "Values").
namespace callgate::cel {

/// The text of a string literal: escapes read unless it is raw, always UTF-8.
Checked<std::string> read_text(const Token& token);

/// The number that a literal spells, exactly. Integers go from −2⁶³ to 2⁶³−1, with
/// `u` from 0 to 2⁶⁴−1; others have to be within the range of a double.
Checked<Decimal> read_number(const Token& token, bool negative);

}  // namespace callgate::cel
