#include "net/signals.hpp"

#include <csignal>

#include <sys/signalfd.h>
#include <unistd.h>

namespace callgate::net {

namespace {

int open_signals(std::initializer_list<int> signals) {
  sigset_t set;
  sigemptyset(&set);
  for (const int each : signals) sigaddset(&set, each);
  return signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
}

}  // namespace

Signals::Signals(Loop& loop, std::initializer_list<int> signals, std::function<void(int)> handler)
    : descriptor_(loop, open_signals(signals)), handler_(std::move(handler)) {
  tasks_.spawn(watch());
}

Signals::~Signals() {
  tasks_.cancel();
  descriptor_.release();
  close(descriptor_.fd());
}

Task<void> Signals::watch() {
  for (;;) {
    signalfd_siginfo info{};
    if (read(descriptor_.fd(), &info, sizeof info) == static_cast<ssize_t>(sizeof info)) {
      handler_(static_cast<int>(info.ssi_signo));
      continue;
    }
    descriptor_.drained();
    co_await descriptor_.readable(Loop::forever);
  }
}

void block_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int each : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&set, each);
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  signal(SIGPIPE, SIG_IGN);
  signal(SIGXFSZ, SIG_IGN);
}

}  // namespace callgate::net
