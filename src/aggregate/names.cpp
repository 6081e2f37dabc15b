#include "aggregate/names.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "base/sha256.hpp"

namespace callgate::aggregate {

namespace {

constexpr std::string_view separator = "__";
constexpr std::size_t digest_digits = 16;  ///< 64 bits: two names of one server that share them are not met with
constexpr std::size_t slug_digits = 8;

/// The first bytes of a text, no character of it cut in two.
std::string_view cut(std::string_view text, std::size_t most) {
  std::size_t end = std::min(text.size(), most);
  while (end > 0 && end < text.size() && (static_cast<unsigned char>(text[end]) & 0xc0U) == 0x80) --end;
  return text.substr(0, end);
}

bool is_hex(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); }

}  // namespace

std::string slug_of(std::string_view server) {
  if (server.size() <= longest_slug && !server.contains(separator) && !server.ends_with('_')) return std::string(server);
  std::string plain;
  for (const char c : server) {
    if (c != '_' || !plain.ends_with('_')) plain += c;
  }
  plain.resize(std::min(plain.size(), longest_slug - slug_digits - 1));
  while (plain.ends_with('_')) plain.pop_back();
  return fmt::format("{}-{}", plain, std::string_view(sha256_hex(server)).substr(0, slug_digits));
}

std::string shown_name(std::string_view slug, std::string_view name) {
  std::string whole = fmt::format("{}{}{}", slug, separator, name);
  if (whole.size() <= longest_name) return whole;
  return fmt::format("{}_{}", cut(whole, longest_name - digest_digits - 1), std::string_view(sha256_hex(whole)).substr(0, digest_digits));
}

std::string shown_task(std::string_view slug, std::string_view id) { return fmt::format("{}{}{}", slug, separator, id); }

std::optional<SplitName> split_name(std::string_view shown) {
  const std::size_t at = shown.find(separator);
  if (at == std::string_view::npos || at == 0 || at + separator.size() == shown.size()) return std::nullopt;
  return SplitName{.slug = shown.substr(0, at), .name = shown.substr(at + separator.size())};
}

bool may_be_cut(std::string_view shown) {
  // A character of four bytes that did not fit leaves three free.
  if (shown.size() > longest_name || shown.size() + 3 < longest_name) return false;
  const std::string_view digits = shown.substr(shown.size() - digest_digits);
  return shown[shown.size() - digest_digits - 1] == '_' && std::ranges::all_of(digits, is_hex);
}

}  // namespace callgate::aggregate
