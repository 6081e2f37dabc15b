#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "base/json.hpp"
#include "base/sha256.hpp"

namespace callgate::audit {

using KeyBytes = std::array<std::uint8_t, 32>;

/// The 32 bytes of a key file; made of random bytes (mode 0600, folder 0700) at
/// first use, also when several processes come first at once.
/// Errors: `refused` where others than the owner may read it, `invalid` for
/// another length, `unavailable`.
Result<KeyBytes> load_or_make_key(const std::string& path);

/// Makes `args_digest`: equal arguments can be recognised in the records of one
/// DATA folder, but not guessed by who does not hold its key. Threads: one.
class DigestKey {
 public:
  /// `path` is DATA/keys/args-digest.key.
  static Result<DigestKey> open(const std::string& path);
  explicit DigestKey(const KeyBytes& key) : hmac_(key) {}

  static constexpr std::string_view prefix = "hmac-sha256:";
  using Text = std::array<char, 12 + 64>;
  /// `hmac-sha256:<64 hex digits>` of the canonical form of the arguments.
  Text of(json::Value arguments);
  Text of_canonical(std::string_view text) const { return text_of(hmac_.of(text)); }
  Text of_none() const { return of_canonical("{}"); }  ///< a call without any

 private:
  static Text text_of(const Digest& digest);
  HmacSha256 hmac_;
  std::string scratch_;
};

inline std::string_view view(const DigestKey::Text& text) { return {text.data(), text.size()}; }

}  // namespace callgate::audit
