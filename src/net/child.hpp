#pragma once

#include <chrono>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <sys/types.h>

#include "base/error.hpp"
#include "net/lines.hpp"
#include "net/loop.hpp"

namespace callgate::net {

struct ChildOptions {
  std::vector<std::string> command;  ///< program and arguments; no shell
  std::vector<std::pair<std::string, std::string>> environment;  ///< beside the few variables every program needs
  bool whole_environment = false;  ///< beside all of this process's variables but its own (`CALLGATE_…`)
  std::size_t max_line = 16 * 1024 * 1024;
  std::size_t max_pending = 64 * 1024 * 1024;
  ServerRoom room{};  ///< for what of a large line has come
  std::function<std::string(std::string_view line)> heard_error;  ///< takes each line of stderr as it comes, and says what may be kept of it; may be empty
};

/// A child process that speaks lines on stdin and stdout, in a process group of
/// its own. Destroying it ends the group: stdin closed, then SIGTERM, then SIGKILL.
class Child {
 public:
  static Result<std::unique_ptr<Child>> start(Loop& loop, ChildOptions options);
  ~Child();
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  LineReader& out() { return out_; }
  LineWriter& in() { return in_; }
  pid_t pid() const { return pid_; }
  /// Ends it and its group now, unasked; its pipes close by themselves.
  void kill();
  /// The last lines that it wrote to stderr, for a person who asks why it died; the last may have no end.
  std::string last_words() const;
  /// Waits until it has said all on stderr and has exited, `patience` at most for each.
  Task<void> over(Duration patience);
  /// As in `ended with code 1`; nothing while it runs.
  std::string how_it_ended() const;

 private:
  Child(Loop& loop, const ChildOptions& options, pid_t pid, int in, int out, int err);
  Task<void> read_errors();
  void hear_error(std::string_view line);
  Loop& loop_;
  pid_t pid_;
  int in_fd_;
  int out_fd_;
  int err_fd_;
  LineReader out_;
  LineWriter in_;
  LineReader err_;
  std::deque<std::string> last_words_;
  const std::function<std::string(std::string_view)> heard_error_;
  bool said_all_ = false;
  Broadcast stderr_closed_;
  TaskGroup tasks_;
};

/// Ends process groups in the background and waits for them, so that nobody's
/// end has to be awaited on the loop.
void reap_later(pid_t pid);

/// Waits until every child of this process is reaped: a process that ends while
/// its reapers still work leaves children behind. Blocks; for the end of a program.
void await_reaped(std::chrono::milliseconds limit);

}  // namespace callgate::net
