#include "audit/key_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <openssl/crypto.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <optional>
#include <span>

#include "base/random.hpp"

namespace callgate::audit {
namespace {

std::unexpected<Error> unavailable(std::string_view what, const std::string& path, int error) {
  return fail(ErrorKind::unavailable, fmt::format("cannot {} key file `{}`: {}", what, path, std::strerror(error)));
}

/// Nothing where there is no such file.
Result<std::optional<KeyBytes>> load(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  if (fd < 0 && errno == ENOENT) return std::nullopt;
  if (fd < 0) return unavailable("open", path, errno);
  struct stat status{};
  std::array<std::uint8_t, 33> bytes{};
  const int found = ::fstat(fd, &status);
  const ssize_t got = ::read(fd, bytes.data(), bytes.size());
  const int error = errno;
  ::close(fd);
  if (found < 0 || got < 0) return unavailable("read", path, error);
  if ((status.st_mode & 077U) != 0) {
    return fail(ErrorKind::refused, fmt::format("key file `{}` is open to others; `chmod 600` it, or remove it to get a new key", path));
  }
  if (got != 32) return fail(ErrorKind::invalid, fmt::format("key file `{}` does not hold 32 bytes; put it back from a backup, or remove it to get a new key, which proves nothing of what the old one signed or digested", path));
  KeyBytes key;
  std::copy_n(bytes.begin(), key.size(), key.begin());
  OPENSSL_cleanse(bytes.data(), bytes.size());
  return key;
}

Result<void> write_new(const std::string& path, std::span<const std::uint8_t> bytes) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0) return unavailable("create", path, errno);
  const bool done = ::write(fd, bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()) && ::fsync(fd) == 0;
  const int error = errno;
  ::close(fd);
  if (!done) return unavailable("write", path, error);
  return {};
}

/// Puts a new key in place unless somebody else did so in the meantime.
Result<void> make(const std::string& path) {
  const std::filesystem::path folder = std::filesystem::path(path).parent_path();
  std::error_code error;
  if (!folder.empty()) {
    if (folder.has_parent_path()) std::filesystem::create_directories(folder.parent_path(), error);
    if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST) return unavailable("make the folder of", path, errno);
  }
  KeyBytes key;
  random_bytes(key);
  const std::string fresh = fmt::format("{}.{}", path, random_hex(8));
  Result<void> written = write_new(fresh, key);
  OPENSSL_cleanse(key.data(), key.size());
  // link(2) does not replace: whoever comes first wins, and all read that one.
  int linked = 0;
  if (written && ::link(fresh.c_str(), path.c_str()) != 0 && errno != EEXIST) linked = errno;
  ::unlink(fresh.c_str());
  if (!written) return written;
  if (linked != 0) return unavailable("put in place", path, linked);
  return {};
}

}  // namespace

Result<KeyBytes> load_or_make_key(const std::string& path) {
  Result<std::optional<KeyBytes>> key = load(path);
  if (!key) return std::unexpected(std::move(key).error());
  if (*key) return **key;
  if (Result<void> made = make(path); !made) return std::unexpected(std::move(made).error());
  key = load(path);
  if (!key) return std::unexpected(std::move(key).error());
  if (!*key) return unavailable("find", path, ENOENT);
  return **key;
}

Result<DigestKey> DigestKey::open(const std::string& path) {
  Result<KeyBytes> key = load_or_make_key(path);
  if (!key) return std::unexpected(std::move(key).error());
  DigestKey made(*key);
  OPENSSL_cleanse(key->data(), key->size());
  return made;
}

namespace {

class Hashing final : public json::CanonicalReader {
 public:
  explicit Hashing(Sha256& hash) : hash_(hash) {}
  void take(std::string_view piece) override { hash_.update(piece); }

 private:
  Sha256& hash_;
};

/// What a call of many short texts took is not kept for the next.
constexpr std::size_t most_kept = 256 * 1024;

}  // namespace

DigestKey::Text DigestKey::of(json::Value arguments) {
  Sha256 hash = hmac_.begin();
  Hashing hashing(hash);
  json::read_canonical(hashing, scratch_, arguments);
  if (scratch_.capacity() > most_kept) std::string().swap(scratch_);
  return text_of(hmac_.end(hash));
}

DigestKey::Text DigestKey::text_of(const Digest& digest) {
  Text text;
  std::ranges::copy(prefix, text.begin());
  hex_digits(digest, std::span<char, 64>(text.data() + prefix.size(), 64));
  return text;
}

}  // namespace callgate::audit
