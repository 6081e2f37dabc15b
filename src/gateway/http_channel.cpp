#include "gateway/http_channel.hpp"

#include "mcp/sse.hpp"

namespace callgate::gateway {

namespace {

constexpr std::string_view json_headers = "Content-Type: application/json\r\n";
// Proxies in between must not hold events back.
constexpr std::string_view stream_headers =
    "Content-Type: text/event-stream\r\nCache-Control: no-cache\r\nX-Accel-Buffering: no\r\n";

}  // namespace

std::string HttpChannel::headers(std::string_view content) const {
  std::string lines(content);
  if (announce_ == Announce::session && !conversation_.session.id.empty()) {
    lines += "Mcp-Session-Id: ";
    lines += conversation_.session.id;
    lines += "\r\n";
  }
  return lines;
}

net::Task<bool> HttpChannel::begin() {
  if (exchange_.begun()) co_return true;
  co_return co_await exchange_.begin(200, headers(stream_headers));
}

net::Task<bool> HttpChannel::event(std::string_view bytes, std::string_view raw) {
  if (!co_await begin()) co_return false;
  if (!raw.empty()) co_return co_await exchange_.write(raw);
  if (bytes.empty()) co_return true;
  std::string event;
  mcp::append_sse_event(event, bytes);
  co_return co_await exchange_.write(event);
}

net::Task<bool> HttpChannel::answer(std::string_view bytes, std::string_view raw, int status) {
  if (!exchange_.begun()) {
    // One event makes a whole stream: it needs no chunks.
    if (!raw.empty()) co_return co_await exchange_.respond(status, headers(stream_headers), raw);
    co_return co_await exchange_.respond(status, headers(json_headers), bytes);
  }
  if (!co_await event(bytes, raw)) co_return false;
  co_return co_await exchange_.finish();
}

net::Task<bool> HttpChannel::accepted() { co_return co_await exchange_.respond(202, {}, {}); }

net::Task<bool> HttpChannel::ended() {
  if (!co_await begin()) co_return false;
  co_return co_await exchange_.finish();
}

net::Task<void> HttpChannel::until_gone() {
  while (!exchange_.is_gone()) co_await exchange_.gone(net::Loop::forever);
}

}  // namespace callgate::gateway
