#pragma once

#include <sys/types.h>

#include <string>

namespace callgate::bench {

/// What a process and all its descendants have used so far.
struct ProcessTree {
  double cpu_us = 0;  ///< user and kernel time, all threads
  double user_us = 0; ///< user time alone, in ticks of 10 ms
  long rss_kib = 0;
  long pss_kib = 0;  ///< pages shared between processes counted once
  int processes = 0;
  int threads = 0;

  [[nodiscard]] std::string json() const;
};

/// Reads /proc. The bench's own server, when the gateway started it as a child,
/// is left out: only the gateway is charged.
ProcessTree process_tree(pid_t root);

}  // namespace callgate::bench
