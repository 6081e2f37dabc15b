#include "audit/line_buffer.hpp"

#include <algorithm>
#include <string>
#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace callgate::audit {
namespace {

constexpr std::uint64_t in_each(std::uint64_t byte) { return byte * 0x0101010101010101U; }
constexpr std::uint64_t high_bits = in_each(0x80);

/// A high bit for each byte below `bound` (at most 0x80); exact where no byte has its own high bit.
constexpr std::uint64_t below(std::uint64_t word, std::uint64_t bound) { return (word - in_each(bound)) & ~word & high_bits; }
constexpr std::uint64_t equal(std::uint64_t word, std::uint64_t byte) { return below(word ^ in_each(byte), 1); }

/// Whether each of eight bytes is printable ASCII and neither quote nor backslash.
/// Borrows between bytes can only make a plain word look otherwise, never the other way round.
bool copy_word(char* to, const char* from) {
  std::uint64_t word = 0;
  std::memcpy(&word, from, 8);
  std::memcpy(to, &word, 8);
  return ((word & high_bits) | below(word, 0x20) | equal(word, '"') | equal(word, '\\') | equal(word, 0x7f)) == 0;
}

#if defined(__SSE2__)
/// The same for sixteen.
bool copy_block(char* to, const char* from) {
  const __m128i block = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(to), block);
  const __m128i control = _mm_cmplt_epi8(block, _mm_set1_epi8(0x20));  // signed: bytes from 0x80 on too
  const __m128i quote = _mm_cmpeq_epi8(block, _mm_set1_epi8('"'));
  const __m128i backslash = _mm_cmpeq_epi8(block, _mm_set1_epi8('\\'));
  const __m128i del = _mm_cmpeq_epi8(block, _mm_set1_epi8(0x7f));
  return _mm_movemask_epi8(_mm_or_si128(_mm_or_si128(control, quote), _mm_or_si128(backslash, del))) == 0;
}
#else
bool copy_block(char* to, const char* from) {
  const bool first = copy_word(to, from);
  return copy_word(to + 8, from + 8) && first;
}
#endif

bool copy_byte(char* to, char byte) {
  *to = byte;
  return byte >= 0x20 && byte < 0x7f && byte != '"' && byte != '\\';
}

/// The same for four.
bool copy_half_word(char* to, const char* from) {
  std::uint32_t half = 0;
  std::memcpy(&half, from, 4);
  std::memcpy(to, &half, 4);
  const std::uint64_t word = half | in_each('a') << 32U;  // `a` is plain
  return ((word & high_bits) | below(word, 0x20) | equal(word, '"') | equal(word, '\\') | equal(word, 0x7f)) == 0;
}

}  // namespace

/// Printable ASCII without quote and backslash. The last blocks may overlap.
bool LineBuffer::copy_plain(char* to, std::string_view text) {
  const char* const from = text.data();
  const std::size_t size = text.size();
  bool plain = true;
  if (size >= 16) {
    for (std::size_t at = 0; at + 16 < size; at += 16) plain = copy_block(to + at, from + at) && plain;
    return copy_block(to + size - 16, from + size - 16) && plain;
  }
  if (size >= 8) {
    plain = copy_word(to, from);
    return copy_word(to + size - 8, from + size - 8) && plain;
  }
  if (size >= 4) {
    plain = copy_half_word(to, from);
    return copy_half_word(to + size - 4, from + size - 4) && plain;
  }
  for (std::size_t at = 0; at < size; ++at) plain = copy_byte(to + at, from[at]) && plain;
  return plain;
}

void LineBuffer::text(std::string_view text) {
  if (text.size() > max_text) return escaped(text);
  char* first = room(text.size() + 2);
  *first = '"';
  first[text.size() + 1] = '"';
  if (!copy_plain(first + 1, text)) again(text);
}

void LineBuffer::again(std::string_view text) {
  size_ -= text.size() + 2;
  escaped(text);
}

void LineBuffer::escaped(std::string_view text) {
  std::string out;
  append_text(out, text);
  raw(std::string_view(out));
}

void LineBuffer::grow(std::size_t bytes) {
  const std::size_t capacity = std::max(capacity_ * 2, size_ + bytes);
  auto larger = std::make_unique_for_overwrite<char[]>(capacity);
  std::memcpy(larger.get(), bytes_.get(), size_);
  bytes_ = std::move(larger);
  capacity_ = capacity;
}

}  // namespace callgate::audit
