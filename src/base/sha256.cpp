// The block functions themselves: OpenSSL's newer interface allocates a state for
// every digest, and each call of an agent takes four.
#define OPENSSL_SUPPRESS_DEPRECATED
#include "base/sha256.hpp"

#include <openssl/crypto.h>

#include <algorithm>
#include <cstdlib>
#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace callgate {
namespace {

/// A hash that cannot be computed leaves nothing that could be recorded or
/// compared safely: a broken OpenSSL.
void require(int done) {
  if (done != 1) std::abort();
}

// Each call writes four digests.
#if defined(__SSE2__)

/// Of sixteen numbers below sixteen.
__m128i digits_of(__m128i numbers) {
  const __m128i letters = _mm_and_si128(_mm_cmpgt_epi8(numbers, _mm_set1_epi8(9)), _mm_set1_epi8('a' - '0' - 10));
  return _mm_add_epi8(_mm_add_epi8(numbers, _mm_set1_epi8('0')), letters);
}

void write_hex(const Digest& digest, char* out) {
  const __m128i low_half = _mm_set1_epi8(0x0f);
  for (std::size_t at = 0; at < digest.size(); at += 16) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(digest.data() + at));
    const __m128i first = digits_of(_mm_and_si128(_mm_srli_epi16(bytes, 4), low_half));
    const __m128i second = digits_of(_mm_and_si128(bytes, low_half));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(out + 2 * at), _mm_unpacklo_epi8(first, second));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(out + 2 * at + 16), _mm_unpackhi_epi8(first, second));
  }
}

#else

void write_hex(const Digest& digest, char* out) {
  constexpr std::string_view digits = "0123456789abcdef";
  for (const std::uint8_t byte : digest) {
    *out++ = digits[byte >> 4U];
    *out++ = digits[byte & 15U];
  }
}

#endif

}  // namespace

Sha256::Sha256() { require(SHA256_Init(&context_)); }

Sha256& Sha256::update(std::string_view bytes) {
  require(SHA256_Update(&context_, bytes.data(), bytes.size()));
  return *this;
}

Sha256& Sha256::update(std::span<const std::uint8_t> bytes) {
  require(SHA256_Update(&context_, bytes.data(), bytes.size()));
  return *this;
}

Digest Sha256::finish() {
  Digest digest;
  require(SHA256_Final(digest.data(), &context_));
  require(SHA256_Init(&context_));
  return digest;
}

HmacSha256::HmacSha256(std::span<const std::uint8_t> key) {
  std::array<std::uint8_t, 64> block{};
  if (key.size() > block.size()) {
    const Digest shortened = Sha256().update(key).finish();
    std::ranges::copy(shortened, block.begin());
  } else {
    std::ranges::copy(key, block.begin());
  }
  const auto first_block = [&block](std::uint8_t pad) {
    std::array<std::uint8_t, 64> padded = block;
    for (std::uint8_t& byte : padded) byte ^= pad;
    Sha256 hash;
    hash.update(std::span<const std::uint8_t>(padded));
    OPENSSL_cleanse(padded.data(), padded.size());
    return hash.context_;
  };
  inner_ = first_block(0x36);
  outer_ = first_block(0x5c);
  OPENSSL_cleanse(block.data(), block.size());
}

HmacSha256::~HmacSha256() {
  OPENSSL_cleanse(&inner_, sizeof inner_);
  OPENSSL_cleanse(&outer_, sizeof outer_);
}

Sha256 HmacSha256::begin() const { return Sha256(inner_); }

Digest HmacSha256::end(Sha256& begun) const {
  const Digest inner = begun.finish();
  begun.context_ = outer_;
  return begun.update(inner).finish();
}

Digest HmacSha256::of(std::string_view bytes) const {
  Sha256 hash = begin();
  hash.update(bytes);
  return end(hash);
}

Digest sha256(std::string_view bytes) { return Sha256().of(bytes); }

std::string sha256_hex(std::string_view bytes) { return hex(sha256(bytes)); }

void hex_digits(const Digest& digest, std::span<char, 64> out) {
  write_hex(digest, out.data());
}

std::string hex(const Digest& digest) {
  std::string text(64, '0');
  hex_digits(digest, std::span<char, 64>(text.data(), 64));
  return text;
}

}  // namespace callgate
