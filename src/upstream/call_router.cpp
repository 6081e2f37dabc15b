#include "upstream/call_router.hpp"

#include <algorithm>
#include <vector>

#include "mcp/answers.hpp"
#include "mcp/own_messages.hpp"
#include "mcp/servers_code.hpp"
#include "mcp/splice.hpp"

namespace callgate::upstream {

namespace {

/// Messages that belong to no call and that nobody takes: more are dropped.
constexpr std::size_t max_unrelated = 1000;
/// Events of one call that its client has not taken yet.
constexpr std::size_t max_events = 10'000;

/// The subscription that a notification belongs to, if it names one (2026-07-28).
std::optional<json::Value> subscription_of(const mcp::Message& message) {
  return message.is_notification() && message.meta ? message.meta.find("io.modelcontextprotocol/subscriptionId") : std::nullopt;
}

/// Whether a message of the server says itself which call it is about.
bool names_call(const mcp::Message& message) {
  return message.method_id == mcp::MethodId::notifications_progress || subscription_of(message).has_value();
}

/// Whether it says that a list of the server's is another one, which is so for everybody.
bool tells_of_list(const mcp::Message& message) {
  using enum mcp::MethodId;
  return message.method_id == notifications_tools_list_changed || message.method_id == notifications_prompts_list_changed || message.method_id == notifications_resources_list_changed;
}

/// The message with the id (of a request or response) or the progress token (of
/// a progress notification) that the other side knows.
std::string with_own_ids(const mcp::Message& message, std::string_view own) {
  std::vector<mcp::Edit> edits;
  if (message.id) edits.push_back(mcp::replace(message.id, own));
  if (const auto subscription = subscription_of(message)) edits.push_back(mcp::replace(*subscription, own));
  if (message.is_notification() && message.params) {
    if (const auto token = message.params.find("progressToken")) edits.push_back(mcp::replace(*token, own));
  }
  if (message.is_request() && message.meta) {
    if (const auto token = message.meta.find("progressToken")) edits.push_back(mcp::replace(*token, own));
  }
  return mcp::splice(message.bytes(), edits);
}

}  // namespace

CallRouter::CallRouter(net::Loop& loop, net::ServerRoom room, std::size_t max_result, Ids ids, Log& log)
    : loop_(loop), room_(std::move(room)), max_result_(max_result), ids_(ids), log_(log), has_unrelated_(loop) {
  tasks_.spawn(pump());
}

CallRouter::Call* CallRouter::find_call(std::string_view id) {
  for (net::ListNode* node = calls_.next; node != &calls_; node = node->next) {
    auto& call = static_cast<Call&>(*node);
    if (mcp::same_id(call.id, id)) return &call;
  }
  return nullptr;
}

/// The call that a message of the server belongs to: its progress token or
/// subscription names it; else, on a link of one session, the call that was sent last.
CallRouter::Call* CallRouter::call_of(const mcp::Message& message) {
  if (const auto subscription = subscription_of(message)) return find_call(subscription->text());
  const bool progress = message.method_id == mcp::MethodId::notifications_progress;
  for (net::ListNode* node = calls_.previous; node != &calls_; node = node->previous) {
    auto& call = static_cast<Call&>(*node);
    if (progress ? is_progress_for(message, call.token) : ids_ == Ids::as_sent) return &call;
  }
  return nullptr;
}

/// A cancel under the id by which the server knows its call; nothing where no
/// call has that id here. Where several have, the decision tells which is meant.
std::optional<std::string> CallRouter::with_own_request(const mcp::Message& cancel, Ulid decision) const {
  const auto request = cancel.params ? cancel.params.find("requestId") : std::nullopt;
  if (!request) return std::nullopt;
  const Call* match = nullptr;
  for (const net::ListNode* node = calls_.next; node != &calls_; node = node->next) {
    const auto& call = static_cast<const Call&>(*node);
    if (!mcp::same_id(call.client_id, request->text())) continue;
    if (decision != Ulid() && call.decision != decision) continue;
    if (match != nullptr) return std::nullopt;
    match = &call;
  }
  if (match == nullptr) return std::nullopt;
  const mcp::Edit edit = mcp::replace(*request, match->id);
  return mcp::splice(cancel.bytes(), std::span(&edit, 1));
}

std::optional<std::string_view> CallRouter::begin(const Outbound& out, Call& call, const Sink& sink) {
  if (out.message != nullptr && out.message->is_request()) {
    call.client_id = out.message->id_text;
    call.client_token = progress_token(*out.message);
    call.decision = out.call;
    call.id = ids_ == Ids::own ? std::to_string(next_id_++) : call.client_id;
    call.token = ids_ == Ids::own && !call.client_token.empty() ? call.id : call.client_token;
    call.endless = out.endless;
    call.owner = &sink;
    calls_.push_back(call);
    if (ids_ == Ids::as_sent) return out.bytes;
    return call.text = with_own_ids(*out.message, call.id);
  }
  const bool cancels = out.message != nullptr && out.message->method_id == mcp::MethodId::notifications_cancelled;
  if (ids_ == Ids::as_sent || !cancels) return out.bytes;
  auto cancel = with_own_request(*out.message, out.call);
  if (!cancel) return std::nullopt;
  return call.text = std::move(*cancel);
}

Result<void> CallRouter::take(std::string_view text) {
  // The link may be there for days: what a large message took is not kept for the next one.
  json::Document of_this_one;
  json::Document& document = text.size() > net::ReplyRoom::large ? of_this_one : document_;
  const auto message = mcp::read_message(text, document, mcp::Direction::from_server, answer_limits);
  if (message && mcp::says_own_code(*message)) return take(mcp::with_servers_code(*message));
  if (message) {
    route(*message);
    return {};
  }
  if (const auto id = mcp::salvage_id(text)) {
    if (Call* call = find_call(*id); call != nullptr && !call->answered)
      call->fail({.error = {ErrorKind::malformed, "the server's answer is not a well-formed MCP message", message.error().message}});
  }
  return std::unexpected(message.error());
}

void CallRouter::route(const mcp::Message& message) {
  if (message.is_response()) return answered(message);
  if (Call* call = call_of(message)) return happened(*call, message);
  // Of several who share the link nobody else may hear of that call, and the number that it goes by may be the
  // token of one of theirs. That a list changed has to be known all the same, and holds without what names the call.
  const bool of_another = ids_ == Ids::own && names_call(message);
  if (of_another && !tells_of_list(message)) return;
  if (unrelated_.size() >= max_unrelated) return;
  unrelated_.push_back(of_another ? mcp::plain_notification(message.method_id) : std::string(message.bytes()));
  has_unrelated_.raise();
}

void CallRouter::answered(const mcp::Message& message) {
  Call* call = find_call(message.id_text);
  if (call == nullptr || call->answered) {
    if (++unexpected_ <= 5 || unexpected_ % 1000 == 0)
      log_.warn("upstream_answer_unexpected", {{"server", room_.server}, {"count", unexpected_}});
    return;
  }
  if (auto counted = room_.count(call->part, call->waiting + message.bytes().size(), call->owner); !counted) return call->fail({std::move(counted.error())});
  call->answered = true;
  const mcp::AnswerLook look = mcp::look_at(message);
  call->look = ids_ == Ids::own ? mcp::with_id_of(look, call->client_id.size()) : look;
  call->status = mcp::status_of(message);
  call->answer = ids_ == Ids::own ? with_own_ids(message, call->client_id) : std::string(message.bytes());
  call->wake.raise();
}

void CallRouter::happened(Call& call, const mcp::Message& message) {
  call.bytes += message.bytes().size();
  // All events of one call together stay under the limit of one answer.
  if (call.events.size() >= max_events || call.bytes > max_result_)
    return call.fail(failed(ErrorKind::too_large, "the server sent more messages than the client took"));
  if (auto counted = room_.count(call.part, call.waiting + message.bytes().size(), call.owner); !counted) return call.fail({std::move(counted.error())});
  const std::string& theirs = subscription_of(message) ? call.client_id : call.client_token;
  call.events.push_back(ids_ == Ids::own && !theirs.empty() ? with_own_ids(message, theirs) : std::string(message.bytes()));
  call.waiting += call.events.back().size();
  call.wake.raise();
}

net::Task<void> CallRouter::pump() {
  for (;;) {
    co_await has_unrelated_.wait(net::Loop::forever);
    while (!unrelated_.empty()) {
      json::Document document;
      const std::string bytes = std::move(unrelated_.front());
      unrelated_.pop_front();
      const auto message = mcp::read_message(bytes, document, mcp::Direction::from_server, answer_limits);
      if (message && unsolicited_ != nullptr) co_await unsolicited_->event({.message = &*message, .bytes = bytes});
    }
  }
}

void CallRouter::fail_all(const Error& error) {
  for (net::ListNode* node = calls_.next; node != &calls_; node = node->next) {
    auto& call = static_cast<Call&>(*node);
    if (!call.answered && !call.failure) call.failure = Failure{.error = error};
    call.wake.raise();
  }
}

net::Task<Forwarded> CallRouter::answer(Call& call, std::chrono::milliseconds time, Sink& sink) {
  CallDeadline deadline(loop_, call.endless ? std::chrono::hours(24 * 365) : time);
  json::Document document;
  for (;;) {
    while (!call.events.empty() && deadline.left() > net::Duration::zero()) {
      const std::string event = std::move(call.events.front());
      call.events.pop_front();
      call.waiting -= event.size();
      if (call.endless) call.bytes -= std::min(call.bytes, event.size());
      const auto message = mcp::read_message(event, document, mcp::Direction::from_server, answer_limits);
      if (!message) continue;
      if (is_progress_for(*message, call.client_token)) deadline.progress();
      if (!co_await sink.event({.message = &*message, .bytes = event}))
        co_return std::unexpected(broken_off());
      if (!call.answered) net::ServerRoom::keep(call.part, call.waiting);
    }
    if (call.answered) {
      Delivery answer{.kind = Delivery::Kind::answer, .http_status = call.status, .look = call.look};
      answer.owned = std::make_unique<const std::string>(std::move(call.answer));
      answer.bytes = *answer.owned;
      answer.part = std::move(call.part);  // until it was passed on
      co_return answer;
    }
    if (call.failure) co_return std::unexpected(std::move(*call.failure));
    const bool in_time = deadline.left() > net::Duration::zero() && (co_await call.wake.wait(deadline.left()) || !call.events.empty() || call.answered);
    if (!in_time) co_return std::unexpected(failed(ErrorKind::timeout, "the server did not answer in time"));
  }
}

}  // namespace callgate::upstream
