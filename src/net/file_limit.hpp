#pragma once

#include <cstddef>

#include <sys/types.h>

/// How many files and connections this process may have open.
namespace callgate::net {

/// Raises the soft limit to the hard one; a shell mostly gives 1024 of many more.
void raise_file_limit();

/// The limit in force.
std::size_t file_limit();

/// Gives a process that is started meanwhile the soft limit from before it was
/// raised: programs that use select(2), or close every number they might have, break
/// with a large one.
class LimitForChild {
 public:
  /// `in_use`: a descriptor that was opened just now, so that all below it are taken.
  explicit LimitForChild(int in_use);
  ~LimitForChild();
  LimitForChild(const LimitForChild&) = delete;
  LimitForChild& operator=(const LimitForChild&) = delete;
  /// To be called once it runs.
  void started(pid_t pid) const;

 private:
  bool lowered_ = false;
};

}  // namespace callgate::net
