#include "base/decimal.hpp"

#include <charconv>
#include <limits>

#include "base/letters.hpp"

namespace callgate {
namespace {

constexpr std::int64_t max_exponent = 1'000'000'000'000'000'000;  // leaves room to add digit counts
constexpr std::size_t max_divisor_digits = 18;
constexpr std::size_t max_plain_digits = 21;
constexpr std::int64_t max_leading_zeros = 6;

using Wide = unsigned __int128;

/// A number text cut at its marks: `-12.5e+3` is {true, "12", "5", 3}.
struct Spelling {
  bool negative = false;
  std::string_view whole;
  std::string_view fraction;
  std::int64_t exponent = 0;
  bool exponent_out_of_range = false;
};

std::string_view take_digits(std::string_view& text) {
  std::size_t n = 0;
  while (n < text.size() && is_digit(text[n])) ++n;
  const std::string_view digits = text.substr(0, n);
  text.remove_prefix(n);
  return digits;
}

/// Reads the part behind `e`; false when it is malformed.
bool take_exponent(std::string_view& text, Spelling& spelling) {
  bool minus = false;
  if (!text.empty() && (text[0] == '+' || text[0] == '-')) {
    minus = text[0] == '-';
    text.remove_prefix(1);
  }
  const std::string_view digits = take_digits(text);
  if (digits.empty()) return false;
  for (const char c : digits) {
    const std::int64_t digit = c - '0';
    if (spelling.exponent > (max_exponent - digit) / 10) {
      spelling.exponent_out_of_range = true;
      return true;
    }
    spelling.exponent = spelling.exponent * 10 + digit;
  }
  if (minus) spelling.exponent = -spelling.exponent;
  return true;
}

std::optional<Spelling> spell(std::string_view text) {
  Spelling spelling;
  if (!text.empty() && text[0] == '-') {
    spelling.negative = true;
    text.remove_prefix(1);
  }
  spelling.whole = take_digits(text);
  if (spelling.whole.empty() || (spelling.whole.size() > 1 && spelling.whole[0] == '0')) return std::nullopt;
  if (!text.empty() && text[0] == '.') {
    text.remove_prefix(1);
    spelling.fraction = take_digits(text);
    if (spelling.fraction.empty()) return std::nullopt;
  }
  if (!text.empty() && (text[0] == 'e' || text[0] == 'E')) {
    text.remove_prefix(1);
    if (!take_exponent(text, spelling)) return std::nullopt;
  }
  if (!text.empty()) return std::nullopt;
  return spelling;
}

/// `digits` × 10^`zeros` as an int64, where it fits.
std::optional<std::int64_t> fold(bool negative, std::string_view digits, std::int64_t zeros) {
  if (zeros < 0 || static_cast<std::int64_t>(digits.size()) + zeros > 19) return std::nullopt;
  Wide value = 0;
  for (const char c : digits) value = value * 10 + static_cast<unsigned>(c - '0');
  for (; zeros > 0; --zeros) value *= 10;
  constexpr Wide limit = static_cast<Wide>(std::numeric_limits<std::int64_t>::max());
  if (value > limit + (negative ? 1 : 0)) return std::nullopt;
  return static_cast<std::int64_t>(negative ? ~static_cast<std::uint64_t>(value) + 1
                                            : static_cast<std::uint64_t>(value));
}

/// The common case: an integer of up to 18 digits, read without any bookkeeping.
std::optional<std::int64_t> plain_integer(std::string_view text) {
  const bool negative = !text.empty() && text[0] == '-';
  const std::string_view digits = text.substr(negative ? 1 : 0);
  if (digits.empty() || digits.size() > 18 || (digits[0] == '0' && digits.size() > 1)) return std::nullopt;
  std::int64_t value = 0;
  for (const char c : digits) {
    if (!is_digit(c)) return std::nullopt;
    value = value * 10 + (c - '0');
  }
  return negative ? -value : value;
}

/// `digits` modulo `divisor`, eighteen digits a step.
std::uint64_t remainder(std::string_view digits, std::uint64_t divisor) {
  std::uint64_t rest = 0;
  while (!digits.empty()) {
    std::uint64_t chunk = 0;
    std::uint64_t scale = 1;
    const std::size_t n = digits.size() < 18 ? digits.size() : 18;
    for (const char c : digits.substr(0, n)) {
      chunk = chunk * 10 + static_cast<std::uint64_t>(c - '0');
      scale *= 10;
    }
    rest = static_cast<std::uint64_t>((static_cast<Wide>(rest) * scale + chunk) % divisor);
    digits.remove_prefix(n);
  }
  return rest;
}

/// 10^`exponent` modulo `modulus`, by squaring.
std::uint64_t power_of_ten(std::uint64_t exponent, std::uint64_t modulus) {
  std::uint64_t result = 1 % modulus;
  std::uint64_t square = 10 % modulus;
  for (; exponent != 0; exponent >>= 1) {
    if ((exponent & 1) != 0) result = static_cast<std::uint64_t>(static_cast<Wide>(result) * square % modulus);
    square = static_cast<std::uint64_t>(static_cast<Wide>(square) * square % modulus);
  }
  return result;
}

}  // namespace

/// Any value as ±digits × 10^exponent, digits without leading and trailing
/// zeros; zero has no digits.
struct Decimal::Parts {
  bool negative;
  std::string_view digits;
  std::int64_t exponent;

  /// The power of ten of the first digit.
  std::int64_t magnitude() const { return exponent + static_cast<std::int64_t>(digits.size()) - 1; }
};

std::optional<Decimal> Decimal::parse(std::string_view text) {
  if (const auto value = plain_integer(text)) return Decimal(*value);
  const auto spelling = spell(text);
  if (!spelling) return std::nullopt;

  std::string digits;
  digits.reserve(spelling->whole.size() + spelling->fraction.size());
  digits.append(spelling->whole).append(spelling->fraction);
  const std::size_t first = digits.find_first_not_of('0');
  if (first == std::string::npos) return Decimal();
  if (spelling->exponent_out_of_range) return std::nullopt;

  std::int64_t exponent = spelling->exponent - static_cast<std::int64_t>(spelling->fraction.size());
  const std::size_t last = digits.find_last_not_of('0') + 1;
  exponent += static_cast<std::int64_t>(digits.size() - last);
  digits.erase(last);
  digits.erase(0, first);

  Decimal result;
  if (const auto value = fold(spelling->negative, digits, exponent)) {
    result.small_ = *value;
    return result;
  }
  result.is_small_ = false;
  result.negative_ = spelling->negative;
  result.exponent_ = exponent;
  result.digits_ = std::move(digits);
  return result;
}

Decimal::Parts Decimal::parts(char (&buffer)[20]) const {
  if (!is_small_) return {negative_, digits_, exponent_};
  const bool negative = small_ < 0;
  // The magnitude of the smallest int64 has no int64 of its own.
  const auto magnitude = negative ? ~static_cast<std::uint64_t>(small_) + 1 : static_cast<std::uint64_t>(small_);
  if (magnitude == 0) return {false, {}, 0};
  const auto end = std::to_chars(buffer, buffer + sizeof buffer, magnitude).ptr;
  std::string_view digits(buffer, static_cast<std::size_t>(end - buffer));
  const std::size_t kept = digits.find_last_not_of('0') + 1;
  return {negative, digits.substr(0, kept), static_cast<std::int64_t>(digits.size() - kept)};
}

bool Decimal::operator==(const Decimal& other) const {
  if (is_small_ != other.is_small_) return false;
  if (is_small_) return small_ == other.small_;
  return negative_ == other.negative_ && exponent_ == other.exponent_ && digits_ == other.digits_;
}

std::strong_ordering Decimal::operator<=>(const Decimal& other) const {
  if (is_small_ && other.is_small_) return small_ <=> other.small_;
  // A fraction between -1 and 1 against a whole number, as bounds often have it: the whole number tells alone.
  const auto is_within_one = [](const Decimal& number) {
    return !number.is_small_ && number.exponent_ + static_cast<std::int64_t>(number.digits_.size()) <= 0;
  };
  const auto against = [](const Decimal& fraction, std::int64_t whole) {
    return whole != 0 ? 0 <=> whole : fraction.negative_ ? std::strong_ordering::less : std::strong_ordering::greater;
  };
  if (other.is_small_ && is_within_one(*this)) return against(*this, other.small_);
  if (is_small_ && is_within_one(other)) return 0 <=> against(other, small_);
  if (is_negative() != other.is_negative()) {
    return is_negative() ? std::strong_ordering::less : std::strong_ordering::greater;
  }
  char own[20];
  char others[20];
  const Parts a = parts(own);
  const Parts b = other.parts(others);
  const auto turned = [&](std::strong_ordering order) { return a.negative ? 0 <=> order : order; };
  if (a.digits.empty() || b.digits.empty()) return turned(a.digits.size() <=> b.digits.size());
  if (a.magnitude() != b.magnitude()) return turned(a.magnitude() <=> b.magnitude());
  // Same power of ten in front, no zeros behind: the digits compare as text.
  return turned(a.digits <=> b.digits);
}

std::optional<std::int64_t> Decimal::as_int64() const {
  if (!is_small_) return std::nullopt;
  return small_;
}

bool Decimal::can_divide() const {
  char buffer[20];
  const Parts own = parts(buffer);
  return !own.negative && !own.digits.empty() && own.digits.size() <= max_divisor_digits;
}

bool Decimal::multiple_of(const Decimal& divisor) const {
  if (is_small_ && divisor.is_small_) return small_ % divisor.small_ == 0;
  char own[20];
  char others[20];
  const Parts value = parts(own);
  const Parts unit = divisor.parts(others);
  if (value.digits.empty()) return true;
  // With fewer zeros than the divisor the value would have to end in a zero digit, which it does not.
  if (value.exponent < unit.exponent) return false;
  const std::uint64_t modulus = static_cast<std::uint64_t>(*fold(false, unit.digits, 0));
  const auto zeros = static_cast<std::uint64_t>(value.exponent - unit.exponent);
  const Wide product = static_cast<Wide>(remainder(value.digits, modulus)) * power_of_ten(zeros, modulus);
  return product % modulus == 0;
}

void Decimal::append_to(std::string& out) const {
  char buffer[20];
  const Parts own = parts(buffer);
  if (own.digits.empty()) {
    out += '0';
    return;
  }
  if (own.negative) out += '-';
  const std::int64_t magnitude = own.magnitude();
  const auto length = static_cast<std::int64_t>(own.digits.size());
  if (magnitude >= 0 && magnitude < static_cast<std::int64_t>(max_plain_digits)) {
    const auto whole = static_cast<std::size_t>(magnitude) + 1;
    out += own.digits.substr(0, whole);
    if (length <= magnitude) out.append(static_cast<std::size_t>(magnitude + 1 - length), '0');
    if (own.digits.size() > whole) out.append(1, '.').append(own.digits.substr(whole));
    return;
  }
  if (magnitude < 0 && -magnitude - 1 <= max_leading_zeros) {
    out.append("0.").append(static_cast<std::size_t>(-magnitude - 1), '0').append(own.digits);
    return;
  }
  out += own.digits[0];
  if (length > 1) out.append(1, '.').append(own.digits.substr(1));
  out += 'e';
  out += std::to_string(magnitude);
}

std::string Decimal::text() const {
  std::string out;
  append_to(out);
  return out;
}

}  // namespace callgate
