#include "cli/ready_line.hpp"

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <system_error>

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include "base/json.hpp"

namespace callgate::cli {
namespace {

std::string text_or_null(const std::string& text) { return text.empty() ? "null" : json::quoted(text); }

bool is_standard_stream(int fd) { return fd <= STDERR_FILENO; }

Result<void> write_to(int fd, std::string_view line) {
  while (!line.empty()) {
    const ssize_t count = ::write(fd, line.data(), line.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) {
      return fail(ErrorKind::unavailable, fmt::format("descriptor {} of `--ready-fd` cannot be written: {}", fd,
                                                      std::generic_category().message(errno)));
    }
    line.remove_prefix(static_cast<std::size_t>(count));
  }
  if (!is_standard_stream(fd)) ::close(fd);
  return {};
}

Result<void> write_to(const std::filesystem::path& file, std::string_view line) {
  // Renamed into place: who waits for the file finds it whole.
  const std::filesystem::path fresh = file.string() + ".new";
  std::ofstream(fresh) << line;
  std::error_code code;
  std::filesystem::rename(fresh, file, code);
  if (code) return fail(ErrorKind::unavailable, fmt::format("`{}` cannot be written: {}", file.string(), code.message()));
  return {};
}

}  // namespace

std::string ready_line(const Ready& ready) {
  std::string servers;
  for (const auto& [name, url] : ready.servers)
    servers += fmt::format("{}{}: {}", servers.empty() ? "" : ", ", json::quoted(name), json::quoted(url));
  std::string listen;
  for (const std::string& each : ready.listen) listen += fmt::format("{}{}", listen.empty() ? "" : ", ", json::quoted(each));
  return fmt::format("{{\"url\": {}, \"servers\": {{{}}}, \"admin\": {}, \"listen\": [{}], \"pid\": {}}}\n", text_or_null(ready.url), servers,
                     text_or_null(ready.admin), listen, ready.pid);
}

Result<void> keep_ready_fd(const config::RunFlags& flags) {
  if (!flags.ready_fd || is_standard_stream(*flags.ready_fd)) return {};
  if (::fcntl(*flags.ready_fd, F_SETFD, FD_CLOEXEC) == 0) return {};
  return fail(ErrorKind::invalid, fmt::format("`--ready-fd {}`: no such descriptor is open", *flags.ready_fd));
}

Result<void> tell_ready(const config::RunFlags& flags, std::string_view line) {
  if (flags.ready_fd) {
    if (auto written = write_to(*flags.ready_fd, line); !written) return written;
  }
  return flags.ready_file.empty() ? Result<void>() : write_to(flags.ready_file, line);
}

}  // namespace callgate::cli
