#include "upstream/stdio_link.hpp"

#include <algorithm>
#include <vector>

#include "mcp/answers.hpp"
#include "mcp/splice.hpp"

namespace callgate::upstream {

namespace {

/// Messages that belong to no call and that nobody takes: more are dropped.
constexpr std::size_t max_unrelated = 1000;
/// Events of one call that its client has not taken yet.
constexpr std::size_t max_events = 10'000;
/// What a server may print that is no message, before it is ended: without a
/// message in between, and in all.
constexpr std::size_t max_noise_run = 1024 * 1024;
constexpr std::size_t max_noise_bytes = 64 * 1024 * 1024;
/// Each message makes up for so much: a log line a call is no flood.
constexpr std::size_t noise_a_message = 64 * 1024;

Failure failed(ErrorKind kind, std::string message, bool sent = true) {
  return {{kind, std::move(message), {}}, sent};
}

}  // namespace

/// A request that waits for its answer.
struct StdioLink::Call : net::ListNode {
  explicit Call(net::Loop& loop) : wake(loop) {}
  std::string id;     ///< as the server sees it
  std::string token;  ///< likewise; empty without one
  std::string client_id;
  std::string client_token;
  Ulid decision;      ///< by which a cancel names it
  net::Signal wake;
  std::deque<std::string> events;
  std::size_t bytes = 0;  ///< of all events so far; of a subscription's, those not taken yet
  bool endless = false;
  std::string answer;
  bool answered = false;
  bool is_error = false;
  int status = 200;
  std::optional<Error> failure;
};

Result<std::unique_ptr<StdioLink>> StdioLink::start(net::Loop& loop, const config::Server& server, std::size_t max_result,
                                                    Ids ids, Log& log) {
  net::ChildOptions options{.command = server.command,
                            .whole_environment = server.environment == config::ChildEnvironment::whole,
                            .max_line = max_result};
  for (const auto& [name, value] : server.env) options.environment.emplace_back(name, std::string(value.reveal()));
  auto child = net::Child::start(loop, std::move(options));
  if (!child) return std::unexpected(child.error());
  return std::unique_ptr<StdioLink>(new StdioLink(loop, std::move(*child), server.name, max_result, ids, log));
}

StdioLink::StdioLink(net::Loop& loop, std::unique_ptr<net::Child> child, std::string server, std::size_t max_result, Ids ids, Log& log)
    : loop_(loop), child_(std::move(child)), server_(std::move(server)), max_result_(max_result), ids_(ids), log_(log), has_unrelated_(loop) {
  tasks_.spawn(read());
  tasks_.spawn(pump());
}

StdioLink::~StdioLink() { tasks_.cancel(); }

net::Task<void> StdioLink::read() {
  for (;;) {
    auto line = co_await child_->out().next(net::Loop::forever);
    if (line) {
      take_line(*line);
    } else if (line.error().kind == ErrorKind::closed) {
      break;
    } else {
      // Whose answer it was cannot be told any more.
      log_.warn("upstream_line_too_long", {{"server", server_}});
      noise_bytes_ += max_result_;
      fail_all({ErrorKind::too_large, "the server sent a line that is too long", {}});
    }
    if (is_too_noisy()) {
      log_.error("upstream_killed", {{"server", server_}, {"why", "it printed too much that is no message"}, {"bytes", noise_bytes_}});
      child_->kill();
      break;
    }
  }
  dead_ = true;
  log_.warn("upstream_ended", {{"server", server_}, {"stderr", child_->last_words()}});
  fail_all({ErrorKind::closed, "the server's process ended", {}});
}

bool StdioLink::is_too_noisy() const { return noise_bytes_ > max_noise_bytes || noise_run_ > max_noise_run; }

void StdioLink::take_line(std::string_view line) {
  noise_bytes_ += line.size() + 1;
  noise_run_ += std::min(line.size() + 1, noise_a_message);  // one large answer that is broken is no flood
  if (line.empty()) return;
  auto message = mcp::read_message(line, document_, mcp::Direction::from_server, answer_limits);
  if (message) {
    noise_bytes_ -= std::min(noise_bytes_, line.size() + 1 + noise_a_message);
    noise_run_ = 0;
    return route(*message);
  }
  // Many servers print banners and warnings on stdout: skipped, counted, never passed on.
  if (++noise_ <= 5 || noise_ % 1000 == 0)
    log_.warn("upstream_line_skipped", {{"server", server_}, {"why", message.error().message}, {"count", noise_}});
  if (const auto id = mcp::salvage_id(line)) {
    if (Call* call = find_call(*id); call != nullptr && !call->answered) {
      call->failure = Error{ErrorKind::malformed, "the server's answer is not a well-formed MCP message", message.error().message};
      call->wake.raise();
    }
  }
}

StdioLink::Call* StdioLink::find_call(std::string_view id) {
  for (net::ListNode* node = calls_.next; node != &calls_; node = node->next) {
    auto& call = static_cast<Call&>(*node);
    if (!call.id.empty() && mcp::same_id(call.id, id)) return &call;
  }
  return nullptr;
}

/// The subscription that a notification belongs to, if it names one (2026-07-28).
std::optional<json::Value> StdioLink::subscription_of(const mcp::Message& message) {
  return message.is_notification() && message.meta ? message.meta.find("io.modelcontextprotocol/subscriptionId") : std::nullopt;
}

/// The call that a message of the server belongs to: its progress token or
/// subscription names it; else, on a child of one session, the call that was sent last.
StdioLink::Call* StdioLink::call_of(const mcp::Message& message) {
  if (const auto subscription = subscription_of(message)) return find_call(subscription->text());
  const bool progress = message.method_id == mcp::MethodId::notifications_progress;
  for (net::ListNode* node = calls_.previous; node != &calls_; node = node->previous) {
    auto& call = static_cast<Call&>(*node);
    if (progress ? is_progress_for(message, call.token) : ids_ == Ids::as_sent && !call.id.empty()) return &call;
  }
  return nullptr;
}

void StdioLink::route(const mcp::Message& message) {
  if (message.is_response()) {
    Call* call = find_call(message.id_text);
    if (call == nullptr || call->answered) {
      if (++unexpected_ <= 5 || unexpected_ % 1000 == 0)
        log_.warn("upstream_answer_unexpected", {{"server", server_}, {"count", unexpected_}});
      return;
    }
    call->answered = true;
    call->is_error = says_error(message);
    call->status = mcp::status_of(message);
    call->answer = ids_ == Ids::own ? with_own_ids(message, call->client_id) : std::string(message.bytes());
    call->wake.raise();
    return;
  }
  if (Call* call = call_of(message)) {
    call->bytes += message.bytes().size();
    // All events of one call together stay under the limit of one answer.
    if (call->events.size() >= max_events || call->bytes > max_result_) {
      call->failure = Error{ErrorKind::too_large, "the server sent more messages than the client took", {}};
    } else {
      const std::string& theirs = subscription_of(message) ? call->client_id : call->client_token;
      call->events.push_back(ids_ == Ids::own && !theirs.empty() ? with_own_ids(message, theirs) : std::string(message.bytes()));
    }
    call->wake.raise();
  } else if (unrelated_.size() < max_unrelated) {
    unrelated_.emplace_back(message.bytes());
    has_unrelated_.raise();
  }
}

net::Task<void> StdioLink::pump() {
  json::Document document;
  for (;;) {
    co_await has_unrelated_.wait(net::Loop::forever);
    while (!unrelated_.empty()) {
      const std::string bytes = std::move(unrelated_.front());
      unrelated_.pop_front();
      const auto message = mcp::read_message(bytes, document, mcp::Direction::from_server, answer_limits);
      if (message && unsolicited_ != nullptr) co_await unsolicited_->event({.message = &*message, .bytes = bytes});
    }
  }
}

void StdioLink::fail_all(const Error& error) {
  for (net::ListNode* node = calls_.next; node != &calls_; node = node->next) {
    auto& call = static_cast<Call&>(*node);
    if (!call.answered) call.failure = error;
    call.wake.raise();
  }
}

/// The message with the id (of a request or response) or the progress token (of
/// a progress notification) that the other side knows.
std::string StdioLink::with_own_ids(const mcp::Message& message, std::string_view own) const {
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

/// A cancel under the id by which the server knows its call; nothing where no
/// call has that id here. Where several have, the decision tells which is meant.
std::optional<std::string> StdioLink::with_own_request(const mcp::Message& cancel, Ulid decision) const {
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

net::Task<Forwarded> StdioLink::transmit(Outbound out, Sink& sink) {
  if (out.form == Form::end_session) dead_ = true;
  if (out.form != Form::message) co_return Delivery{};
  if (dead_) co_return std::unexpected(failed(ErrorKind::closed, "the server's process ended", false));
  const bool request = out.message != nullptr && out.message->is_request();
  Call call(loop_);
  std::string rewritten;
  std::string_view bytes = out.bytes;
  if (request) {
    call.client_id = out.message->id_text;
    call.client_token = progress_token(*out.message);
    call.decision = out.call;
    call.id = ids_ == Ids::own ? std::to_string(next_id_++) : call.client_id;
    call.token = ids_ == Ids::own && !call.client_token.empty() ? call.id : call.client_token;
    if (ids_ == Ids::own) bytes = rewritten = with_own_ids(*out.message, call.id);
    call.endless = out.endless;
    calls_.push_back(call);
  } else if (ids_ == Ids::own && out.message != nullptr && out.message->method_id == mcp::MethodId::notifications_cancelled) {
    auto cancel = with_own_request(*out.message, out.call);
    if (!cancel) co_return Delivery{.http_status = 202};  // of no call that is under way here
    bytes = rewritten = std::move(*cancel);
  }
  // A line end inside a message is white space between two tokens; on a pipe it would cut the message in two.
  if (net::has_line_end(bytes)) {
    if (bytes.data() != rewritten.data()) rewritten = bytes;
    for (char& c : rewritten) c = c == '\n' || c == '\r' ? ' ' : c;
    bytes = rewritten;
  }
  if (auto sent = child_->in().send(bytes); !sent)
    co_return std::unexpected(Failure{std::move(sent.error()), false});
  if (!request) co_return Delivery{.http_status = 202};

  CallDeadline deadline(loop_, out.endless ? std::chrono::hours(24 * 365) : out.time);
  json::Document document;
  for (;;) {
    while (!call.events.empty() && deadline.left() > net::Duration::zero()) {
      const std::string event = std::move(call.events.front());
      call.events.pop_front();
      if (call.endless) call.bytes -= std::min(call.bytes, event.size());
      const auto message = mcp::read_message(event, document, mcp::Direction::from_server, answer_limits);
      if (!message) continue;
      if (is_progress_for(*message, call.client_token)) deadline.progress();
      if (!co_await sink.event({.message = &*message, .bytes = event}))
        co_return std::unexpected(failed(ErrorKind::closed, "the exchange was broken off here"));
    }
    if (call.answered) {
      Delivery answer{.kind = Delivery::Kind::answer, .http_status = call.status, .is_error = call.is_error};
      answer.owned = std::make_unique<const std::string>(std::move(call.answer));
      answer.bytes = *answer.owned;
      co_return answer;
    }
    if (call.failure) co_return std::unexpected(Failure{std::move(*call.failure), true});
    const bool in_time = deadline.left() > net::Duration::zero() && (co_await call.wake.wait(deadline.left()) || !call.events.empty() || call.answered);
    if (!in_time) co_return std::unexpected(failed(ErrorKind::timeout, "the server did not answer in time"));
  }
}

}  // namespace callgate::upstream
