#include "base/utf8.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace callgate {

namespace {

constexpr unsigned first_beyond_ascii = 0x80;

unsigned byte_at(const char* p) { return static_cast<unsigned char>(*p); }
bool continues(const char* p) { return (byte_at(p) & 0xc0U) == 0x80U; }

#if defined(__x86_64__)

/// To the block of 128 that holds the first byte beyond ASCII, or to where fewer bytes are left.
__attribute__((target("avx2"))) const char* skip_wide_ascii(const char* p, const char* end) {
  const auto load = [] [[gnu::target("avx2")]] (const char* at) { return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(at)); };
  for (; end - p >= 128; p += 128) {
    const __m256i front = _mm256_or_si256(load(p), load(p + 32));
    const __m256i back = _mm256_or_si256(load(p + 64), load(p + 96));
    if (_mm256_movemask_epi8(_mm256_or_si256(front, back)) != 0) break;
  }
  return p;
}

const bool has_wide_blocks = __builtin_cpu_supports("avx2") != 0;

#endif

/// Most texts of calls are ASCII from end to end.
const char* skip_ascii(const char* p, const char* end) {
#if defined(__x86_64__)
  if (end - p >= 256 && has_wide_blocks) p = skip_wide_ascii(p, end);
  const auto load = [](const char* at) { return _mm_loadu_si128(reinterpret_cast<const __m128i*>(at)); };
  for (; end - p >= 64; p += 64) {
    const __m128i front = _mm_or_si128(load(p), load(p + 16));
    const __m128i back = _mm_or_si128(load(p + 32), load(p + 48));
    if (_mm_movemask_epi8(_mm_or_si128(front, back)) != 0) break;
  }
#endif
  constexpr std::uint64_t high_bits = 0x8080808080808080U;
  for (std::uint64_t eight = 0; end - p >= 8; p += 8) {
    std::memcpy(&eight, p, sizeof eight);
    if ((eight & high_bits) != 0) break;
  }
  while (p != end && byte_at(p) < first_beyond_ascii) ++p;
  return p;
}

/// Of a character beyond ASCII. The second byte alone tells what is written too
/// long, a surrogate, or past the last character.
std::size_t length_beyond_ascii(const char* p, const char* end) {
  const unsigned lead = byte_at(p);
  if (lead < 0xc2U || end - p < 2 || !continues(p + 1)) return 0;
  if (lead < 0xe0U) return 2;
  const unsigned second = byte_at(p + 1);
  if (end - p < 3 || !continues(p + 2)) return 0;
  if (lead < 0xf0U) return (lead == 0xe0U && second < 0xa0U) || (lead == 0xedU && second > 0x9fU) ? 0 : 3;
  if (lead > 0xf4U || end - p < 4 || !continues(p + 3)) return 0;
  return (lead == 0xf0U && second < 0x90U) || (lead == 0xf4U && second > 0x8fU) ? 0 : 4;
}

bool is_utf8_by_character(const char* p, const char* end) {
  while ((p = skip_ascii(p, end)) != end) {
    // Where one character is beyond ASCII, the next one mostly is too.
    do {
      const std::size_t length = length_beyond_ascii(p, end);
      if (length == 0) return false;
      p += length;
    } while (p != end && byte_at(p) >= first_beyond_ascii);
  }
  return true;
}

#if defined(__x86_64__)

/// Halves of bytes, one bit each.
struct Nibbles {
  std::uint16_t bits = 0;
  constexpr bool has(unsigned nibble) const { return (bits >> nibble & 1U) != 0; }
  friend constexpr Nibbles operator|(Nibbles a, Nibbles b) { return {static_cast<std::uint16_t>(a.bits | b.bits)}; }
};
constexpr Nibbles nibbles(unsigned first, unsigned last) { return {static_cast<std::uint16_t>((2U << last) - (1U << first))}; }
constexpr Nibbles any = nibbles(0x0, 0xf);
constexpr Nibbles ascii = nibbles(0x0, 0x7);
constexpr Nibbles continuation = nibbles(0x8, 0xb);
constexpr Nibbles lead = nibbles(0xc, 0xf);

/// Two bytes that may not follow each other, after Keiser and Lemire, "Validating
/// UTF-8 in less than one instruction per byte" (2021): every such pair shows in
/// the halves of the first byte and the upper half of the second.
struct Fault {
  Nibbles first_high;
  Nibbles first_low;
  Nibbles second_high;
};
constexpr std::array<Fault, 8> faults{{
    {lead, any, ascii | lead},                                                      // cut short
    {ascii, any, continuation},                                                     // continues nothing
    {nibbles(0xc, 0xc), nibbles(0x0, 0x1), continuation},                           // too long a form, of two bytes
    {nibbles(0xe, 0xe), nibbles(0x0, 0x0), nibbles(0x8, 0x9)},                      // and of three
    {nibbles(0xe, 0xe), nibbles(0xd, 0xd), nibbles(0xa, 0xb)},                      // surrogates
    {nibbles(0xf, 0xf), nibbles(0x4, 0xf), nibbles(0x9, 0xb)},                      // past U+10FFFF
    {nibbles(0xf, 0xf), nibbles(0x0, 0x0) | nibbles(0x5, 0xf), nibbles(0x8, 0x8)},  // the same, and too long a form of four
    {continuation, any, continuation},                                              // right only as third or fourth byte
}};
constexpr char third_or_fourth = static_cast<char>(0x80);  // the bit of the last of them

using Table = std::array<std::uint8_t, 16>;
constexpr Table table_of(Nibbles Fault::* part) {
  Table table{};
  for (unsigned nibble = 0; nibble < table.size(); ++nibble) {
    for (unsigned fault = 0; fault < faults.size(); ++fault) {
      if ((faults[fault].*part).has(nibble)) table[nibble] |= static_cast<std::uint8_t>(1U << fault);
    }
  }
  return table;
}
constexpr Table by_first_high = table_of(&Fault::first_high);
constexpr Table by_first_low = table_of(&Fault::first_low);
constexpr Table by_second_high = table_of(&Fault::second_high);

__attribute__((target("ssse3"))) __m128i looked_up(const Table& table, __m128i indices) {
  return _mm_shuffle_epi8(_mm_loadu_si128(reinterpret_cast<const __m128i*>(table.data())), indices);
}

/// What is wrong with sixteen bytes behind sixteen others; zero where nothing is.
__attribute__((target("ssse3"))) __m128i faults_of(__m128i before, __m128i now) {
  const __m128i low = _mm_set1_epi8(0x0f);
  const auto high_of = [low] [[gnu::target("ssse3")]] (__m128i bytes) { return _mm_and_si128(_mm_srli_epi16(bytes, 4), low); };
  const __m128i first = _mm_alignr_epi8(now, before, 15);
  const __m128i pairs = _mm_and_si128(_mm_and_si128(looked_up(by_first_high, high_of(first)), looked_up(by_first_low, _mm_and_si128(first, low))),
                                      looked_up(by_second_high, high_of(now)));
  // Behind a lead byte of three or four, the third and fourth have to continue: 0x80 is reached from 0xe0 and 0xf0 on.
  const __m128i third = _mm_subs_epu8(_mm_alignr_epi8(now, before, 14), _mm_set1_epi8(0xe0 - 0x80));
  const __m128i fourth = _mm_subs_epu8(_mm_alignr_epi8(now, before, 13), _mm_set1_epi8(0xf0 - 0x80));
  return _mm_xor_si128(_mm_and_si128(_mm_or_si128(third, fourth), _mm_set1_epi8(third_or_fourth)), pairs);
}

__attribute__((target("ssse3"))) bool is_utf8_by_blocks(const char* p, const char* end) {
  __m128i before = _mm_setzero_si128();
  __m128i wrong = _mm_setzero_si128();
  const auto take = [&] [[gnu::target("ssse3")]] (const char* at) {
    const __m128i now = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
    wrong = _mm_or_si128(wrong, faults_of(before, now));
    before = now;
  };
  for (; end - p >= 16; p += 16) take(p);
  // Zeros behind the end show a character that is cut short there.
  std::array<char, 16> rest{};
  std::copy(p, end, rest.begin());
  take(rest.data());
  return _mm_movemask_epi8(_mm_cmpeq_epi8(wrong, _mm_setzero_si128())) == 0xffff;
}

const bool has_blocks = __builtin_cpu_supports("ssse3") != 0;

#endif

}  // namespace

bool is_utf8(std::string_view text) {
  const char* const end = text.data() + text.size();
  const char* const p = skip_ascii(text.data(), end);
#if defined(__x86_64__)
  constexpr auto worth_blocks = 32;
  if (end - p >= worth_blocks && has_blocks) return is_utf8_by_blocks(p, end);
#endif
  return is_utf8_by_character(p, end);
}

std::size_t utf8_length(std::string_view text) {
  if (text.empty()) return 0;
  return byte_at(text.data()) < first_beyond_ascii ? 1 : length_beyond_ascii(text.data(), text.data() + text.size());
}

}  // namespace callgate
