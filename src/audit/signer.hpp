#pragma once

#include <openssl/types.h>

#include <memory>
#include <string>
#include <string_view>

#include "audit/key_file.hpp"
#include "base/error.hpp"

namespace callgate::audit {

/// What a checkpoint's signature covers. `hash` is that of the record before it,
/// and thereby of the whole chain up to there.
struct Checkpoint {
  std::string_view instance;
  std::uint64_t seq = 0;  ///< of the checkpoint itself
  std::string_view time;
  std::string_view hash;
  std::string_view reason;  ///< `segment`, `time` or `close`
};

/// Signs checkpoints with Ed25519 (RFC 8032). Threads: one.
class Signer {
 public:
  /// Key from that file, made at first use; its public half is put beside it
  /// as `<path>.pub` (base64url), to be kept where an intruder cannot write.
  static Result<Signer> open(const std::string& path);
  static Result<Signer> from(const KeyBytes& key);

  /// base64url; empty where OpenSSL fails.
  std::string sign(const Checkpoint& checkpoint) const;
  const std::string& public_key() const { return public_key_; }  ///< base64url

 private:
  struct Free {
    void operator()(EVP_PKEY* key) const;
  };
  Signer(std::unique_ptr<EVP_PKEY, Free> key, std::string public_key)
      : key_(std::move(key)), public_key_(std::move(public_key)) {}

  std::unique_ptr<EVP_PKEY, Free> key_;
  std::string public_key_;
};

/// Whether `signature` was made over `checkpoint` with the key of that public
/// half (both base64url).
bool signature_holds(const Checkpoint& checkpoint, std::string_view public_key, std::string_view signature);

}  // namespace callgate::audit
