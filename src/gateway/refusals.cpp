#include "gateway/refusals.hpp"

#include <utility>

#include <fmt/format.h>

#include "mcp/answers.hpp"
#include "mcp/codes.hpp"

namespace callgate::gateway {

RequestRefusal sessions_out_of_reach(std::string_view why) {
  return {503, mcp::rpc_error({}, mcp::code::internal_error, fmt::format("the session cannot be looked up now: {}", why)), "sessions out of reach", "Retry-After: 1\r\n"};
}

std::optional<RequestRefusal> no_room_for(net::HttpExchange& exchange, const json::Document& read, std::string_view id) {
  const auto room = exchange.keep(read.memory());
  if (room) return std::nullopt;
  return RequestRefusal{503, mcp::rpc_error(id, mcp::code::internal_error, room.error().message), "no room for a request", "Retry-After: 1\r\n"};
}

Refusals::Refusals(const Parts& parts)
    : parts_(parts),
      total_(parts.metrics.counter("callgate_requests_refused_total", "HTTP requests refused before they were decided.")),
      second_(parts.loop.now()) {}

void Refusals::note(int status, std::string_view why, const net::Address& peer) {
  total_.add();
  const net::Instant now = parts_.loop.now();
  if (now - second_ >= std::chrono::seconds(1)) {
    second_ = now;
    recorded_ = 0;
  }
  if (recorded_ < recorded_each_second) {
    ++recorded_;
    parts_.journal.refused({.reason = why});
    parts_.log.info("request_refused", {{"status", status}, {"why", why}, {"peer", peer.ip()}});
    return;
  }
  if (rest_++ == 0) {
    why_ = why;
    mixed_ = false;
    parts_.loop.arm(*this, std::chrono::seconds(1));
  }
  mixed_ = mixed_ || why_ != why;
}

void Refusals::tell_rest() {
  const std::uint64_t rest = std::exchange(rest_, 0);
  if (rest == 0) return;
  const std::string text = fmt::format("{} more refused: {}{}", rest, why_, mixed_ ? ", and other reasons" : "");
  parts_.journal.refused({.reason = text});
  parts_.log.info("requests_refused", {{"count", rest}, {"why", why_}});
}

}  // namespace callgate::gateway
