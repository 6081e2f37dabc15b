#include "audit/signer.hpp"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <array>
#include <fstream>
#include <optional>
#include <vector>

#include "base/random.hpp"

namespace callgate::audit {
namespace {

std::string message(const Checkpoint& checkpoint) {
  // Length-free but unambiguous: none of the parts can hold a line feed.
  return fmt::format("callgate journal checkpoint 1\n{}\n{}\n{}\n{}\n{}\n", checkpoint.instance, checkpoint.seq,
                     checkpoint.time, checkpoint.hash, checkpoint.reason);
}

std::optional<std::vector<std::uint8_t>> from_base64url(std::string_view text) {
  std::vector<std::uint8_t> bytes;
  std::uint32_t bits = 0;
  unsigned held = 0;
  for (const char c : text) {
    std::uint32_t digit = 0;
    if (c >= 'A' && c <= 'Z') digit = static_cast<std::uint32_t>(c - 'A');
    else if (c >= 'a' && c <= 'z') digit = static_cast<std::uint32_t>(c - 'a' + 26);
    else if (c >= '0' && c <= '9') digit = static_cast<std::uint32_t>(c - '0' + 52);
    else if (c == '-') digit = 62;
    else if (c == '_') digit = 63;
    else return std::nullopt;
    bits = (bits << 6U) | digit;
    held += 6;
    if (held < 8) continue;
    held -= 8;
    bytes.push_back(static_cast<std::uint8_t>(bits >> held));
  }
  return bytes;
}

struct FreeContext {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};
using Context = std::unique_ptr<EVP_MD_CTX, FreeContext>;

const unsigned char* raw(std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); }

}  // namespace

void Signer::Free::operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }

Result<Signer> Signer::open(const std::string& path) {
  const Result<KeyBytes> key = load_or_make_key(path);
  if (!key) return std::unexpected(key.error());
  Result<Signer> signer = from(*key);
  if (!signer) return signer;
  std::ofstream(path + ".pub") << signer->public_key() << '\n';
  return signer;
}

Result<Signer> Signer::from(const KeyBytes& key) {
  std::unique_ptr<EVP_PKEY, Free> made(EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr, key.data(), key.size()));
  std::array<std::uint8_t, 32> half{};
  std::size_t size = half.size();
  if (made == nullptr || EVP_PKEY_get_raw_public_key(made.get(), half.data(), &size) != 1 || size != half.size()) {
    return fail(ErrorKind::internal, "cannot make an Ed25519 key of the key file");
  }
  return Signer(std::move(made), base64url(half));
}

std::string Signer::sign(const Checkpoint& checkpoint) const {
  const Context context(EVP_MD_CTX_new());
  const std::string text = message(checkpoint);
  std::array<std::uint8_t, 64> signature{};
  std::size_t size = signature.size();
  if (context == nullptr || EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, key_.get()) != 1 ||
      EVP_DigestSign(context.get(), signature.data(), &size, raw(text), text.size()) != 1) {
    return {};
  }
  return base64url(signature);
}

bool signature_holds(const Checkpoint& checkpoint, std::string_view public_key, std::string_view signature) {
  const auto half = from_base64url(public_key);
  const auto bytes = from_base64url(signature);
  if (!half || half->size() != 32 || !bytes || bytes->size() != 64) return false;
  struct Free {
    void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  };
  const std::unique_ptr<EVP_PKEY, Free> key(
      EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, half->data(), half->size()));
  const Context context(EVP_MD_CTX_new());
  const std::string text = message(checkpoint);
  return key != nullptr && context != nullptr &&
         EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, key.get()) == 1 &&
         EVP_DigestVerify(context.get(), bytes->data(), bytes->size(), raw(text), text.size()) == 1;
}

}  // namespace callgate::audit
