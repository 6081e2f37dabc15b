#include "admin/token.hpp"

#include <array>
#include <cerrno>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/random.hpp"

namespace callgate::admin {
namespace {

constexpr std::size_t kTokenBytes = 32;
constexpr std::size_t kShortest = 32;  ///< characters; a token set by hand must not be guessable

class File {
 public:
  explicit File(int fd) : fd_(fd) {}
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  ~File() {
    if (fd_ >= 0) ::close(fd_);
  }
  int fd() const { return fd_; }
  bool open() const { return fd_ >= 0; }

 private:
  int fd_;
};

std::unexpected<Error> system_fault(std::string_view doing, const std::filesystem::path& path) {
  return fail(ErrorKind::unavailable, fmt::format("cannot {} `{}`: {}", doing, path.string(), std::strerror(errno)));
}

Result<void> check_rights(const File& file, const std::filesystem::path& path) {
  struct stat status {};
  if (::fstat(file.fd(), &status) != 0) return system_fault("look at", path);
  if (!S_ISREG(status.st_mode)) {
    return fail(ErrorKind::refused, fmt::format("`{}` is no regular file; remove it", path.string()));
  }
  if (status.st_uid != ::geteuid()) {
    return fail(ErrorKind::refused, fmt::format("`{}` belongs to another user; remove it", path.string()));
  }
  if ((status.st_mode & 0077) != 0) {
    return fail(ErrorKind::refused,
                fmt::format("`{0}` may be read by others; remove it for a new token, or `chmod 600 {0}`", path.string()));
  }
  return {};
}

/// Nothing where the file does not exist.
Result<std::optional<Secret>> read_token(const std::filesystem::path& path) {
  const File file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  if (!file.open()) {
    if (errno == ENOENT) return std::nullopt;
    return system_fault("read", path);
  }
  if (Result<void> rights = check_rights(file, path); !rights) return std::unexpected(rights.error());

  std::array<char, 1024> bytes{};
  const ssize_t size = ::read(file.fd(), bytes.data(), bytes.size());
  if (size < 0) return system_fault("read", path);
  std::string_view text(bytes.data(), static_cast<std::size_t>(size));
  while (text.ends_with('\n') || text.ends_with('\r')) text.remove_suffix(1);
  Secret token{std::string(text)};
  OPENSSL_cleanse(bytes.data(), bytes.size());
  if (token.reveal().size() < kShortest || token.reveal().find_first_of(" \t\r\n") != std::string_view::npos) {
    return fail(ErrorKind::invalid, fmt::format("`{}` holds no token of at least {} characters; remove it for a new one",
                                                path.string(), kShortest));
  }
  return token;
}

/// Writes the whole token beside its place and links it there: whoever reads
/// finds all of it or nothing, and the first of several writers wins.
Result<void> make_token(const std::filesystem::path& path) {
  const std::filesystem::path fresh = path.string() + "." + random_hex(8);
  const Secret token(random_token(kTokenBytes) + "\n");
  {
    const File file(::open(fresh.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    if (!file.open()) return system_fault("write", path);
    const std::string_view text = token.reveal();
    if (::write(file.fd(), text.data(), text.size()) != static_cast<ssize_t>(text.size()) || ::fsync(file.fd()) != 0) {
      auto fault = system_fault("write", path);
      ::unlink(fresh.c_str());
      return fault;
    }
  }
  const bool linked = ::link(fresh.c_str(), path.c_str()) == 0 || errno == EEXIST;
  auto fault = system_fault("write", path);
  ::unlink(fresh.c_str());
  if (!linked) return fault;
  return {};
}

}  // namespace

Result<Secret> load_or_make_token(const std::filesystem::path& folder) {
  const std::filesystem::path path = folder / "admin.token";
  for (const bool may_make : {true, false}) {
    Result<std::optional<Secret>> found = read_token(path);
    if (!found) return std::unexpected(found.error());
    if (*found) return std::move(**found);
    if (!may_make) break;
    if (Result<void> made = make_token(path); !made) return std::unexpected(made.error());
  }
  return fail(ErrorKind::unavailable, fmt::format("`{}` vanished while it was made; start again", path.string()));
}

}  // namespace callgate::admin
