#include "base/sha256.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <algorithm>
#include <cstdlib>

namespace callgate {
namespace {

/// Looking the algorithm up costs more than hashing a record, so it is done once.
/// Immutable from then on.
const EVP_MD* algorithm() {
  static const EVP_MD* const fetched = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  return fetched;
}

/// A hash that cannot be computed leaves nothing that could be recorded or
/// compared safely: out of memory or a broken OpenSSL.
void require(bool done) {
  if (!done) std::abort();
}

}  // namespace

void Sha256::Free::operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }

Sha256::Sha256() : context_(EVP_MD_CTX_new()) {
  require(context_ != nullptr && algorithm() != nullptr);
  start();
}

void Sha256::start() { require(EVP_DigestInit_ex2(context_.get(), algorithm(), nullptr) == 1); }

Sha256& Sha256::update(std::string_view bytes) {
  require(EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()) == 1);
  return *this;
}

Sha256& Sha256::update(std::span<const std::uint8_t> bytes) {
  require(EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()) == 1);
  return *this;
}

Digest Sha256::finish() {
  Digest digest;
  require(EVP_DigestFinal_ex(context_.get(), digest.data(), nullptr) == 1);
  start();
  return digest;
}

HmacSha256::HmacSha256(std::span<const std::uint8_t> key) {
  std::array<std::uint8_t, 64> block{};
  if (key.size() > block.size()) {
    const Digest shortened = hash_.update(key).finish();
    std::ranges::copy(shortened, block.begin());
  } else {
    std::ranges::copy(key, block.begin());
  }
  for (std::size_t i = 0; i < block.size(); ++i) {
    inner_pad_[i] = block[i] ^ std::uint8_t{0x36};
    outer_pad_[i] = block[i] ^ std::uint8_t{0x5c};
  }
  OPENSSL_cleanse(block.data(), block.size());
}

HmacSha256::~HmacSha256() {
  OPENSSL_cleanse(inner_pad_.data(), inner_pad_.size());
  OPENSSL_cleanse(outer_pad_.data(), outer_pad_.size());
}

Digest HmacSha256::of(std::string_view bytes) {
  const Digest inner = hash_.update(inner_pad_).update(bytes).finish();
  return hash_.update(outer_pad_).update(inner).finish();
}

Digest sha256(std::string_view bytes) { return Sha256().of(bytes); }

std::string sha256_hex(std::string_view bytes) { return hex(sha256(bytes)); }

void hex_digits(const Digest& digest, std::span<char, 64> out) {
  static constexpr char digits[] = "0123456789abcdef";
  for (std::size_t i = 0; i < digest.size(); ++i) {
    out[2 * i] = digits[digest[i] >> 4U];
    out[2 * i + 1] = digits[digest[i] & 15U];
  }
}

std::string hex(const Digest& digest) {
  std::string text(64, '0');
  hex_digits(digest, std::span<char, 64>(text.data(), 64));
  return text;
}

}  // namespace callgate
