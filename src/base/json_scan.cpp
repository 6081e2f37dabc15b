#include "base/json_scan.hpp"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace callgate::json {

#if defined(__x86_64__)

namespace {

/// Zero where a string stops, as find_string_stop() tells it; sixteen bytes.
__m128i stops_at_zero(const char* p) {
  const __m128i turned = _mm_xor_si128(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)), _mm_set1_epi8(0x02));
  const __m128i backslash = _mm_xor_si128(turned, _mm_set1_epi8('\\' ^ 0x02));
  return _mm_min_epu8(_mm_subs_epu8(turned, _mm_set1_epi8(0x20)), backslash);
}

/// The same, thirty-two.
__attribute__((target("avx2"))) __m256i wide_stops_at_zero(const char* p) {
  const __m256i turned = _mm256_xor_si256(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)), _mm256_set1_epi8(0x02));
  const __m256i backslash = _mm256_xor_si256(turned, _mm256_set1_epi8('\\' ^ 0x02));
  return _mm256_min_epu8(_mm256_subs_epu8(turned, _mm256_set1_epi8(0x20)), backslash);
}

/// To the block of sixty-four that holds the first stop, or to where fewer bytes are left.
const char* skip_plain_blocks(const char* p, const char* end) {
  for (; end - p >= 64; p += 64) {
    const __m128i least = _mm_min_epu8(_mm_min_epu8(stops_at_zero(p), stops_at_zero(p + 16)), _mm_min_epu8(stops_at_zero(p + 32), stops_at_zero(p + 48)));
    if (_mm_movemask_epi8(_mm_cmpeq_epi8(least, _mm_setzero_si128())) != 0) break;
  }
  return p;
}

__attribute__((target("avx2"))) const char* skip_wide_plain_blocks(const char* p, const char* end) {
  for (; end - p >= 64; p += 64) {
    const __m256i least = _mm256_min_epu8(wide_stops_at_zero(p), wide_stops_at_zero(p + 32));
    if (_mm256_movemask_epi8(_mm256_cmpeq_epi8(least, _mm256_setzero_si256())) != 0) break;
  }
  return p;
}

const bool has_wide = __builtin_cpu_supports("avx2") != 0;

}  // namespace

const char* find_far_string_stop(const char* p, const char* end) {
  for (int block = 1; end - p >= 16; p += 16, ++block) {
    // Most strings have ended by then; a long one is gone over in larger steps.
    if (block == 3) {
      p = has_wide ? skip_wide_plain_blocks(p, end) : skip_plain_blocks(p, end);
      if (end - p < 16) break;
    }
    const auto mask = static_cast<unsigned>(_mm_movemask_epi8(_mm_cmpeq_epi8(stops_at_zero(p), _mm_setzero_si128())));
    if (mask != 0) return p + __builtin_ctz(mask);
  }
  return find_string_stop(p, end);
}

#else

const char* find_far_string_stop(const char* p, const char* end) { return find_string_stop(p, end); }

#endif

}  // namespace callgate::json
