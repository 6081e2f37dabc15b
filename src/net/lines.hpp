#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "net/buffer.hpp"
#include "net/loop.hpp"
#include "net/pieces.hpp"
#include "net/reply_room.hpp"

/// Newline-delimited messages over pipes (the stdio transport of MCP).
namespace callgate::net {

/// Makes reads and writes return instead of wait, where the descriptor is a
/// pipe or socket; files and terminals are left as they are.
void make_nonblocking(int fd);

/// Reads lines from a descriptor that it does not own. A line's memory is bounded.
class LineReader {
 public:
  /// `room`: for what of a large line has come.
  LineReader(Loop& loop, int fd, std::size_t max_line, ServerRoom room = {});

  /// The next line without its end (LF or CRLF); the view holds until the next
  /// call. `too_large`: `max_line` bytes had no end and were dropped; the next
  /// call goes on behind that line, or says so again after as many bytes more (at
  /// least 1 MiB). `unavailable`: there was no room for as much of a line as had come,
  /// and it was dropped; the next call goes on as behind one too long. `closed`: end of the stream; a last line without LF is not a
  /// line. A stream that is never empty is read a part in each turn of the loop.
  Task<Result<std::string_view>> next(Duration timeout);
  /// To be called before the descriptor is closed.
  void release() { descriptor_.release(); }
  /// What stands behind the last line and has no end; whole once next() said `closed`.
  std::string_view rest() const { return skipping_ ? std::string_view() : in_.view().substr(used_); }
  /// A complete line is in memory: next() will not wait.
  bool has_line() const;

 private:
  bool drop_start_of_long_line();
  void forget_start_of_line();

  Descriptor descriptor_;
  Buffer in_;
  std::size_t max_line_;
  std::size_t used_ = 0;
  std::size_t searched_ = 0;
  bool skipping_ = false;
  std::size_t skipped_ = 0;  ///< of the line that is too long, since that was said last
  ServerRoom room_;
  std::unique_ptr<ReplyPart> part_;  ///< of the room, that the buffer takes up
  TurnShare share_;
};

/// Writes lines to a descriptor that it does not own; one after another, never
/// waiting: what the pipe cannot take is kept, up to a bound.
class LineWriter {
 public:
  LineWriter(Loop& loop, int fd, std::size_t max_pending);

  /// Fails when the other side is gone or takes nothing and the bound is reached.
  Result<void> send(std::string_view line);
  bool idle() const { return unsent() == 0; }
  /// What the pipe has not taken yet; the bound is for this.
  std::size_t unsent() const { return pending_.size(); }
  /// Called once when what was kept can no longer be written; `send` tells of all else itself.
  void on_broken(std::function<void()> told) { on_broken_ = std::move(told); }
  /// Until the other side reads no more, also where nothing is written that would tell. False: it sends no more, and
  /// only writing shows whether it reads.
  Task<bool> broken();
  /// To be called before the descriptor is closed.
  void release() { descriptor_.release(); }
  /// Until everything is written or the pipe is broken; false after `timeout`.
  Task<bool> drained(Duration timeout);

 private:
  ssize_t write_line(std::string_view line);
  Result<void> write_some();
  Task<void> drain();

  Descriptor descriptor_;
  std::size_t max_pending_;
  Pieces pending_;
  std::string joined_;  ///< a line and its end; keeps its memory
  bool broken_ = false;
  std::function<void()> on_broken_;
  Signal drained_;
  TaskGroup tasks_;
};

}  // namespace callgate::net
