#include "net/http_server.hpp"

#include "net/http_connection.hpp"

namespace callgate::net {

namespace {

Task<void> run(std::unique_ptr<HttpConnection> connection) { co_await connection->serve(); }

}  // namespace

HttpServer::HttpServer(Loop& loop, HttpHandler& handler, ServerLimits limits)
    : loop_(loop), handler_(handler), limits_(limits) {}

HttpServer::~HttpServer() {
  accepting_.cancel();
  tasks_.cancel();
}

Result<Address> HttpServer::listen(const Address& address, Port port) {
  auto listener = Listener::open(loop_, address, port);
  if (!listener) return std::unexpected(listener.error());
  listeners_.push_back(std::move(*listener));
  listeners_.back()->on_no_descriptor([this] { return make_room({}); });
  accepting_.spawn(accept(*listeners_.back()));
  return listeners_.back()->address();
}

Task<void> HttpServer::accept(Listener& listener) {
  for (;;) {
    Address peer;
    auto stream = co_await listener.accept(peer);
    if (!stream) co_return;
    admit(std::move(*stream), peer);
  }
}

void HttpServer::admit(std::unique_ptr<Stream> stream, const Address& peer) {
  const std::string ip = peer.ip();
  const auto entry = per_address_.find(ip);
  const bool address_full = entry != per_address_.end() && entry->second >= limits_.connections_per_address;
  if (address_full && !make_room(ip)) return;
  if (count_ >= limits_.connections && !make_room({})) return;
  tasks_.spawn(run(std::make_unique<HttpConnection>(*this, std::move(stream), peer)));
}

/// Drops the connection that has been longest without a complete request: of
/// one address, or of all for an empty one.
bool HttpServer::make_room(const std::string& ip) {
  for (ListNode* node = connections_.next; node != &connections_; node = node->next) {
    auto& connection = static_cast<HttpConnection&>(*node);
    if (!connection.waits_for_request() || (!ip.empty() && connection.ip() != ip)) continue;
    connection.drop();
    connection.unlink();
    return true;
  }
  return false;
}

Task<void> HttpServer::leave_port() {
  stage_ = Stage::leaving;
  if (!Listener::kernel_moves_connections()) {
    for (const auto& listener : listeners_) listener->begin_no_more();
    co_await loop_.sleep(limits_.handshake_time);
  }
  accepting_.cancel();
  for (const auto& listener : listeners_) {
    Address peer;
    while (auto stream = listener->take(peer)) admit(std::move(stream), peer);
  }
  listeners_.clear();
  const Instant until = loop_.now() + limits_.leave_time;
  while (count_ > busy_ && loop_.now() < until) co_await loop_.sleep(std::chrono::milliseconds(20));
}

void HttpServer::stop() {
  stage_ = Stage::stopping;
  for (ListNode* node = connections_.next; node != &connections_; node = node->next)
    static_cast<HttpConnection&>(*node).close_if_idle();
}

}  // namespace callgate::net
