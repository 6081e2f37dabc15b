#include "policy/glob.hpp"

#include <algorithm>
#include <cstring>

namespace callgate::policy {
namespace {

bool continues_character(char c) { return (static_cast<unsigned char>(c) & 0xc0) == 0x80; }

/// One past the character that starts at `at`.
std::size_t after_character(std::string_view text, std::size_t at) {
  ++at;
  while (at < text.size() && continues_character(text[at])) ++at;
  return at;
}

}  // namespace

Glob::Glob(std::string_view pattern) {
  for (const char c : pattern) {
    if (c == '*' && pattern_.ends_with('*')) continue;
    pattern_ += c;
    if (c == '*') continue;
    ++least_bytes_;
    if (c != '?' && !continues_character(c)) ++literals_;
  }
  const std::string_view all = pattern_;
  const std::string_view fixed = all.substr(0, std::min<std::size_t>(all.find_first_of("*?"), 8));
  const std::string ones(fixed.size(), '\xff');
  head_ = head(fixed);
  head_mask_ = head(ones);
}

std::uint64_t Glob::head(std::string_view text) {
  std::uint64_t bytes = 0;
  std::memcpy(&bytes, text.data(), std::min(text.size(), sizeof bytes));
  return bytes;
}

bool Glob::matches_slowly(std::string_view text) const {
  const std::string_view pattern = pattern_;
  std::size_t at = 0;
  std::size_t in = 0;
  std::size_t star = std::string_view::npos;  // the last `*` passed; only that one needs to be tried again
  std::size_t star_at = 0;
  while (at < text.size()) {
    if (in < pattern.size() && pattern[in] == '*') {
      star = in++;
      star_at = at;
    } else if (in < pattern.size() && pattern[in] == '?') {
      ++in;
      at = after_character(text, at);
    } else if (in < pattern.size() && pattern[in] == text[at]) {
      ++in;
      ++at;
    } else if (star != std::string_view::npos) {
      star_at = after_character(text, star_at);
      at = star_at;
      in = star + 1;
    } else {
      return false;
    }
  }
  while (in < pattern.size() && pattern[in] == '*') ++in;
  return in == pattern.size();
}

}  // namespace callgate::policy
