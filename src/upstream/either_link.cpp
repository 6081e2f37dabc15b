#include "upstream/either_link.hpp"

namespace callgate::upstream {

namespace {

/// What a server says that knows no POST at this address.
bool may_be_sse(const Failure& failure) { return failure.http_status == 400 || failure.http_status == 404 || failure.http_status == 405; }

net::Task<Forwarded> pass(Link& link, Outbound&& out, Sink& sink) {
  policy::Permit permit = std::move(*out.permit);
  return link.forward(std::move(permit), std::move(out), sink);
}

}  // namespace

/// Once it is known who speaks, no frame stands in between.
net::Task<Forwarded> EitherLink::transmit(Outbound out, Sink& sink) {
  const bool opens = out.message != nullptr && out.message->method_id == mcp::MethodId::initialize;
  return !known_ && opens ? find_out(std::move(out), sink) : pass(now(), std::move(out), sink);
}

net::Task<Forwarded> EitherLink::find_out(Outbound out, Sink& sink) {
  known_ = true;
  Outbound again{.bytes = out.bytes, .message = out.message, .time = out.time};
  auto told = co_await pass(*http_, std::move(out), sink);
  if (told || !may_be_sse(told.error())) co_return told;
  auto permit = co_await parts_.permit();
  if (!permit) co_return told;
  std::unique_ptr<SseLink> sse = parts_.make_sse();
  sse->on_unsolicited(unsolicited_);
  auto told_on_stream = co_await sse->forward(std::move(*permit), std::move(again), sink);
  // A server that has no such stream said first what is wrong with it.
  if (!sse->was_open()) co_return told;
  sse_ = std::move(sse);
  parts_.is_sse();
  co_return told_on_stream;
}

}  // namespace callgate::upstream
