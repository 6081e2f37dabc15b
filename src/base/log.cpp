#include "base/log.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cmath>
#include <iterator>

#include "base/json.hpp"

namespace callgate {
namespace {

/// The start of a text, without a character that is cut in two.
std::string_view start_of(std::string_view text, std::size_t most) {
  if (text.size() <= most) return text;
  while (most > 0 && (static_cast<unsigned char>(text[most]) & 0xc0U) == 0x80U) --most;
  return text.substr(0, most);
}

struct Append {
  std::string& out;
  std::size_t longest = std::string_view::npos;  ///< bytes of a text
  void operator()(std::string_view text) const { json::append_quoted(out, start_of(text, longest)); }
  void operator()(bool flag) const { out += flag ? "true" : "false"; }
  void operator()(double number) const {
    if (!std::isfinite(number)) {
      out += "null";  // JSON has no word for it
      return;
    }
    fmt::format_to(std::back_inserter(out), "{}", number);
  }
  void operator()(std::int64_t number) const { fmt::format_to(std::back_inserter(out), "{}", number); }
  void operator()(std::uint64_t number) const { fmt::format_to(std::back_inserter(out), "{}", number); }
};

}  // namespace

std::string_view word(Level level) {
  switch (level) {
    case Level::debug: return "debug";
    case Level::info: return "info";
    case Level::warn: return "warn";
    case Level::error: return "error";
  }
  return "error";
}

namespace {

void append_line(std::string& out, std::int64_t wall_ms, Level level, std::string_view event, std::span<const LogField> fields,
                 std::size_t longest) {
  fmt::format_to(std::back_inserter(out), R"({{"time":"{}","level":"{}","event":)", utc_text(wall_ms), word(level));
  json::append_quoted(out, event);
  for (const LogField& field : fields) {
    out += ',';
    json::append_quoted(out, field.key);
    out += ':';
    std::visit(Append{out, longest}, field.value);
  }
  out += "}\n";
}

/// A line that a pipe takes whole: its texts are cut as far as needed.
std::string line_for_pipe(std::int64_t wall_ms, Level level, std::string_view event, std::span<const LogField> fields) {
  std::string line;
  append_line(line, wall_ms, level, event, fields, std::string_view::npos);
  for (std::size_t longest = PIPE_BUF / 2; line.size() > PIPE_BUF; longest /= 2) {
    line.clear();
    append_line(line, wall_ms, level, event, longest == 0 ? std::span<const LogField>() : fields, longest);
    if (longest == 0) break;
  }
  return line;
}

}  // namespace

void append_log_line(std::string& out, std::int64_t wall_ms, Level level, std::string_view event,
                     std::span<const LogField> fields) {
  append_line(out, wall_ms, level, event, fields, std::string_view::npos);
}

FdLog::FdLog(const Clock& clock, Level least, int fd) : clock_(clock), least_(least), fd_(fd) {
  struct stat kind{};
  if (::fstat(fd, &kind) != 0) return;
  is_socket_ = S_ISSOCK(kind.st_mode);
  is_pipe_ = S_ISFIFO(kind.st_mode);
  // Of a terminal `poll` says that there is some room, not how much. Whether writing waits belongs to what was opened, which others share.
  if (::isatty(fd) != 0) terminal_ = ::open(fmt::format("/proc/self/fd/{}", fd).c_str(), O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
}

FdLog::~FdLog() {
  if (terminal_ >= 0) ::close(terminal_);
}

void FdLog::write(Level level, std::string_view event, std::span<const LogField> fields) {
  if (level < least_) return;
  const std::int64_t now = clock_.wall_ms();
  std::string line;
  if (is_pipe_) line = line_for_pipe(now, level, event, fields);
  else append_log_line(line, now, level, event, fields);
  const std::lock_guard lock(one_at_a_time_);
  if (dropped_ != 0) {
    std::string loss;
    const LogField count("count", dropped_);
    append_log_line(loss, now, Level::warn, "lines_dropped", {&count, 1});
    if (put(loss)) dropped_ = 0;
  }
  if (dropped_ != 0 || !put(line)) ++dropped_;
}

/// A pipe that is ready has room for PIPE_BUF bytes, so the write does not wait.
bool FdLog::put(std::string_view line) {
  if (is_socket_ || terminal_ >= 0) return put_in_parts(line);
  pollfd ready{.fd = fd_, .events = POLLOUT, .revents = 0};
  if (::poll(&ready, 1, 0) != 1 || (ready.revents & POLLOUT) == 0) return false;
  // One call a line, so that lines of several threads do not mix.
  ssize_t wrote = -1;
  do wrote = ::write(fd_, line.data(), line.size());
  while (wrote < 0 && errno == EINTR);
  return wrote >= 0;
}

/// What was taken of a line but for its end: that goes before the next line.
bool FdLog::put_in_parts(std::string_view line) {
  const auto send_some = [this](std::string_view bytes) {
    const ssize_t sent = terminal_ >= 0 ? ::write(terminal_, bytes.data(), bytes.size()) : ::send(fd_, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    return sent < 0 ? std::size_t{0} : static_cast<std::size_t>(sent);
  };
  if (!unsent_.empty()) unsent_.erase(0, send_some(unsent_));
  if (!unsent_.empty()) return false;
  const std::size_t sent = send_some(line);
  if (sent == 0) return false;
  unsent_ = line.substr(sent);
  return true;
}

void MemoryLog::write(Level level, std::string_view event, std::span<const LogField> fields) {
  append_log_line(lines_.emplace_back(), 0, level, event, fields);
}

bool MemoryLog::has(std::string_view text) const {
  return std::ranges::any_of(lines_, [text](const std::string& line) { return line.find(text) != std::string::npos; });
}

}  // namespace callgate
