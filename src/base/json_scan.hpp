#pragma once

#include <cstdint>
#if defined(__SSE2__)
#include <emmintrin.h>
#endif

/// Byte scanning shared by the JSON reader and writer.
namespace callgate::json {

/// What find_string_stop() goes on with where the first sixteen bytes are plain.
const char* find_far_string_stop(const char* p, const char* end);

/// The first byte in [p, end) that ends or interrupts the plain part of a
/// string: `"`, `\` or a control character below 0x20; `end` where none is.
inline const char* find_string_stop(const char* p, const char* end) {
#if defined(__SSE2__)
  if (end - p >= 16) [[likely]] {
    const __m128i chunk = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
    // With this bit turned, the quote (0x22) stands behind the control characters, and nothing else up to 0x20.
    const __m128i turned = _mm_xor_si128(chunk, _mm_set1_epi8(0x02));
    const __m128i low = _mm_cmpeq_epi8(_mm_subs_epu8(turned, _mm_set1_epi8(0x20)), _mm_setzero_si128());
    const __m128i stop = _mm_or_si128(low, _mm_cmpeq_epi8(chunk, _mm_set1_epi8('\\')));
    const auto mask = static_cast<unsigned>(_mm_movemask_epi8(stop));
    if (mask != 0) [[likely]] return p + __builtin_ctz(mask);
    return find_far_string_stop(p + 16, end);
  }
#endif
  for (; p != end; ++p) {
    const auto byte = static_cast<unsigned char>(*p);
    if (byte == '"' || byte == '\\' || byte < 0x20) return p;
  }
  return end;
}

/// Value of a hexadecimal digit, or −1.
inline int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

/// The four hexadecimal digits at `p`, or −1. Pre: four bytes are there.
inline std::int32_t hex4(const char* p) {
  std::int32_t value = 0;
  for (int i = 0; i < 4; ++i) {
    const int digit = hex_value(p[i]);
    if (digit < 0) return -1;
    value = value * 16 + digit;
  }
  return value;
}

}  // namespace callgate::json
