#include "audit/line_buffer.hpp"

#include <algorithm>
#include <string>
#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace callgate::audit {
namespace {

#if defined(__SSE2__)

/// Sixteen bytes that are looked at together.
using Block = __m128i;

Block load_block(const char* from) { return _mm_loadu_si128(reinterpret_cast<const __m128i*>(from)); }
void store_block(char* to, Block block) { _mm_storeu_si128(reinterpret_cast<__m128i*>(to), block); }
Block joined(std::uint64_t first, std::uint64_t last) { return _mm_set_epi64x(static_cast<long long>(last), static_cast<long long>(first)); }

/// Whether all of them are printable ASCII and neither quote nor backslash.
bool is_plain(Block block) {
  const __m128i control = _mm_cmplt_epi8(block, _mm_set1_epi8(0x20));  // signed: bytes from 0x80 on too
  const __m128i quote = _mm_cmpeq_epi8(block, _mm_set1_epi8('"'));
  const __m128i backslash = _mm_cmpeq_epi8(block, _mm_set1_epi8('\\'));
  const __m128i del = _mm_cmpeq_epi8(block, _mm_set1_epi8(0x7f));
  return _mm_movemask_epi8(_mm_or_si128(_mm_or_si128(control, quote), _mm_or_si128(backslash, del))) == 0;
}

#else

struct Block {
  std::uint64_t first;
  std::uint64_t last;
};

Block joined(std::uint64_t first, std::uint64_t last) { return {first, last}; }
Block load_block(const char* from) {
  Block block;
  std::memcpy(&block, from, sizeof block);
  return block;
}
void store_block(char* to, Block block) { std::memcpy(to, &block, sizeof block); }

constexpr std::uint64_t in_each(std::uint64_t byte) { return byte * 0x0101010101010101U; }
constexpr std::uint64_t high_bits = in_each(0x80);

/// A high bit for each byte below `bound` (at most 0x80); exact where no byte has its own high bit.
constexpr std::uint64_t below(std::uint64_t word, std::uint64_t bound) { return (word - in_each(bound)) & ~word & high_bits; }
constexpr std::uint64_t equal(std::uint64_t word, std::uint64_t byte) { return below(word ^ in_each(byte), 1); }

/// Borrows between bytes can only make a plain word look otherwise, never the other way round.
bool is_plain(std::uint64_t word) {
  return ((word & high_bits) | below(word, 0x20) | equal(word, '"') | equal(word, '\\') | equal(word, 0x7f)) == 0;
}
bool is_plain(Block block) { return is_plain(block.first) && is_plain(block.last); }

#endif

/// Copies the first and the last word of a text, which may overlap, and joins them.
template <class Word>
Block copy_ends(char* to, std::string_view text) {
  Word first = 0;
  Word last = 0;
  std::memcpy(&first, text.data(), sizeof first);
  std::memcpy(&last, text.data() + text.size() - sizeof last, sizeof last);
  std::memcpy(to, &first, sizeof first);
  std::memcpy(to + text.size() - sizeof last, &last, sizeof last);
  if constexpr (sizeof(Word) == 8) return joined(first, last);
  const std::uint64_t both = std::uint64_t{last} << 32U | first;
  return joined(both, both);
}

bool copy_byte(char* to, char byte) {
  *to = byte;
  return byte >= 0x20 && byte < 0x7f && byte != '"' && byte != '\\';
}

}  // namespace

/// Printable ASCII without quote and backslash. The last blocks may overlap.
bool LineBuffer::copy_plain(char* to, std::string_view text) {
  const char* const from = text.data();
  const std::size_t size = text.size();
  bool plain = true;
  if (size >= 16) {
    const auto copy_block = [&](std::size_t at) {
      const Block block = load_block(from + at);
      store_block(to + at, block);
      return is_plain(block);
    };
    for (std::size_t at = 0; at + 16 < size; at += 16) plain = copy_block(at) && plain;
    return copy_block(size - 16) && plain;
  }
  if (size >= 8) return is_plain(copy_ends<std::uint64_t>(to, text));
  if (size >= 4) return is_plain(copy_ends<std::uint32_t>(to, text));
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
  at_ -= text.size() + 2;
  escaped(text);
}

void LineBuffer::escaped(std::string_view text) {
  std::string out;
  append_text(out, text);
  raw(std::string_view(out));
}

void LineBuffer::grow(std::size_t bytes) {
  const std::size_t filled = size();
  const std::size_t capacity = std::max(static_cast<std::size_t>(end_ - bytes_.get()) * 2, filled + bytes);
  auto larger = std::make_unique_for_overwrite<char[]>(capacity);
  std::memcpy(larger.get(), bytes_.get(), filled);
  bytes_ = std::move(larger);
  at_ = bytes_.get() + filled;
  end_ = bytes_.get() + capacity;
}

}  // namespace callgate::audit
