#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

/// Upper and lower case of ASCII, eight bytes at a time. Other bytes are what they are.
namespace callgate::ascii {

constexpr char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

constexpr std::uint64_t in_each(std::uint64_t byte) { return byte * 0x0101010101010101U; }

/// The upper bits of the sums tell the bytes from `A` on and those behind `Z`; no sum carries into the next byte.
constexpr std::uint64_t lower_word(std::uint64_t word) {
  const std::uint64_t low_bits = word & in_each(0x7f);
  const std::uint64_t from_a = low_bits + in_each(0x80 - 'A');
  const std::uint64_t behind_z = low_bits + in_each(0x7f - 'Z');
  return word | ((from_a & ~behind_z & ~word & in_each(0x80)) >> 2U);
}

namespace detail {

/// The bytes from there on as a number; what the machine reads at once.
template <class Word>
constexpr Word word_at(const char* p) {
  Word word = 0;
  if consteval {
    for (std::size_t i = 0; i < sizeof word; ++i) word |= static_cast<Word>(static_cast<Word>(static_cast<unsigned char>(p[i])) << 8U * i);
  } else {
    std::memcpy(&word, p, sizeof word);
  }
  return word;
}
static_assert(std::endian::native == std::endian::little);

}  // namespace detail

/// The first eight bytes, or all where they are fewer, as one word. Words of texts of
/// one length are equal only where these bytes are.
constexpr std::uint64_t short_word(std::string_view text) {
  if (text.size() >= 8) return detail::word_at<std::uint64_t>(text.data());
  if (text.size() >= 4) {  // the halves may overlap
    return std::uint64_t{detail::word_at<std::uint32_t>(text.data() + text.size() - 4)} << 32U | detail::word_at<std::uint32_t>(text.data());
  }
  std::uint64_t word = 0;
  for (const char c : text) word = word << 8U | static_cast<unsigned char>(c);
  return word;
}

/// Whether no byte is a capital or beyond ASCII.
inline bool has_small_only(std::string_view text) {
  const auto small = [](std::uint64_t word) { return ((word & in_each(0x80)) | (word ^ lower_word(word))) == 0; };
  for (; text.size() > 8; text.remove_prefix(8)) {
    if (!small(short_word(text))) return false;
  }
  return small(short_word(text));
}

/// Whether two texts differ in case at most.
inline bool equal(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  const auto equal_words = [&](std::size_t at) {
    std::uint64_t left = 0;
    std::uint64_t right = 0;
    std::memcpy(&left, a.data() + at, sizeof left);
    std::memcpy(&right, b.data() + at, sizeof right);
    return left == right || lower_word(left) == lower_word(right);
  };
  if (a.size() >= 8) {
    for (std::size_t at = 0; at + 8 < a.size(); at += 8) {
      if (!equal_words(at)) return false;
    }
    return equal_words(a.size() - 8);  // may look at some bytes once more
  }
  for (std::size_t at = 0; at < a.size(); ++at) {
    if (lower(a[at]) != lower(b[at])) return false;
  }
  return true;
}

}  // namespace callgate::ascii
