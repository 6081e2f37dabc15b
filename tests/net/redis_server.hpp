#pragma once

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/random.hpp"
#include "base/remove_folder.hpp"
#include "net/redis_client.hpp"

namespace callgate::test {

/// A real Redis or Valkey in memory, on a unix socket of its own; ends with the object.
class RedisServer {
 public:
  /// The program: $CALLGATE_REDIS_SERVER, else what stands in PATH. `./dev` installs one.
  static std::optional<std::string> program() {
    if (const char* named = std::getenv("CALLGATE_REDIS_SERVER"); named != nullptr && *named != '\0') return named;
    const std::string path = std::getenv("PATH") == nullptr ? "" : std::getenv("PATH");
    for (std::size_t at = 0; at < path.size();) {
      const std::size_t colon = std::min(path.find(':', at), path.size());
      for (const char* name : {"/valkey-server", "/redis-server"}) {
        std::string file = path.substr(at, colon - at) + name;
        if (access(file.c_str(), X_OK) == 0) return file;
      }
      at = colon + 1;
    }
    return std::nullopt;
  }

  explicit RedisServer(std::vector<std::string> more = {}) : more_(std::move(more)) {
    folder_ = std::filesystem::temp_directory_path() / ("callgate-redis-" + random_hex(8));
    std::filesystem::create_directories(folder_);
    start();
  }
  ~RedisServer() {
    stop();
    remove_folder(folder_);
  }
  RedisServer(const RedisServer&) = delete;
  RedisServer& operator=(const RedisServer&) = delete;

  /// Returns once it takes connections.
  void start() {
    std::vector<std::string> words{*program(), "--port", "0", "--unixsocket", socket(), "--dir", folder_.string(), "--save", "", "--appendonly", "no"};
    words.insert(words.end(), more_.begin(), more_.end());
    std::vector<char*> arguments;
    for (std::string& word : words) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    int out[2] = {};
    if (pipe2(out, O_CLOEXEC) != 0) std::abort();
    pid_ = fork();
    if (pid_ == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);  // a test that crashes leaves no server behind
      dup2(out[1], STDOUT_FILENO);
      dup2(out[1], STDERR_FILENO);
      execv(words[0].c_str(), arguments.data());
      _exit(127);
    }
    close(out[1]);
    std::string said;
    for (char bytes[512]; !said.contains("eady to accept connections");) {
      const ssize_t count = read(out[0], bytes, sizeof bytes);
      if (count <= 0) break;
      said.append(bytes, static_cast<std::size_t>(count));
    }
    log_ = out[0];  // stays open: the server writes on
  }
  void stop() {
    if (pid_ <= 0) return;
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
    close(log_);
    pid_ = -1;
  }
  /// It keeps its connections and does nothing.
  void freeze() const { kill(pid_, SIGSTOP); }
  void thaw() const { kill(pid_, SIGCONT); }

  std::string socket() const { return (folder_ / "s").string(); }
  /// A server that is not scheduled for a while is not to look like one that is lost: what is to find it lost says when.
  net::RedisPlace place(net::Duration answer_within = std::chrono::seconds(10)) const {
    net::RedisPlace place;
    place.host = socket();
    place.answer_within = answer_within;
    return place;
  }
  /// How long whoever finds it lost waits for it, in a test that freezes it.
  static constexpr net::Duration until_lost = std::chrono::seconds(2);

 private:
  std::filesystem::path folder_;
  std::vector<std::string> more_;
  pid_t pid_ = -1;
  int log_ = -1;
};

/// Turns the loop until the task is done, and gives its value.
template <class T>
T await(net::Loop& loop, net::Task<T> task) {
  std::optional<T> value;
  struct Run {
    static net::Task<void> it(net::Task<T> inner, std::optional<T>& into) { into.emplace(co_await inner); }
  };
  net::TaskGroup group;
  group.spawn(Run::it(std::move(task), value));
  const auto until = net::Loop::read_clock() + std::chrono::seconds(30);
  while (!value && net::Loop::read_clock() < until) loop.turn(std::chrono::milliseconds(20));
  return std::move(value.value());
}

/// One command, by words.
inline Result<net::RedisReply> ask(net::RedisClient& client, std::initializer_list<std::string_view> words) {
  return await(client.loop(), client.ask(net::RedisClient::Words(words.begin(), words.size())));
}

}  // namespace callgate::test
