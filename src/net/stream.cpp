#include "net/stream.hpp"

#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <system_error>

#include <fmt/format.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

namespace callgate::net {

namespace {

/// Bytes a second that whoever is written to has to take at least.
constexpr std::size_t slowest_rate = 64 * 1024;

std::string system_text(int code) { return std::generic_category().message(code); }

/// What to do about a certificate that is not trusted.
std::string_view remedy(long fault) {
  switch (fault) {
    case X509_V_OK:
      return "see whether TLS is spoken there";
    case X509_V_ERR_CERT_HAS_EXPIRED:
      return "it has to be renewed there";
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return "look at the clocks of both machines";
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
      return "use a name or an address that the certificate holds";
    default:
      return "where you trust who issued it, name that certificate with `ca_file`";
  }
}

Stream::Io from_errno(ssize_t result) {
  if (result >= 0) return {Stream::Status::done, static_cast<std::size_t>(result)};
  if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR) return {Stream::Status::would_block, 0};
  return {Stream::Status::failed, 0};
}

}  // namespace

Stream::Stream(Loop& loop, int fd) : descriptor_(loop, fd) {}

Stream::~Stream() {
  if (tls_ != nullptr) {
    ERR_clear_error();
    SSL_shutdown(tls_);
    SSL_free(tls_);
  }
  const int fd = descriptor_.fd();
  descriptor_.release();
  shutdown(fd, SHUT_WR);
  close(fd);
}

Stream::Io Stream::read_now(std::span<char> into) {
  if (tls_ != nullptr) {
    ERR_clear_error();
    read_wants_write_ = false;
    const int got = SSL_read(tls_, into.data(), static_cast<int>(std::min<std::size_t>(into.size(), 1U << 30U)));
    if (got > 0) return {Status::done, static_cast<std::size_t>(got)};
    const Io io = tls_result(got);
    if (io.status == Status::would_block && SSL_want_write(tls_)) read_wants_write_ = true;
    return io;
  }
  if (!descriptor_.may_read()) return {};
  const Io io = from_errno(recv(descriptor_.fd(), into.data(), into.size(), 0));
  if (io.status == Status::would_block) descriptor_.drained();
  if (io.status == Status::done && io.bytes == 0) return {Status::closed, 0};
  // Less than asked for means that the kernel's buffer is empty: the next byte is a new edge.
  if (io.status == Status::done && io.bytes < into.size()) descriptor_.drained();
  return io;
}

namespace {

/// One part takes the kernel's shorter way.
ssize_t send_parts(int fd, std::span<const iovec> parts) {
  if (parts.size() == 1) return send(fd, parts.front().iov_base, parts.front().iov_len, MSG_NOSIGNAL);
  msghdr message{};
  message.msg_iov = const_cast<iovec*>(parts.data());
  message.msg_iovlen = parts.size();
  return sendmsg(fd, &message, MSG_NOSIGNAL);
}

}  // namespace

Stream::Io Stream::write_now(std::span<const iovec> parts) {
  if (tls_ != nullptr) {
    ERR_clear_error();
    write_wants_read_ = false;
    for (const iovec& part : parts) {
      if (part.iov_len == 0) continue;
      const int put =
          SSL_write(tls_, part.iov_base, static_cast<int>(std::min<std::size_t>(part.iov_len, 1U << 30U)));
      if (put > 0) return {Status::done, static_cast<std::size_t>(put)};
      const Io io = tls_result(put);
      if (io.status == Status::would_block && SSL_want_read(tls_)) write_wants_read_ = true;
      return io;
    }
    return {Status::done, 0};
  }
  while (!parts.empty() && parts.back().iov_len == 0) parts = parts.first(parts.size() - 1);
  const Io io = from_errno(send_parts(descriptor_.fd(), parts));
  if (io.status == Status::would_block) descriptor_.filled();
  return io;
}

Stream::Io Stream::tls_result(int result) {
  switch (SSL_get_error(tls_, result)) {
    case SSL_ERROR_WANT_READ: descriptor_.drained(); return {};
    case SSL_ERROR_WANT_WRITE: descriptor_.filled(); return {};
    case SSL_ERROR_ZERO_RETURN: return {Status::closed, 0};
    default: return {Status::failed, 0};
  }
}

Descriptor::Ready Stream::readable(Duration timeout) {
  return read_wants_write_ ? descriptor_.writable(timeout) : descriptor_.readable(timeout);
}

Descriptor::Ready Stream::writable(Duration timeout) {
  return write_wants_read_ ? descriptor_.readable(timeout) : descriptor_.writable(timeout);
}

Task<Result<void>> Stream::write_all(std::string_view first, std::string_view second, Duration timeout, Instant latest) {
  // Most often the kernel takes it all at once.
  const std::array<iovec, 2> parts{iovec{const_cast<char*>(first.data()), first.size()},
                                   iovec{const_cast<char*>(second.data()), second.size()}};
  const Io io = write_now(parts);
  if (io.status == Status::failed || io.status == Status::closed)
    return Task<Result<void>>::ready(fail(ErrorKind::closed, "the other side closed the connection"));
  if (io.status == Status::done) {
    const std::size_t of_first = std::min(io.bytes, first.size());
    first.remove_prefix(of_first);
    second.remove_prefix(io.bytes - of_first);
    if (first.empty() && second.empty()) return Task<Result<void>>::ready({});
  }
  return write_rest(first, second, timeout, latest);
}

Task<Result<void>> Stream::write_rest(std::string_view first, std::string_view second, Duration timeout, Instant latest) {
  const auto seconds = static_cast<std::int64_t>((first.size() + second.size()) / slowest_rate);
  const Instant until = std::min(latest, descriptor_.loop().now() + timeout + std::chrono::seconds(seconds));
  for (;;) {
    const std::array<iovec, 2> parts{iovec{const_cast<char*>(first.data()), first.size()},
                                     iovec{const_cast<char*>(second.data()), second.size()}};
    const Io io = write_now(parts);
    if (io.status == Status::failed || io.status == Status::closed)
      co_return fail(ErrorKind::closed, "the other side closed the connection");
    if (io.status == Status::would_block) {
      const Duration left = until - descriptor_.loop().now();
      if (left <= Duration::zero() || !co_await writable(left))
        co_return fail(ErrorKind::timeout, "the other side takes the bytes too slowly");
      continue;
    }
    const std::size_t of_first = std::min(io.bytes, first.size());
    first.remove_prefix(of_first);
    second.remove_prefix(io.bytes - of_first);
    if (first.empty() && second.empty()) co_return Result<void>{};
  }
}

Task<Result<void>> Stream::secure(std::shared_ptr<TlsClient> tls, std::string host, Instant until) {
  tls_client_ = std::move(tls);
  tls_ = SSL_new(tls_client_->context());
  SSL_set_fd(tls_, descriptor_.fd());
  SSL_set_tlsext_host_name(tls_, host.c_str());
  // A numeric host is checked against the certificate's addresses, not its names.
  if (Address::numeric(host, 0)) {
    X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(tls_), host.c_str());
  } else {
    SSL_set1_host(tls_, host.c_str());
  }
  const auto too_long = fail(ErrorKind::timeout, "the TLS handshake took too long");
  for (;;) {
    ERR_clear_error();
    const int result = SSL_connect(tls_);
    if (result == 1) co_return Result<void>{};
    switch (SSL_get_error(tls_, result)) {
      case SSL_ERROR_WANT_READ:
        descriptor_.drained();
        if (!co_await descriptor_.readable(until - descriptor_.loop().now())) co_return too_long;
        break;
      case SSL_ERROR_WANT_WRITE:
        descriptor_.filled();
        if (!co_await descriptor_.writable(until - descriptor_.loop().now())) co_return too_long;
        break;
      default: {
        const long verify = SSL_get_verify_result(tls_);
        const std::string why = verify != X509_V_OK ? X509_verify_cert_error_string(verify) : "handshake failed";
        co_return fail(ErrorKind::unavailable,
                       fmt::format("no trusted TLS connection to `{}`: {}; {}", host, why, remedy(verify)));
      }
    }
  }
}

Result<std::shared_ptr<TlsClient>> TlsClient::make(const std::string& ca_file) {
  SSL_CTX* context = SSL_CTX_new(TLS_client_method());
  if (context == nullptr) return fail(ErrorKind::internal, "OpenSSL gives no context");
  std::shared_ptr<TlsClient> client(new TlsClient(context));
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
  SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  const bool trusted = ca_file.empty() ? SSL_CTX_set_default_verify_paths(context) == 1
                                       : SSL_CTX_load_verify_locations(context, ca_file.c_str(), nullptr) == 1;
  if (!trusted)
    return fail(ErrorKind::unavailable, fmt::format("`{}` holds no certificates that can be read", ca_file));
  return client;
}

TlsClient::~TlsClient() { SSL_CTX_free(context_); }

namespace {

/// A peer that went without a word is noticed within a minute, however long a stream may be silent.
void probe_while_silent(int fd) {
  constexpr int on = 1;
  constexpr int idle_seconds = 30;
  constexpr int seconds_between = 10;
  constexpr int probes = 3;
  setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
  setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle_seconds, sizeof idle_seconds);
  setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &seconds_between, sizeof seconds_between);
  setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof probes);
}

Task<Result<std::unique_ptr<Stream>>> connect_one(Loop& loop, Address address, Duration timeout) {
  const int fd = socket(address.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) co_return fail(ErrorKind::unavailable, fmt::format("no socket: {}", system_text(errno)));
  const int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (address.storage.ss_family != AF_UNIX) probe_while_silent(fd);
  const int started = ::connect(fd, reinterpret_cast<const sockaddr*>(&address.storage), address.size);
  const int code = started == 0 ? 0 : errno;
  auto stream = std::make_unique<Stream>(loop, fd);
  if (code == EINPROGRESS) {
    stream->descriptor().filled();
    if (!co_await stream->descriptor().writable(timeout))
      co_return fail(ErrorKind::timeout, fmt::format("no answer from {} in time", address.text()));
    int error = 0;
    socklen_t size = sizeof error;
    getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size);
    if (error != 0)
      co_return fail(ErrorKind::unavailable, fmt::format("{}: {}", address.text(), system_text(error)));
  } else if (code != 0) {
    co_return fail(ErrorKind::unavailable, fmt::format("{}: {}", address.text(), system_text(code)));
  }
  co_return stream;
}

}  // namespace

Task<Result<std::unique_ptr<Stream>>> connect(Loop& loop, std::vector<Address> addresses, Instant until) {
  Error last{ErrorKind::unavailable, "the host has no address", {}};
  for (std::size_t i = 0; i < addresses.size(); ++i) {
    const auto untried = static_cast<std::int64_t>(addresses.size() - i);
    auto stream = co_await connect_one(loop, addresses[i], (until - loop.now()) / untried);
    if (stream) co_return std::move(*stream);
    last = std::move(stream.error());
  }
  co_return std::unexpected(std::move(last));
}

Result<std::unique_ptr<Listener>> Listener::open(Loop& loop, const Address& address, Port port) {
  const int fd = socket(address.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return fail(ErrorKind::unavailable, fmt::format("no socket: {}", system_text(errno)));
  const int on = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (port == Port::shared && setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) != 0) {
    const int code = errno;
    close(fd);
    return fail(ErrorKind::unavailable, fmt::format("{} cannot be shared: {}", address.text(), system_text(code)));
  }
  const bool is_unix = address.storage.ss_family == AF_UNIX;
  const mode_t mask = umask(0177);
  const bool bound = bind(fd, reinterpret_cast<const sockaddr*>(&address.storage), address.size) == 0;
  const int bind_error = errno;
  umask(mask);
  if (!bound || listen(fd, SOMAXCONN) != 0) {
    const int code = bound ? errno : bind_error;
    close(fd);
    return fail(code == EADDRINUSE ? ErrorKind::conflict : ErrorKind::unavailable,
                fmt::format("cannot listen on {}: {}{}", address.text(), system_text(code),
                            code == EADDRINUSE ? "; stop what has it, or name another port (0 takes a free one)" : ""));
  }
  Address real = address;
  if (!is_unix) {
    real.size = sizeof real.storage;
    getsockname(fd, reinterpret_cast<sockaddr*>(&real.storage), &real.size);
  }
  return std::unique_ptr<Listener>(new Listener(loop, fd, real));
}

Listener::~Listener() {
  descriptor_.release();
  close(descriptor_.fd());
}

Task<Result<std::unique_ptr<Stream>>> Listener::accept(Address& peer) {
  for (;;) {
    if (share_.spent(descriptor_.loop())) co_await descriptor_.loop().next_turn();
    peer.size = sizeof peer.storage;
    const int fd = accept4(descriptor_.fd(), reinterpret_cast<sockaddr*>(&peer.storage), &peer.size,
                           SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) {
      share_.took(descriptor_.loop(), 1);
      co_return stream_of(fd);
    }
    if (errno == EAGAIN || errno == EWOULDBLOCK) {
      descriptor_.drained();
      co_await descriptor_.readable(Loop::forever);
    } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
      // Out of descriptors of its own: whoever came first and sends nothing must not keep all others out.
      // What the whole system lacks does not come by closing some here.
      const bool soon = errno == EMFILE && make_room_ && make_room_();
      co_await descriptor_.loop().sleep(std::chrono::milliseconds(soon ? 1 : 100));
    } else if (errno != EINTR && errno != ECONNABORTED) {
      co_return fail(ErrorKind::unavailable, fmt::format("no more connections: {}", system_text(errno)));
    }
  }
}

std::unique_ptr<Stream> Listener::take(Address& peer) {
  for (;;) {
    peer.size = sizeof peer.storage;
    const int fd =
        accept4(descriptor_.fd(), reinterpret_cast<sockaddr*>(&peer.storage), &peer.size, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) return stream_of(fd);
    if (errno != EINTR && errno != ECONNABORTED) return nullptr;
  }
}

std::unique_ptr<Stream> Listener::stream_of(int fd) {
  const int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return std::make_unique<Stream>(descriptor_.loop(), fd);
}

bool Listener::kernel_moves_connections() {
  std::ifstream setting("/proc/sys/net/ipv4/tcp_migrate_req");
  return setting.get() == '1';
}

void Listener::begin_no_more() {
  // RFC 9293 section 3.1: a connection's first packet has SYN and no ACK in its flags, byte 13 of the header, where the
  // filter of a TCP socket begins. Where the kernel takes no filter, only the moment before close(2) is unguarded.
  constexpr std::uint32_t flags = 13;
  constexpr std::uint32_t syn_and_ack = 0x12;
  constexpr std::uint32_t syn = 0x02;
  constexpr std::uint32_t whole = 0xffffffff;
  std::array<sock_filter, 5> code{sock_filter{BPF_LD | BPF_B | BPF_ABS, 0, 0, flags},
                                  sock_filter{BPF_ALU | BPF_AND | BPF_K, 0, 0, syn_and_ack},
                                  sock_filter{BPF_JMP | BPF_JEQ | BPF_K, 0, 1, syn},
                                  sock_filter{BPF_RET | BPF_K, 0, 0, 0}, sock_filter{BPF_RET | BPF_K, 0, 0, whole}};
  const sock_fprog program{.len = code.size(), .filter = code.data()};
  setsockopt(descriptor_.fd(), SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program);
}

}  // namespace callgate::net
