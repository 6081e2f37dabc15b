#pragma once

#include <openssl/sha.h>

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

/// SHA-256 (FIPS 180-4) and HMAC-SHA256 (RFC 2104) by OpenSSL. Objects keep
/// their context, so that hashing many texts costs no set-up. Threads: an object
/// belongs to one thread at a time.
namespace callgate {

using Digest = std::array<std::uint8_t, 32>;

class Sha256 {
 public:
  Sha256();

  Sha256& update(std::string_view bytes);
  Sha256& update(std::span<const std::uint8_t> bytes);
  /// The digest of all updates; the object then starts anew.
  Digest finish();
  Digest of(std::string_view bytes) { return update(bytes).finish(); }

 private:
  friend class HmacSha256;
  explicit Sha256(const SHA256_CTX& begun) : context_(begun) {}
  SHA256_CTX context_;
};

/// A keyed digest whose key is prepared once.
class HmacSha256 {
 public:
  explicit HmacSha256(std::span<const std::uint8_t> key);
  ~HmacSha256();
  HmacSha256(HmacSha256&&) = default;
  HmacSha256& operator=(HmacSha256&&) = default;

  Digest of(std::string_view bytes) const;
  /// The same in pieces: `begin`, updates of what it returns, `end`.
  Sha256 begin() const;
  Digest end(Sha256& begun) const;

 private:
  SHA256_CTX inner_;  ///< after the first block, which is the key's
  SHA256_CTX outer_;
};

Digest sha256(std::string_view bytes);
std::string sha256_hex(std::string_view bytes);  ///< 64 lower-case digits

/// Writes 64 lower-case hexadecimal digits.
void hex_digits(const Digest& digest, std::span<char, 64> out);
std::string hex(const Digest& digest);

}  // namespace callgate
