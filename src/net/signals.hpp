#pragma once

#include <functional>
#include <initializer_list>

#include "net/loop.hpp"

namespace callgate::net {

/// Delivers Unix signals on the loop. The signals must be blocked in every
/// thread before it starts: call `block_signals` before anything is started.
class Signals {
 public:
  Signals(Loop& loop, std::initializer_list<int> signals, std::function<void(int)> handler);
  ~Signals();
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;

 private:
  Task<void> watch();
  Descriptor descriptor_;
  std::function<void(int)> handler_;
  TaskGroup tasks_;
};

/// Blocks SIGTERM, SIGINT and SIGHUP in this thread and those it starts, and
/// ignores SIGPIPE and SIGXFSZ: a closed connection, a file at its limit is an error of one write.
void block_signals();

}  // namespace callgate::net
