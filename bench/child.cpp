#include "child.hpp"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>

namespace callgate::bench {

Child::Child(const std::vector<std::string>& command, Pipes pipes, const std::string& stderr_file) {
  int in[2] = {-1, -1};
  int out[2] = {-1, -1};
  if (pipes == Pipes::stdio && (pipe2(in, O_CLOEXEC) != 0 || pipe2(out, O_CLOEXEC) != 0)) return;
  std::vector<char*> arguments;
  for (const std::string& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);

  pid_ = fork();
  if (pid_ == 0) {
    setpgid(0, 0);
    const int log = open(stderr_file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    dup2(log, STDERR_FILENO);
    dup2(pipes == Pipes::stdio ? out[1] : log, STDOUT_FILENO);
    if (pipes == Pipes::stdio) dup2(in[0], STDIN_FILENO);
    execvp(arguments[0], arguments.data());
    std::perror(arguments[0]);
    _exit(127);
  }
  if (pipes == Pipes::stdio) {
    close(in[0]);
    close(out[1]);
    to_child_ = in[1];
    from_child_ = out[0];
  }
}

bool Child::ended() {
  if (!ended_ && pid_ > 0) ended_ = waitpid(pid_, nullptr, WNOHANG) == pid_;
  return ended_;
}

Child::~Child() {
  if (to_child_ >= 0) close(to_child_);
  if (from_child_ >= 0) close(from_child_);
  if (pid_ <= 0) return;
  // A stdio gateway ends by itself when its input ends; others are told to.
  const int tell_at = to_child_ < 0 ? 0 : 50;
  for (int tries = 0; tries < 500 && !ended(); ++tries) {
    if (tries == tell_at) kill(-pid_, SIGTERM);
    usleep(10'000);
  }
  if (!ended()) {
    kill(-pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
}

}  // namespace callgate::bench
