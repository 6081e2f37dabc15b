#include "net/lines.hpp"

#include <array>
#include <cerrno>

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

namespace callgate::net {

namespace {

/// A pipe holds this much: who writes without end costs one turn's share, not the turn.
constexpr std::size_t line_turn_bytes = 64 * 1024;
/// What a line costs beside its bytes: no more than 128 of them in a turn.
constexpr std::size_t line_cost = line_turn_bytes / 128;
/// A line up to this size is written in one piece.
constexpr std::size_t joined_line = 4 * 1024;
/// Of a line that is too long, until that is said once more.
constexpr std::size_t told_again = 1024 * 1024;
/// A pipe may hold more than is usual: so many pieces are offered to it at once.
constexpr std::size_t offered_pieces = 16;
/// Two seconds in all for a line that finds no room; its server waits as long with its next.
constexpr int most_waits = 40;
constexpr Duration between_waits = std::chrono::milliseconds(50);

}  // namespace

void make_nonblocking(int fd) {
  struct stat kind{};
  if (fstat(fd, &kind) != 0 || !(S_ISFIFO(kind.st_mode) || S_ISSOCK(kind.st_mode))) return;
  fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
}

LineReader::LineReader(Loop& loop, int fd, std::size_t max_line, ServerRoom room)
    : descriptor_(loop, fd), max_line_(max_line), room_(std::move(room)), share_(line_turn_bytes) {}

bool LineReader::has_line() const { return in_.view().find('\n', used_) != std::string_view::npos; }

Task<Result<std::string_view>> LineReader::next(Duration timeout) {
  for (;;) {
    if (share_.spent(descriptor_.loop())) co_await descriptor_.loop().next_turn();
    const std::size_t end = in_.view().find('\n', std::max(used_, searched_));
    if (end != std::string_view::npos) {
      std::string_view line = in_.view().substr(used_, end - used_);
      used_ = searched_ = end + 1;
      ServerRoom::keep(part_, in_.size() - used_);  // whoever takes the line counts what it makes of it
      share_.took(descriptor_.loop(), line_cost);
      if (std::exchange(skipping_, false)) continue;
      if (line.ends_with('\r')) line.remove_suffix(1);
      co_return line;
    }
    in_.consume(used_);
    used_ = 0;
    const bool too_long = drop_start_of_long_line();
    searched_ = in_.size();
    if (too_long) co_return fail(ErrorKind::too_large, fmt::format("a line is over {} bytes", max_line_));
    if (!descriptor_.may_read() && !co_await descriptor_.readable(timeout)) co_return fail(ErrorKind::timeout, "no line came in time");
    if (in_.room().empty()) in_.reserve(std::max<std::size_t>(Buffer::small, in_.capacity() * 2));
    const ssize_t got = read(descriptor_.fd(), in_.room().data(), in_.room().size());
    if (got > 0) {
      if (static_cast<std::size_t>(got) < in_.room().size()) descriptor_.drained();
      in_.filled(static_cast<std::size_t>(got));
      share_.took(descriptor_.loop(), static_cast<std::size_t>(got));
      // Whose answer it is nobody knows yet: what has no room waits for those who take theirs, before it fails them all.
      auto counted = room_.count(part_, in_.size(), nullptr);
      for (int waits = 0; !counted && !has_line() && waits < most_waits; ++waits) {
        co_await descriptor_.loop().sleep(between_waits);
        counted = room_.count(part_, in_.size(), nullptr);
      }
      if (!counted && !has_line()) {
        forget_start_of_line();
        co_return std::unexpected(std::move(counted.error()));
      }
      continue;
    }
    if (got == 0 || (errno != EAGAIN && errno != EINTR)) co_return fail(ErrorKind::closed, "the stream ended");
    if (errno == EAGAIN) descriptor_.drained();
  }
}

/// True where it is to be told that the line is too long.
bool LineReader::drop_start_of_long_line() {
  const bool first = !skipping_ && in_.size() > max_line_;
  if (!first && !skipping_) return false;
  skipped_ = first ? 0 : skipped_ + in_.size();
  skipping_ = true;
  in_.consume(in_.size());
  part_.reset();
  if (skipped_ <= std::max(max_line_, told_again)) return first;
  skipped_ = 0;
  return true;
}

void LineReader::forget_start_of_line() {
  skipped_ = in_.size();
  skipping_ = true;
  in_.consume(in_.size());
  searched_ = 0;
  part_.reset();
}

LineWriter::LineWriter(Loop& loop, int fd, std::size_t max_pending)
    : descriptor_(loop, fd), max_pending_(max_pending), drained_(loop) {}

Result<void> LineWriter::write_some() {
  std::array<iovec, offered_pieces> parts{};
  const ssize_t put = writev(descriptor_.fd(), parts.data(), static_cast<int>(pending_.front(parts)));
  if (put >= 0) {
    pending_.drop(static_cast<std::size_t>(put));
    return {};
  }
  if (errno == EAGAIN || errno == EINTR) {
    descriptor_.filled();
    return {};
  }
  broken_ = true;
  return fail(ErrorKind::closed, "the other side reads no more");
}

/// A short line is copied in front of its end: one part takes the kernel's shorter way.
ssize_t LineWriter::write_line(std::string_view line) {
  if (line.size() <= joined_line) {
    joined_.assign(line);
    joined_ += '\n';
    return write(descriptor_.fd(), joined_.data(), joined_.size());
  }
  const std::array<iovec, 2> parts{iovec{const_cast<char*>(line.data()), line.size()}, iovec{const_cast<char*>("\n"), 1}};
  return writev(descriptor_.fd(), parts.data(), 2);
}

Result<void> LineWriter::send(std::string_view line) {
  if (broken_) return fail(ErrorKind::closed, "the other side reads no more");
  if (!idle()) {
    if (unsent() + line.size() > max_pending_) return fail(ErrorKind::unavailable, "the other side reads too slowly");
    pending_.append(line);
    pending_.append("\n");
    return {};
  }
  const ssize_t put = write_line(line);
  if (put < 0 && errno != EAGAIN && errno != EINTR) {
    broken_ = true;
    return fail(ErrorKind::closed, "the other side reads no more");
  }
  const std::size_t done = put < 0 ? 0 : static_cast<std::size_t>(put);
  if (done == line.size() + 1) return {};
  descriptor_.filled();
  if (done < line.size()) pending_.append(line.substr(done));
  pending_.append("\n");
  tasks_.spawn(drain());
  return {};
}

Task<void> LineWriter::drain() {
  while (!idle()) {
    if (!descriptor_.may_write()) co_await descriptor_.writable(Loop::forever);
    if (!write_some()) break;
  }
  pending_.clear();
  drained_.raise();
  if (broken_ && on_broken_) on_broken_();
}

Task<bool> LineWriter::broken() {
  co_await descriptor_.hang_up(Loop::forever);
  pollfd look{.fd = descriptor_.fd(), .events = 0, .revents = 0};
  co_return poll(&look, 1, 0) == 1 && (look.revents & (POLLERR | POLLHUP)) != 0;
}

Task<bool> LineWriter::drained(Duration timeout) {
  while (!idle()) {
    if (!co_await drained_.wait(timeout)) co_return false;
  }
  co_return !broken_;
}

}  // namespace callgate::net
