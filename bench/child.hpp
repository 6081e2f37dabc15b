#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

namespace callgate::bench {

/// A process started by the bench, in a process group of its own; stopped with
/// its whole group when this goes out of scope.
class Child {
 public:
  enum class Pipes { none, stdio };

  /// Runs `command` (found by PATH). Standard error goes to `stderr_file`, and
  /// without pipes standard output does too.
  Child(const std::vector<std::string>& command, Pipes pipes, const std::string& stderr_file);
  ~Child();
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  [[nodiscard]] pid_t pid() const { return pid_; }
  [[nodiscard]] int to_child() const { return to_child_; }
  [[nodiscard]] int from_child() const { return from_child_; }
  [[nodiscard]] bool ended();

 private:
  pid_t pid_ = -1;
  int to_child_ = -1;
  int from_child_ = -1;
  bool ended_ = false;
};

}  // namespace callgate::bench
