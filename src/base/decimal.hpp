#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace callgate {

/// A JSON number as the exact decimal it spells: any number of digits, no
/// rounding, so `9007199254740993` is not `9007199254740992`, and 1, 1.0 and
/// 1e0 are one value. Integers that fit 64 bits are held inline and cost no
/// allocation; others keep their significant digits and a power of ten, so a
/// huge exponent never becomes a long text or a long loop.
///
/// Errors: parse() answers nothing for a text that is no JSON number, or whose
/// exponent is beyond ±10¹⁸.
/// Threads: a plain value.
class Decimal {
 public:
  Decimal() = default;  ///< zero
  explicit Decimal(std::int64_t value) : small_(value) {}

  /// Reads the number grammar of RFC 8259 section 6.
  static std::optional<Decimal> parse(std::string_view text);

  bool operator==(const Decimal& other) const;
  std::strong_ordering operator<=>(const Decimal& other) const;

  bool is_zero() const { return is_small_ && small_ == 0; }
  bool is_negative() const { return is_small_ ? small_ < 0 : negative_; }
  /// Without a fractional part; 1.0 and 1e400 are integers.
  bool is_integer() const { return is_small_ || exponent_ >= 0; }
  /// The value, when it is an integer that fits.
  std::optional<std::int64_t> as_int64() const;

  /// May stand as the divisor of multiple_of(): positive, with at most 18
  /// significant digits (which bounds that function's work).
  bool can_divide() const;
  /// Whether this is an exact integer multiple. Time linear in the digits of
  /// this value, independent of the exponents. Pre: divisor.can_divide().
  bool multiple_of(const Decimal& divisor) const;

  /// Canonical text, itself a JSON number: equal values have equal texts.
  /// Plain where the value needs at most 21 digits before the point or 6 zeros
  /// behind it, else scientific (`1.5e300`).
  std::string text() const;
  void append_to(std::string& out) const;

 private:
  struct Parts;
  Parts parts(char (&buffer)[20]) const;

  // INVARIANT: an integer in the range of int64 is always small; any other value
  // has digits without leading and trailing zeros, value = ±digits × 10^exponent.
  std::int64_t small_ = 0;
  std::int64_t exponent_ = 0;
  std::string digits_;
  bool is_small_ = true;
  bool negative_ = false;
};

}  // namespace callgate
