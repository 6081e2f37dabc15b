#include "net/child.hpp"

#include "net/file_limit.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <string_view>
#include <system_error>
#include <thread>

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace callgate::net {

namespace {

constexpr std::size_t kept_error_lines = 20;
constexpr std::size_t kept_line_bytes = 400;

struct Pipe {
  int read_end = -1;
  int write_end = -1;
  bool open() {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) return false;
    read_end = ends[0];
    write_end = ends[1];
    return true;
  }
  void close_both() const {
    if (read_end >= 0) close(read_end);
    if (write_end >= 0) close(write_end);
  }
};

/// What every program needs to run.
constexpr std::array<std::string_view, 20> needed{
    "PATH", "HOME", "USER", "LOGNAME", "SHELL", "TERM", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR",
    "XDG_RUNTIME_DIR", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "NODE_PATH",
    "VIRTUAL_ENV", "SSL_CERT_FILE", "SSL_CERT_DIR", "NODE_EXTRA_CA_CERTS"};

/// Nothing else of ours, unless all of it is meant for this child: it must not
/// see the credentials of other servers.
std::vector<std::string> child_environment(const ChildOptions& options) {
  std::vector<std::string> environment;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view line(*entry);
    const std::string_view name = line.substr(0, line.find('='));
    const bool passes = options.whole_environment ? !name.starts_with("CALLGATE_") : std::ranges::find(needed, name) != needed.end();
    const bool given = std::ranges::any_of(options.environment, [name](const auto& each) { return each.first == name; });
    if (passes && !given) environment.emplace_back(line);
  }
  for (const auto& [key, value] : options.environment) environment.push_back(fmt::format("{}={}", key, value));
  return environment;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> list;
  for (std::string& text : texts) list.push_back(text.data());
  list.push_back(nullptr);
  return list;
}

int spawn(ChildOptions& options, const Pipe& in, const Pipe& out, const Pipe& err, pid_t& pid) {
  auto environment = child_environment(options);
  const auto argv = pointers(options.command);
  const auto envp = pointers(environment);
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, in.read_end, 0);
  posix_spawn_file_actions_adddup2(&actions, out.write_end, 1);
  posix_spawn_file_actions_adddup2(&actions, err.write_end, 2);
  posix_spawnattr_init(&attributes);
  sigset_t none;
  sigset_t defaults;
  sigemptyset(&none);
  sigemptyset(&defaults);
  sigaddset(&defaults, SIGPIPE);
  sigaddset(&defaults, SIGXFSZ);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &defaults);
  posix_spawnattr_setpgroup(&attributes, 0);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  const int code = posix_spawnp(&pid, argv[0], &actions, &attributes, argv.data(), envp.data());
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  return code;
}

/// Becomes readable when the process exits.
struct ProcessHandle {
  explicit ProcessHandle(pid_t pid) : fd(static_cast<int>(syscall(SYS_pidfd_open, pid, 0))) {}
  ~ProcessHandle() {
    if (fd >= 0) close(fd);
  }
  ProcessHandle(const ProcessHandle&) = delete;
  ProcessHandle& operator=(const ProcessHandle&) = delete;
  const int fd;
};

/// True once the process has exited; waits at most `milliseconds`.
bool exited_within(pid_t pid, int milliseconds) {
  const ProcessHandle handle(pid);
  if (handle.fd < 0) return true;
  pollfd wait{.fd = handle.fd, .events = POLLIN, .revents = 0};
  return poll(&wait, 1, milliseconds) != 0;
}

}  // namespace

void reap_later(pid_t pid) {
  std::thread([pid] {
    // The group may outlive its leader: it is signalled even when the leader left by itself.
    if (!exited_within(pid, 500)) kill(-pid, SIGTERM);
    if (!exited_within(pid, 3000)) kill(-pid, SIGKILL);
    kill(-pid, SIGKILL);
    waitpid(pid, nullptr, 0);
  }).detach();
}

void await_reaped(std::chrono::milliseconds limit) {
  const auto until = std::chrono::steady_clock::now() + limit;
  siginfo_t info{};
  // Looks without taking: the reapers take. No child left means that all of them are through.
  while (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && std::chrono::steady_clock::now() < until)
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
}

Result<std::unique_ptr<Child>> Child::start(Loop& loop, ChildOptions options) {
  Pipe in;
  Pipe out;
  Pipe err;
  pid_t pid = -1;
  const std::string program = options.command.empty() ? "" : options.command.front();
  int code = in.open() && out.open() && err.open() ? 0 : errno;
  if (code == 0) {
    const LimitForChild limit(err.write_end);
    code = spawn(options, in, out, err, pid);
    if (code == 0) limit.started(pid);
  }
  if (code != 0) {
    in.close_both();
    out.close_both();
    err.close_both();
    return fail(ErrorKind::unavailable,
                fmt::format("`{}` cannot be started: {}", program, std::generic_category().message(code)));
  }
  close(in.read_end);
  close(out.write_end);
  close(err.write_end);
  for (const int fd : {in.write_end, out.read_end, err.read_end}) make_nonblocking(fd);
  return std::unique_ptr<Child>(new Child(loop, options, pid, in.write_end, out.read_end, err.read_end));
}

Child::Child(Loop& loop, const ChildOptions& options, pid_t pid, int in, int out, int err)
    : loop_(loop),
      pid_(pid),
      in_fd_(in),
      out_fd_(out),
      err_fd_(err),
      out_(loop, out, options.max_line, options.room),
      in_(loop, in, options.max_pending),
      err_(loop, err, 64 * 1024),
      heard_error_(options.heard_error),
      stderr_closed_(loop) {
  tasks_.spawn(read_errors());
}

Child::~Child() {
  tasks_.cancel();
  in_.release();
  out_.release();
  err_.release();
  close(in_fd_);
  close(out_fd_);
  close(err_fd_);
  reap_later(pid_);
}

// INVARIANT: the process is waited for after this object's end only: its number is still its own.
void Child::kill() { ::kill(-pid_, SIGKILL); }

void Child::hear_error(std::string_view line) {
  last_words_.push_back(heard_error_ ? heard_error_(line) : std::string(line));
  last_words_.back().resize(std::min(last_words_.back().size(), kept_line_bytes));
  if (last_words_.size() > kept_error_lines) last_words_.pop_front();
}

Task<void> Child::read_errors() {
  for (;;) {
    auto line = co_await err_.next(Loop::forever);
    if (line) {
      hear_error(*line);
    } else if (line.error().kind == ErrorKind::closed) {
      break;
    }
  }
  if (!err_.rest().empty()) hear_error(err_.rest());
  said_all_ = true;
  stderr_closed_.notify();
}

Task<void> Child::over(Duration patience) {
  // A process that it left behind may hold its stderr open.
  if (!said_all_) [[maybe_unused]] const bool closed = co_await stderr_closed_.wait(patience);
  const ProcessHandle handle(pid_);
  if (handle.fd < 0) co_return;
  Descriptor exit(loop_, handle.fd);
  [[maybe_unused]] const bool exited = co_await exit.readable(patience);
  exit.release();
}

// INVARIANT: as in kill(); looks without taking.
std::string Child::how_it_ended() const {
  siginfo_t info{};
  if (waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid == 0) return {};
  if (info.si_code == CLD_EXITED) return fmt::format("ended with code {}", info.si_status);
  return fmt::format("was ended by signal {} ({})", info.si_status, strsignal(info.si_status));
}

std::string Child::last_words() const {
  std::string text;
  for (const std::string& line : last_words_) text += line + "\n";
  return text;
}

}  // namespace callgate::net
