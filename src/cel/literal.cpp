#include "cel/literal.hpp"

#include <charconv>
#include <cstdint>
#include <limits>
#include <optional>

#include <fmt/format.h>

namespace callgate::cel {
namespace {

void append_utf8(std::string& out, std::uint32_t code) {
  const auto tail = [&](unsigned shift) { out += static_cast<char>(0x80U | ((code >> shift) & 0x3fU)); };
  if (code < 0x80) {
    out += static_cast<char>(code);
  } else if (code < 0x800) {
    out += static_cast<char>(0xc0U | (code >> 6U));
    tail(0);
  } else if (code < 0x10000) {
    out += static_cast<char>(0xe0U | (code >> 12U));
    tail(6);
    tail(0);
  } else {
    out += static_cast<char>(0xf0U | (code >> 18U));
    tail(12);
    tail(6);
    tail(0);
  }
}

std::optional<std::uint32_t> read_code(std::string_view digits, std::size_t count, int base) {
  if (digits.size() < count) return std::nullopt;
  std::uint32_t code = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + count, code, base);
  if (error != std::errc{} || end != digits.data() + count) return std::nullopt;
  return code;
}

/// A character that stands behind a backslash for one other; nothing for any other.
std::optional<char> plain_escape(char c) {
  switch (c) {
    case 'a': return '\a';
    case 'b': return '\b';
    case 'f': return '\f';
    case 'n': return '\n';
    case 'r': return '\r';
    case 't': return '\t';
    case 'v': return '\v';
    case '\\': case '?': case '"': case '\'': case '`': return c;
    default: return std::nullopt;
  }
}

/// Reads the escape behind a backslash; answers how many bytes it takes, 0 where it is none.
std::size_t read_escape(std::string_view text, std::string& out) {
  if (text.empty()) return 0;
  if (const auto plain = plain_escape(text[0])) {
    out += *plain;
    return 1;
  }
  std::size_t digits = 0;
  std::size_t mark = 1;
  int base = 16;
  switch (text[0]) {
    case 'x': case 'X': digits = 2; break;
    case 'u': digits = 4; break;
    case 'U': digits = 8; break;
    case '0': case '1': case '2': case '3':
      digits = 3;
      mark = 0;
      base = 8;
      break;
    default: return 0;
  }
  const auto code = read_code(text.substr(mark), digits, base);
  if (!code || *code > 0x10ffff || (*code >= 0xd800 && *code <= 0xdfff)) return 0;
  append_utf8(out, *code);
  return mark + digits;
}

/// The spelling that JSON has for it: one digit before the point, no zeros in front.
std::string as_json(std::string_view text) {
  if (text.starts_with('.')) return "0" + std::string(text);
  while (text.size() > 1 && text[0] == '0' && text[1] >= '0' && text[1] <= '9') text.remove_prefix(1);
  return std::string(text);
}

}  // namespace

Checked<std::string> read_text(const Token& token) {
  const std::size_t open = token.text.find_first_of("\"'");
  const bool raw = token.text.substr(0, open).find_first_of("rR") != std::string_view::npos;
  std::string_view inner = token.text.substr(open);
  const std::size_t marks = inner.size() >= 6 && inner[1] == inner[0] && inner[2] == inner[0] ? 3 : 1;
  inner = inner.substr(marks, inner.size() - 2 * marks);
  if (raw) return std::string(inner);
  std::string out;
  for (std::size_t at = 0; at < inner.size();) {
    if (inner[at] != '\\') {
      out += inner[at++];
      continue;
    }
    const std::size_t taken = read_escape(inner.substr(at + 1), out);
    if (taken == 0) {
      return refuse(token.begin + open + marks + at,
                    "this is no escape: there are `\\n`, `\\t`, `\\\\`, `\\\"`, `\\x41`, `\\u0041`, `\\U00000041`, `\\101` and their like; "
                    "write `\\\\` for a backslash");
    }
    at += 1 + taken;
  }
  return out;
}

Checked<Decimal> read_number(const Token& token, bool negative) {
  std::string_view text = token.text;
  const bool is_unsigned = text.ends_with('u') || text.ends_with('U');
  if (is_unsigned) text.remove_suffix(1);
  const auto range = [&](std::string_view what) { return refuse(token.begin, fmt::format("`{}{}` is outside the range of {}", negative ? "-" : "", token.text, what)); };
  const bool is_hex = text.starts_with("0x") || text.starts_with("0X");
  if (!is_hex && text.find_first_of(".eE") != std::string_view::npos) {
    double value = 0;
    if (is_unsigned) return refuse(token.begin, fmt::format("`{}`: only whole numbers take a `u`", token.text));
    const std::string spelled = as_json(text);
    if (std::from_chars(spelled.data(), spelled.data() + spelled.size(), value).ec != std::errc{}) return range("a double");
    const auto number = Decimal::parse((negative ? "-" : "") + spelled);
    if (!number) return range("a double");
    return *number;
  }
  std::uint64_t value = 0;
  const std::string_view digits = is_hex ? text.substr(2) : text;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value, is_hex ? 16 : 10);
  if (digits.empty() || end != digits.data() + digits.size()) return refuse(token.begin, fmt::format("`{}` is no number", token.text));
  constexpr auto most = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  if (is_unsigned && (negative || error != std::errc{})) return range("`uint` (0 to 18446744073709551615)");
  if (!is_unsigned && (error != std::errc{} || value > most + (negative ? 1 : 0))) {
    return range("`int` (-9223372036854775808 to 9223372036854775807)");
  }
  return *Decimal::parse(fmt::format("{}{}", negative && value != 0 ? "-" : "", value));
}

}  // namespace callgate::cel
