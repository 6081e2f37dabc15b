// The server behind in every measurement: an MCP server that costs as little as
// one can, so that what is measured is the gateway.
//
//   bench-upstream --port 0 [--tools 100] [--lie text|id] [--stateless]     Streamable HTTP on 127.0.0.1, prints the port
//   bench-upstream --stdio [--tools 100]
//
// GET /stats (ask the server itself, never through a gateway) tells what arrived.

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <memory>
#include <unordered_set>
#include <vector>

#include "flags.hpp"
#include "http_reader.hpp"
#include "tools.hpp"

namespace callgate::bench {
namespace {

/// Streamable HTTP (MCP 2025-06-18 or 2026-07-28, transports) over plain epoll, one thread.
class HttpServer {
 public:
  explicit HttpServer(ToolServer& tools) : tools_(tools), epoll_(epoll_create1(EPOLL_CLOEXEC)) {}

  /// Returns the port taken, or 0 when it cannot be had.
  std::uint16_t listen(std::uint16_t port) {
    listener_ = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    const int yes = 1;
    setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof address;
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    if (bind(listener_, generic, length) != 0 || ::listen(listener_, 4096) != 0) return 0;
    getsockname(listener_, generic, &length);
    watch(listener_, EPOLL_CTL_ADD, EPOLLIN);
    return ntohs(address.sin_port);
  }

  [[noreturn]] void run() {
    std::array<epoll_event, 256> events{};
    for (;;) {
      const int ready = epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), -1);
      for (int i = 0; i < ready; ++i) {
        const auto& event = events[static_cast<std::size_t>(i)];
        if (event.data.fd == listener_) {
          accept_all();
        } else if (!serve(event.data.fd, event.events)) {
          close(event.data.fd);
          connections_[static_cast<std::size_t>(event.data.fd)].reset();
        }
      }
    }
  }

 private:
  struct Connection {
    HttpReader reader{HttpReader::Side::requests};
    std::string out;
    std::size_t sent = 0;
    bool closes = false;
    bool waits_to_write = false;
  };

  void watch(int fd, int operation, std::uint32_t events) {
    epoll_event event{.events = events, .data = {.fd = fd}};
    epoll_ctl(epoll_, operation, fd, &event);
  }

  void accept_all() {
    for (int fd; (fd = accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0;) {
      const int yes = 1;
      setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
      if (connections_.size() <= static_cast<std::size_t>(fd)) connections_.resize(static_cast<std::size_t>(fd) + 1);
      connections_[static_cast<std::size_t>(fd)] = std::make_unique<Connection>();
      watch(fd, EPOLL_CTL_ADD, EPOLLIN);
    }
  }

  /// False when the connection is over.
  bool serve(int fd, std::uint32_t events) {
    Connection& connection = *connections_[static_cast<std::size_t>(fd)];
    if ((events & EPOLLOUT) != 0 && !flush(fd, connection)) return false;
    if ((events & ~static_cast<std::uint32_t>(EPOLLOUT)) == 0) return true;
    const std::span<char> room = connection.reader.room();
    const ssize_t got = recv(fd, room.data(), room.size(), 0);
    if (got <= 0) return got < 0 && errno == EAGAIN;
    connection.reader.filled(static_cast<std::size_t>(got));
    HttpReader::Found found{};
    while ((found = connection.reader.next()) == HttpReader::Found::message) reply(connection);
    return found != HttpReader::Found::broken && flush(fd, connection);
  }

  bool flush(int fd, Connection& c) {
    while (c.sent < c.out.size()) {
      const ssize_t n = send(fd, c.out.data() + c.sent, c.out.size() - c.sent, MSG_NOSIGNAL);
      if (n < 0 && errno != EAGAIN) return false;
      if (n < 0) {
        if (!c.waits_to_write) watch(fd, EPOLL_CTL_MOD, EPOLLIN | EPOLLOUT);
        c.waits_to_write = true;
        return true;
      }
      c.sent += static_cast<std::size_t>(n);
    }
    c.out.clear();
    c.sent = 0;
    if (c.waits_to_write) watch(fd, EPOLL_CTL_MOD, EPOLLIN);
    c.waits_to_write = false;
    return !c.closes;
  }

  void reply(Connection& c) {
    const HttpMessage& request = c.reader.message();
    c.closes = c.closes || !request.keep_alive;
    if (request.method == "GET" && request.target == "/stats") {
      const std::string stats = tools_.stats();
      head(c, "200 OK", "application/json", stats.size(), {});
      c.out += stats;
    } else if (request.method == "DELETE") {
      const bool known = sessions_.erase(request.session) > 0;
      head(c, known ? "200 OK" : "404 Not Found", {}, 0, {});
    } else if (request.method != "POST") {
      head(c, "405 Method Not Allowed", {}, 0, {});
    } else {
      answer(c, request);
    }
  }

  void answer(Connection& c, const HttpMessage& request) {
    const Answer answer = tools_.answer(request.body);
    if (answer.kind == Answer::Kind::initialized_session) {
      ++last_session_;
      const std::string id = fmt::format("{:016x}{:016x}", last_session_ * 0x9E3779B97F4A7C15ULL, last_session_);
      sessions_.insert(id);
      head(c, "200 OK", "application/json", answer.body.size(), id);
      c.out += answer.body;
    } else if (!tools_.stateless() && !sessions_.contains(request.session)) {
      head(c, request.session.empty() ? "400 Bad Request" : "404 Not Found", {}, 0, {});
    } else if (answer.kind == Answer::Kind::nothing) {
      head(c, "202 Accepted", {}, 0, {});
    } else if (answer.as_event) {
      stream(c, answer.body);
    } else {
      head(c, "200 OK", "application/json", answer.body.size(), {});
      c.out += answer.body;
    }
  }

  static void head(Connection& c, std::string_view status, std::string_view type, std::size_t length,
                   std::string_view session) {
    fmt::format_to(std::back_inserter(c.out), "HTTP/1.1 {}\r\nContent-Length: {}\r\n", status, length);
    if (!type.empty()) fmt::format_to(std::back_inserter(c.out), "Content-Type: {}\r\n", type);
    if (!session.empty()) fmt::format_to(std::back_inserter(c.out), "Mcp-Session-Id: {}\r\n", session);
    c.out += c.closes ? "Connection: close\r\n\r\n" : "\r\n";
  }

  /// One Server-Sent Event in one chunk, then the end of the stream.
  static void stream(Connection& c, std::string_view body) {
    c.out +=
        "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-cache\r\nTransfer-Encoding: "
        "chunked\r\n";
    c.out += c.closes ? "Connection: close\r\n\r\n" : "\r\n";
    constexpr std::string_view before = "event: message\ndata: ";
    fmt::format_to(std::back_inserter(c.out), "{:x}\r\n{}{}\n\n\r\n0\r\n\r\n", before.size() + body.size() + 2, before,
                   body);
  }

  ToolServer& tools_;
  int epoll_;
  int listener_ = -1;
  std::vector<std::unique_ptr<Connection>> connections_;  // by file descriptor
  std::unordered_set<std::string> sessions_;
  std::uint64_t last_session_ = 0;
};

/// One JSON-RPC message a line (MCP 2025-06-18, stdio).
int serve_stdio(ToolServer& tools) {
  std::vector<char> in(64 * 1024);
  std::size_t used = 0;
  std::string out;
  for (;;) {
    if (used == in.size()) in.resize(in.size() * 2);
    const ssize_t got = read(STDIN_FILENO, in.data() + used, in.size() - used);
    if (got <= 0) return got == 0 ? 0 : 1;
    std::size_t searched = used;
    used += static_cast<std::size_t>(got);
    std::size_t start = 0;
    const std::string_view bytes(in.data(), used);
    for (std::size_t end; (end = bytes.find('\n', searched)) != bytes.npos; start = searched = end + 1) {
      const Answer answer = tools.answer(bytes.substr(start, end - start));
      if (answer.kind == Answer::Kind::nothing) continue;
      out += answer.body;
      out += '\n';
    }
    std::copy(in.begin() + static_cast<std::ptrdiff_t>(start), in.begin() + static_cast<std::ptrdiff_t>(used),
              in.begin());
    used -= start;
    for (std::size_t sent = 0; sent < out.size();) {
      const ssize_t n = write(STDOUT_FILENO, out.data() + sent, out.size() - sent);
      if (n <= 0) return 1;
      sent += static_cast<std::size_t>(n);
    }
    out.clear();
  }
}

int serve(const Flags& flags) {
  const std::string lie = flags.text("lie");
  ToolServer tools(flags.count("tools", 100), lie == "text" ? Lie::text : lie == "id" ? Lie::id : Lie::none,
                   flags.has("stateless") ? Era::stateless : Era::sessions);
  if (flags.has("stdio")) return serve_stdio(tools);
  rlimit files{};
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
  HttpServer server(tools);
  const std::uint16_t port = server.listen(static_cast<std::uint16_t>(flags.count("port", 0)));
  if (port == 0) {
    std::perror("bench-upstream: cannot listen");
    return 3;
  }
  fmt::print("{}\n", port);
  std::fflush(stdout);
  server.run();
}

}  // namespace
}  // namespace callgate::bench

int main(int argc, char** argv) { return callgate::bench::serve({argc, argv, {"port", "tools", "lie"}, {"stdio", "stateless"}}); }
