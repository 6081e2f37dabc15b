// The block functions themselves: OpenSSL's newer interface allocates a state for
// every digest, and each call of an agent takes four.
#define OPENSSL_SUPPRESS_DEPRECATED
#include "base/sha256.hpp"

#include <openssl/crypto.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>

namespace callgate {
namespace {

/// A hash that cannot be computed leaves nothing that could be recorded or
/// compared safely: a broken OpenSSL.
void require(int done) {
  if (done != 1) std::abort();
}

/// Both digits of every byte: each call writes four digests.
constexpr auto hex_pairs = [] {
  constexpr std::string_view digits = "0123456789abcdef";
  std::array<std::array<char, 2>, 256> pairs{};
  for (std::size_t byte = 0; byte < pairs.size(); ++byte) pairs[byte] = {digits[byte >> 4U], digits[byte & 15U]};
  return pairs;
}();

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
  for (std::size_t i = 0; i < digest.size(); ++i) std::memcpy(out.data() + 2 * i, hex_pairs[digest[i]].data(), 2);
}

std::string hex(const Digest& digest) {
  std::string text(64, '0');
  hex_digits(digest, std::span<char, 64>(text.data(), 64));
  return text;
}

}  // namespace callgate
