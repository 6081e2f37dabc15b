#include "cli/admin_client.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <system_error>

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "net/http1.hpp"

namespace callgate::cli {
namespace {

namespace fs = std::filesystem;
using SteadyTime = std::chrono::steady_clock::time_point;

class Handle {
 public:
  explicit Handle(int fd) : fd_(fd) {}
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;
  ~Handle() {
    if (fd_ >= 0) ::close(fd_);
  }
  int fd() const { return fd_; }

 private:
  int fd_;
};

std::unexpected<Error> system_fault(ErrorKind kind, std::string_view doing) {
  return fail(kind, fmt::format("cannot {} the gateway: {}", doing, std::strerror(errno)));
}

/// Until the socket is ready for `events` or the deadline has passed.
Result<void> wait_for(int fd, short events, SteadyTime deadline) {
  for (;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    pollfd entry{.fd = fd, .events = events, .revents = 0};
    const int ready = left.count() <= 0 ? 0 : ::poll(&entry, 1, static_cast<int>(left.count()));
    if (ready > 0) return {};
    if (ready == 0) return fail(ErrorKind::timeout, "the gateway did not answer in time");
    if (errno != EINTR) return system_fault(ErrorKind::unavailable, "wait for");
  }
}

/// The name for connect(2), which takes 107 bytes: a longer path goes through
/// the open folder (`folder` must stay open until connected).
std::string short_name(const fs::path& socket, const Handle& folder) {
  if (socket.native().size() < sizeof(sockaddr_un{}.sun_path)) return socket.native();
  return fmt::format("/proc/self/fd/{}/{}", folder.fd(), socket.filename().native());
}

Result<void> connect_to(int fd, const fs::path& socket, SteadyTime deadline) {
  const Handle folder(::open(socket.parent_path().c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  const std::string name = short_name(socket, folder);
  sockaddr_un address{};
  if (name.size() >= sizeof(address.sun_path)) return fail(ErrorKind::unavailable, "the socket's path is too long");
  address.sun_family = AF_UNIX;
  name.copy(address.sun_path, sizeof(address.sun_path) - 1);

  // EAGAIN: the listener's queue is full (unix(7)); a non-blocking socket gets no event for that.
  while (::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
    if (errno == ECONNREFUSED || errno == ENOENT) return fail(ErrorKind::not_found, "no gateway listens there");
    if (errno != EAGAIN && errno != EINTR) return system_fault(ErrorKind::unavailable, "reach");
    if (std::chrono::steady_clock::now() >= deadline) return fail(ErrorKind::timeout, "the gateway is too busy");
    ::poll(nullptr, 0, 10);
  }
  ucred peer{};
  socklen_t size = sizeof(peer);
  if (::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return system_fault(ErrorKind::unavailable, "know");
  if (peer.uid != ::geteuid() && peer.uid != 0 && ::geteuid() != 0) {
    return fail(ErrorKind::refused, "the socket belongs to another user's process");
  }
  return {};
}

Result<void> send_all(int fd, std::string_view bytes, SteadyTime deadline) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent > 0) {
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    } else if (errno == EAGAIN) {
      if (Result<void> ready = wait_for(fd, POLLOUT, deadline); !ready) return ready;
    } else if (errno != EINTR) {
      return system_fault(ErrorKind::closed, "write to");
    }
  }
  return {};
}

/// Appends what arrives; `closed` when the other side has ended.
Result<void> receive_some(int fd, std::string& out, SteadyTime deadline) {
  std::array<char, 16 * 1024> bytes;
  for (;;) {
    const ssize_t size = ::recv(fd, bytes.data(), bytes.size(), 0);
    if (size > 0) {
      out.append(bytes.data(), static_cast<std::size_t>(size));
      return {};
    }
    if (size == 0) return fail(ErrorKind::closed, "the gateway ended the connection before it had answered");
    if (errno == EAGAIN) {
      if (Result<void> ready = wait_for(fd, POLLIN, deadline); !ready) return ready;
    } else if (errno != EINTR) {
      return system_fault(ErrorKind::closed, "read from");
    }
  }
}

Result<AdminReply> receive_reply(int fd, const AdminLimits& limits, SteadyTime deadline) {
  std::string bytes;
  std::size_t head = 0;
  while ((head = net::head_size(bytes, 0)) == 0) {
    if (bytes.size() > limits.head_bytes) return fail(ErrorKind::too_large, "the gateway's answer has too long a head");
    if (Result<void> got = receive_some(fd, bytes, deadline); !got) return std::unexpected(got.error());
  }
  net::ResponseHead response;
  const net::HeadLimits head_limits{.bytes = limits.head_bytes};
  if (Result<void> read = net::read_response_head(std::string_view(bytes).substr(0, head), head_limits, response); !read) {
    return std::unexpected(read.error());
  }
  if (!response.content_length) return fail(ErrorKind::malformed, "the gateway's answer does not say its length");
  const std::uint64_t length = *response.content_length;
  if (length > limits.body_bytes) return fail(ErrorKind::too_large, "the gateway's answer is too long");

  const int status = response.status;
  bytes.erase(0, head);
  while (bytes.size() < length) {
    if (Result<void> got = receive_some(fd, bytes, deadline); !got) return std::unexpected(got.error());
  }
  bytes.resize(length);
  return AdminReply{.status = status, .body = std::move(bytes)};
}

}  // namespace

Result<std::vector<fs::path>> gateway_sockets(const fs::path& data) {
  std::error_code fault;
  std::vector<fs::path> out;
  const fs::path folder = data / "run";
  for (fs::directory_iterator each(folder, fault), end; !fault && each != end; each.increment(fault)) {
    std::error_code gone;
    if (each->path().extension() == ".sock" && each->is_socket(gone)) out.push_back(each->path());
  }
  if (fault && fault != std::errc::no_such_file_or_directory) {
    return fail(ErrorKind::unavailable, fmt::format("cannot read `{}`: {}", folder.string(), fault.message()));
  }
  std::ranges::sort(out);
  return out;
}

std::size_t remove_dead_sockets(const fs::path& data) {
  const Result<std::vector<fs::path>> sockets = gateway_sockets(data);
  if (!sockets) return 0;
  std::size_t removed = 0;
  for (const fs::path& socket : *sockets) {
    const Handle connection(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    const Result<void> reached = connect_to(connection.fd(), socket, std::chrono::steady_clock::now());
    if (reached || reached.error().kind != ErrorKind::not_found) continue;
    std::error_code fault;
    if (fs::remove(socket, fault)) ++removed;
  }
  return removed;
}

Result<AdminReply> ask_gateway(const fs::path& socket, std::string_view method, std::string_view target,
                               std::string_view body, const AdminLimits& limits) {
  const SteadyTime deadline = std::chrono::steady_clock::now() + limits.time;
  const Handle connection(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (connection.fd() < 0) return system_fault(ErrorKind::unavailable, "reach");
  if (Result<void> reached = connect_to(connection.fd(), socket, deadline); !reached) {
    return std::unexpected(reached.error());
  }
  std::string request = fmt::format("{} {} HTTP/1.1\r\nHost: localhost\r\nAccept: application/json\r\nConnection: close\r\n",
                                    method, target);
  if (method != "GET") {
    request += fmt::format("Content-Type: application/json\r\nContent-Length: {}\r\n", body.size());
  }
  request += "\r\n";
  request += body;
  if (Result<void> sent = send_all(connection.fd(), request, deadline); !sent) return std::unexpected(sent.error());
  return receive_reply(connection.fd(), limits, deadline);
}

Result<AdminReplies> ask_gateways(const fs::path& data, std::string_view method, std::string_view target,
                                  const AdminLimits& limits) {
  const Result<std::vector<fs::path>> sockets = gateway_sockets(data);
  if (!sockets) return std::unexpected(sockets.error());
  AdminReplies out;
  for (const fs::path& socket : *sockets) {
    Result<AdminReply> reply = ask_gateway(socket, method, target, {}, limits);
    if (reply) {
      out.replies.push_back({.socket = socket, .reply = std::move(*reply)});
    } else if (reply.error().kind != ErrorKind::not_found) {
      out.faults.push_back(std::move(reply.error()));
      out.faults.back().where = socket.string();
    }
  }
  return out;
}

}  // namespace callgate::cli
