#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include <sys/uio.h>

#include "base/error.hpp"
#include "net/address.hpp"
#include "net/loop.hpp"

struct ssl_st;
struct ssl_ctx_st;

namespace callgate::net {

/// What a connection to a TLS server is checked against.
class TlsClient {
 public:
  /// Trusts the system's certificates, or only those of `ca_file`.
  static Result<std::shared_ptr<TlsClient>> make(const std::string& ca_file);
  ~TlsClient();
  ssl_ctx_st* context() const { return context_; }

 private:
  explicit TlsClient(ssl_ctx_st* context) : context_(context) {}
  ssl_ctx_st* context_;
};

/// A connected socket, plain or TLS. Owns its descriptor.
class Stream {
 public:
  Stream(Loop& loop, int fd);
  ~Stream();
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  enum class Status : std::uint8_t { done, would_block, closed, failed };
  struct Io {
    Status status = Status::would_block;
    std::size_t bytes = 0;
  };
  /// Reads what is there; no system call where nothing can be there.
  Io read_now(std::span<char> into);
  Io write_now(std::span<const iovec> parts);
  /// Until it is worth reading (writing) again; false after `timeout`.
  Descriptor::Ready readable(Duration timeout);
  Descriptor::Ready writable(Duration timeout);

  /// Writes all parts, in order. Fails with `timeout` when they have not gone by
  /// then, with a second more for every 64 KiB; never waits beyond `latest`.
  /// Begins at once, also before it is awaited.
  Task<Result<void>> write_all(std::string_view first, std::string_view second, Duration timeout,
                               Instant latest = Instant::max());

  /// TLS handshake as a client, done by `until`; checks the certificate for `host`.
  Task<Result<void>> secure(std::shared_ptr<TlsClient> tls, std::string host, Instant until);

  Descriptor& descriptor() { return descriptor_; }

 private:
  Task<Result<void>> write_rest(std::string_view first, std::string_view second, Duration timeout, Instant latest);
  Io tls_result(int result);
  Descriptor descriptor_;
  ssl_st* tls_ = nullptr;
  std::shared_ptr<TlsClient> tls_client_;
  bool read_wants_write_ = false;
  bool write_wants_read_ = false;
};

/// Connects to the first of the addresses that answers before `until`; each has
/// an equal part of the time that is left.
Task<Result<std::unique_ptr<Stream>>> connect(Loop& loop, std::vector<Address> addresses, Instant until);

/// Whether others may listen on the same address.
enum class Port : std::uint8_t {
  own,     ///< nobody
  shared,  ///< processes of one user that all say so: the kernel deals connections out (socket(7), SO_REUSEPORT)
};

/// A listening socket.
class Listener {
 public:
  static Result<std::unique_ptr<Listener>> open(Loop& loop, const Address& address, Port port = Port::own);
  ~Listener();
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;
  const Address& address() const { return address_; }  ///< with the real port
  /// The next connection; the listener must outlive the wait.
  Task<Result<std::unique_ptr<Stream>>> accept(Address& peer);
  /// Asked where there is no descriptor for a connection that waits: whether one becomes free soon.
  void on_no_descriptor(std::function<bool()> make_room) { make_room_ = std::move(make_room); }
  /// One that is there already; null where there is none, or no descriptor for it.
  std::unique_ptr<Stream> take(Address& peer);
  /// Before a shared port is given up. A connection belongs to one listener from its first
  /// packet on, and is reset where that closes. From here on first packets count as lost:
  /// clients send them again after a second, and the kernel gives them to whoever
  /// listens then. Connections that had begun still arrive.
  void begin_no_more();
  /// Whether the kernel moves them to another listener by itself: net.ipv4.tcp_migrate_req.
  static bool kernel_moves_connections();

 private:
  std::unique_ptr<Stream> stream_of(int fd);
  Listener(Loop& loop, int fd, const Address& address) : descriptor_(loop, fd), address_(address), share_(64) {}
  Descriptor descriptor_;
  Address address_;
  TurnShare share_;
  std::function<bool()> make_room_;
};

}  // namespace callgate::net
