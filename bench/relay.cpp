// The lower bound for stdio: a relay that reads the JSON of every message and
// appends a line to a file before it passes a call on. No policy, no schema, no
// chain, nothing that survives a fault.
//
//   bench-relay --record FILE -- server and its arguments

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <string>

#include "child.hpp"
#include "flags.hpp"
#include "json_cursor.hpp"

namespace callgate::bench {
namespace {

bool write_all(int to, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(to, bytes.data(), bytes.size());
    if (written <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

/// One way: whole lines in, the same lines out.
class Way {
 public:
  Way(int from, int to, int record) : from_(from), to_(to), record_(record) {}

  bool pass() {
    std::array<char, 64 * 1024> bytes;
    const ssize_t got = ::read(from_, bytes.data(), bytes.size());
    if (got <= 0) return false;
    kept_.append(bytes.data(), static_cast<std::size_t>(got));
    const std::size_t end = kept_.rfind('\n');
    if (end == std::string::npos) return true;
    const std::string_view lines = std::string_view(kept_).substr(0, end + 1);
    for (std::size_t at = 0; at < lines.size();) {
      const std::size_t next = lines.find('\n', at) + 1;
      read(lines.substr(at, next - at - 1));
      at = next;
    }
    if (record_ >= 0 && !write_all(record_, note_)) return false;
    if (!write_all(to_, lines)) return false;
    kept_.erase(0, end + 1);
    note_.clear();
    return true;
  }

 private:
  void read(std::string_view line) {
    std::string_view id;
    std::string_view method;
    std::string_view tool;
    JsonCursor cursor(line);
    const auto params = [&](std::string_view key) {
      const std::string_view value = cursor.value();
      if (key == "name") tool = value;
    };
    cursor.object([&](std::string_view key) {
      if (key == "params" && cursor.peek() == '{') return cursor.object(params);
      const std::string_view value = cursor.value();
      if (key == "id") id = value;
      if (key == "method") method = value;
    });
    if (record_ >= 0) note_ += fmt::format("{{\"id\":{},\"method\":{},\"tool\":{},\"bytes\":{}}}\n", id, method, tool, line.size());
  }

  int from_;
  int to_;
  int record_;
  std::string kept_;
  std::string note_;
};

int relay(const Flags& flags) {
  const int record = ::open(flags.text("record").c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (record < 0) return 2;
  Child server(flags.command(), Child::Pipes::stdio, "/dev/null");
  Way there(STDIN_FILENO, server.to_child(), record);
  Way back(server.from_child(), STDOUT_FILENO, -1);
  for (;;) {
    std::array<pollfd, 2> ends{pollfd{STDIN_FILENO, POLLIN, 0}, pollfd{server.from_child(), POLLIN, 0}};
    if (::poll(ends.data(), ends.size(), -1) < 0) return 1;
    if (ends[1].revents != 0 && !back.pass()) return 0;
    if (ends[0].revents != 0 && !there.pass()) return 0;
  }
}

}  // namespace
}  // namespace callgate::bench

int main(int argc, char** argv) {
  return callgate::bench::relay(callgate::bench::Flags(argc, argv, {"record"}, {}));
}
