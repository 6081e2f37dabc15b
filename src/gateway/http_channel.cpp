#include "gateway/http_channel.hpp"

#include <utility>

#include "mcp/sse.hpp"

namespace callgate::gateway {

namespace {

constexpr std::string_view json_headers = "Content-Type: application/json\r\n";
// Proxies in between must not hold events back.
constexpr std::string_view stream_headers =
    "Content-Type: text/event-stream\r\nCache-Control: no-cache\r\nX-Accel-Buffering: no\r\n";
// A server that says more than this before it answers `initialize` is not listened to.
constexpr std::size_t max_held_bytes = std::size_t{1} << 20U;

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

bool HttpChannel::waits_for_session() const {
  return announce_ == Announce::session && conversation_.session.id.empty() && !exchange_.begun();
}

net::Task<bool> HttpChannel::write(std::string_view event) {
  if (waits_for_session()) {
    if (held_.size() + event.size() > max_held_bytes) co_return false;
    held_ += event;
    co_return true;
  }
  if (!co_await begin()) co_return false;
  if (!held_.empty()) {
    const std::string held = std::exchange(held_, {});
    if (!co_await exchange_.write(held)) co_return false;
  }
  co_return event.empty() || co_await exchange_.write(event);
}

net::Task<bool> HttpChannel::event(std::string_view bytes, std::string_view raw) {
  if (!raw.empty() || bytes.empty()) co_return co_await write(raw);
  std::string event;
  mcp::append_sse_event(event, bytes);
  co_return co_await write(event);
}

net::Task<bool> HttpChannel::answer(std::string_view bytes, std::string_view raw, int status) {
  if (exchange_.begun() || !held_.empty()) return end_stream(bytes, raw);
  // One event makes a whole stream: it needs no chunks.
  const std::string_view content = raw.empty() ? json_headers : stream_headers;
  const std::string_view body = raw.empty() ? bytes : raw;
  if (announce_ == Announce::nothing) return exchange_.respond(status, content, body);
  return exchange_.respond(status, headers(content), body);
}

net::Task<bool> HttpChannel::answer_in_parts(std::string_view begin, std::string_view rest) {
  const bool plain = !exchange_.begun() && held_.empty() && announce_ == Announce::nothing;
  return plain ? exchange_.respond_in_parts(200, json_headers, begin, rest) : Channel::answer_in_parts(begin, rest);
}

net::Task<bool> HttpChannel::end_stream(std::string_view bytes, std::string_view raw) {
  announce_ = conversation_.session.id.empty() ? Announce::nothing : announce_;
  if (!co_await event(bytes, raw)) co_return false;
  co_return co_await exchange_.finish();
}

net::Task<bool> HttpChannel::accepted() { co_return co_await exchange_.respond(202, {}, {}); }

net::Task<bool> HttpChannel::ended() {
  if (!co_await begin()) co_return false;
  co_return co_await exchange_.finish();
}

/// Clients have to accept both forms, and some say only one.
bool HttpChannel::streams() const {
  if (exchange_.begun()) return true;
  const std::string_view accept = exchange_.head().headers.find("Accept");
  return accept.find("text/event-stream") != std::string_view::npos || accept.find("*/*") != std::string_view::npos;
}

net::Task<void> HttpChannel::until_gone() {
  while (!exchange_.is_gone()) co_await exchange_.gone(net::Loop::forever);
}

}  // namespace callgate::gateway
