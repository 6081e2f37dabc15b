#include "mcp/header_value.hpp"

#include <algorithm>
#include <array>
#include <cstdint>

namespace callgate::mcp {

namespace {

constexpr std::string_view base64_prefix = "=?base64?";
constexpr std::string_view suffix = "?=";
constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

bool is_marked(std::string_view text) {
  return text.size() >= base64_prefix.size() + suffix.size() && text.starts_with(base64_prefix) && text.ends_with(suffix);
}

bool is_field_char(char c) { return c == '\t' || (c >= 0x20 && c <= 0x7e); }
bool is_blank(char c) { return c == ' ' || c == '\t'; }

bool is_plain(std::string_view text) {
  if (!std::ranges::all_of(text, is_field_char) || is_marked(text)) return false;
  return text.empty() || (!is_blank(text.front()) && !is_blank(text.back()));
}

void append_base64(std::string& out, std::string_view bytes) {
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::size_t have = std::min<std::size_t>(3, bytes.size() - i);
    std::uint32_t group = 0;
    for (std::size_t k = 0; k < 3; ++k)
      group = group << 8U | (k < have ? static_cast<unsigned char>(bytes[i + k]) : 0U);
    for (std::size_t k = 0; k < 4; ++k) out += k <= have ? alphabet[group >> (18U - 6U * k) & 63U] : '=';
  }
}

std::optional<std::string> decode_base64(std::string_view text) {
  std::string_view digits = text;
  while (digits.ends_with('=')) digits.remove_suffix(1);
  std::string out;
  std::uint32_t group = 0;
  unsigned bits = 0;
  for (const char c : digits) {
    const std::size_t value = alphabet.find(c);
    if (value == std::string_view::npos) return std::nullopt;
    group = group << 6U | static_cast<std::uint32_t>(value);
    bits += 6;
    if (bits < 8) continue;
    bits -= 8;
    out += static_cast<char>(group >> bits & 0xffU);
  }
  // One text has one form: the right padding and no bits left over.
  std::string again;
  append_base64(again, out);
  if (again != text) return std::nullopt;
  return out;
}

}  // namespace

void append_header_value(std::string& out, std::string_view text) {
  if (is_plain(text)) {
    out += text;
    return;
  }
  out += base64_prefix;
  append_base64(out, text);
  out += suffix;
}

std::string encode_header_value(std::string_view text) {
  std::string out;
  append_header_value(out, text);
  return out;
}

std::optional<std::string> decode_header_value(std::string_view value) {
  if (!std::ranges::all_of(value, is_field_char)) return std::nullopt;
  if (!is_marked(value)) return std::string(value);
  value.remove_prefix(base64_prefix.size());
  value.remove_suffix(suffix.size());
  return decode_base64(value);
}

}  // namespace callgate::mcp
