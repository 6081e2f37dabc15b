// The calls of the stateless bridge, and what a server asks in their midst.
#include <algorithm>

#include <fmt/format.h>

#include "base/random.hpp"
#include "base/sha256.hpp"
#include "mcp/answers.hpp"
#include "mcp/handshake.hpp"
#include "mcp/own_messages.hpp"
#include "mcp/requests.hpp"
#include "mcp/tool_call.hpp"
#include "upstream/stateless_parts.hpp"

namespace callgate::upstream {

namespace {

std::string log_level_of(const mcp::Message& request) {
  const auto level = request.meta ? request.meta.find("io.modelcontextprotocol/logLevel") : std::nullopt;
  return level && level->is_string() ? std::string(level->text()) : std::string();
}
}  // namespace

/// Hears the server while a call is under way.
class StatelessBridge::CallHearer final : public Sink {
 public:
  CallHearer(StatelessBridge& bridge, Running& running) : bridge_(bridge), running_(running) {}

  net::Task<bool> event(const Event& event) override {
    if (event.message == nullptr) co_return true;
    const mcp::Message& message = *event.message;
    if (message.is_request()) co_return bridge_.take_question(running_, message);
    if (!message.is_notification()) co_return true;
    using enum mcp::MethodId;
    if (message.method_id == notifications_progress) {
      // Of any other token it is about something that this client does not know.
      if (!running_.client_token.empty() && is_progress_for(message, running_.own_id)) queue(mcp::with_token(message, running_.client_token));
    } else if (message.method_id == notifications_message) {
      if (running_.wants_log) queue(std::string(event.bytes));
    } else {
      bridge_.tell(*running_.behind, message);
    }
    co_return true;
  }
  std::string caller() const override { return running_.caller; }

 private:
  void queue(std::string bytes) {
    if (running_.events.size() < max_queued) running_.events.push_back(std::move(bytes));
    running_.wake.raise();
  }

  StatelessBridge& bridge_;
  Running& running_;
};

/// True unless the call is to be given up.
bool StatelessBridge::take_question(Running& heard, const mcp::Message& message) {
  // A ping is the gateway's to answer: nobody behind it needs to be asked.
  if (message.method_id == mcp::MethodId::ping) {
    tasks_.spawn(say_later(heard.behind, Own::answer, mcp::empty_result(message.id_text, mcp::Era::legacy)));
    return true;
  }
  Running* const asking = asking_call(heard);
  if (asking == nullptr) {
    tasks_.spawn(say_later(heard.behind, Own::answer, mcp::rpc_error(message.id_text, -32603, "several calls are under way, and nothing says which of them this is asked for")));
    return true;
  }
  if (asking->asks.size() >= 16) return false;
  mcp::InputAsk ask{.key = fmt::format("ask-{}", ++asking->asked), .method = message.method_id, .method_name = std::string(message.method.view()), .params = {}};
  if (message.params) ask.params = message.params.text();
  asking->asks.push_back({.ask = std::move(ask), .server_id = std::string(message.id_text)});
  asking->wake.raise();
  return true;
}

/// The call that a question is asked for. On a pipe nothing says which that is: it must be the one that could
/// bring its client a question. Null: there are several.
StatelessBridge::Running* StatelessBridge::asking_call(Running& heard) const {
  if (!heard.link || heard.link->has_stream()) return &heard;
  std::vector<Running*> could;
  const auto look_at = [&](Running& each) {
    if (each.link == heard.link && !each.outcome && !each.over && mcp::may_have_rounds(each.method)) could.push_back(&each);
  };
  for (Running* each : attended_) look_at(*each);
  for (const auto& [state, each] : parked_) look_at(*each);
  if (could.size() > 1) return nullptr;
  return could.empty() ? &heard : could.front();
}

/// The request that attends a call. When its frame ends before the call does,
/// the call is cancelled, unless it was parked.
class StatelessBridge::Attending {
 public:
  Attending(StatelessBridge& bridge, Running& running) : bridge_(bridge), running_(running) {
    ++running.behind->busy;
    bridge.attended_.push_back(&running);
  }
  Attending(const Attending&) = delete;
  Attending& operator=(const Attending&) = delete;
  ~Attending() {
    --running_.behind->busy;
    std::erase(bridge_.attended_, &running_);
    if (!running_.over && !running_.outcome) bridge_.cancel(running_);
  }

 private:
  StatelessBridge& bridge_;
  Running& running_;
};

net::Task<Forwarded> StatelessBridge::start(Outbound out, Sink& sink) {
  const mcp::Message& request = *out.message;
  const net::Instant began = parts_.loop.now();
  auto behind = co_await session(request, sink);
  if (!behind) co_return std::unexpected(bridge_failure(std::move(behind.error()), false));
  // What was decided was about the server that is gone.
  if ((*behind)->opened_anew >= began && !co_await sink.may_go_on()) co_return std::unexpected(bridge_failure({ErrorKind::refused, "the call is not allowed any more", {}}, false));
  co_await set_level(*behind, request);
  auto running = std::make_shared<Running>(parts_.loop);
  running->behind = *behind;
  running->own_id = fresh_id();
  running->client_id = request.id_text;
  running->client_token = progress_token(request);
  running->caller = sink.caller();
  running->wants_log = !log_level_of(request).empty();
  running->method = request.method_id;
  running->written = parts_.written->take();
  if (auto made = mcp::without_envelope(request, running->own_id, *running->written); !made) co_return std::unexpected(bridge_failure(std::move(made.error()), false));
  running->permit = std::move(out.permit);
  running->task.spawn(run(*running));
  const Attending attending(*this, *running);
  co_return co_await attend(running, out.time, sink);
}

net::Task<void> StatelessBridge::run(Running& running) {
  CallHearer hearer(*this, running);
  const std::shared_ptr<Link> link = running.link = running.behind->link;
  if (!link) {
    running.outcome = std::unexpected(bridge_failure({ErrorKind::closed, "the server's session is over", {}}, false));
  } else {
    running.outcome = co_await link->forward(std::move(*running.permit), {.bytes = running.written->bytes, .message = &running.written->message, .time = longest_call}, hearer);
    if (*running.outcome) ask_for_pages(running, **running.outcome);
  }
  running.wake.raise();
}

/// In 2025-11-25 an error says that a page has to be opened before the call is made
/// once more. 2026-07-28 has none for that: a client that opens pages is asked to, any
/// other is told what it lacks.
void StatelessBridge::ask_for_pages(const Running& running, Delivery& answer) {
  if (answer.kind != Delivery::Kind::answer || (answer.look.known && answer.look.code_number != mcp::code::url_elicitation_required)) return;
  json::Document document;
  const auto message = mcp::read_message(answer.bytes, document, mcp::Direction::from_server, whole_answer);
  const auto code = message && message->error ? message->error.find("code") : std::nullopt;
  if (!code || code->as_int64() != mcp::code::url_elicitation_required) return;
  const std::vector<mcp::InputAsk> asks = mcp::may_have_rounds(running.method) ? mcp::read_url_asks(*message) : std::vector<mcp::InputAsk>();
  std::string told;
  if (asks.empty()) told = mcp::rpc_error(running.own_id, mcp::code::internal_error, "the server wants a page to be opened before this request, which cannot be asked for here");
  else if (!mcp::read_capabilities_text(running.behind->capabilities).url_elicitation) told = mcp::capability_missing(running.own_id, R"({"elicitation":{"url":{}}})");
  else told = mcp::input_required(running.own_id, asks, {});
  Delivery own = own_delivery(std::move(told));
  own.session_lost = answer.session_lost;
  answer = std::move(own);
}

net::Task<Forwarded> StatelessBridge::attend(std::shared_ptr<Running> running, std::chrono::milliseconds time, Sink& sink) {
  CallDeadline deadline(parts_.loop, time);
  for (;;) {
    while (!running->events.empty()) {
      const std::string bytes = std::move(running->events.front());
      running->events.pop_front();
      json::Document document;
      const auto message = mcp::read_message(bytes, document, mcp::Direction::from_server, answer_limits);
      if (!message) continue;
      if (is_progress_for(*message, running->client_token)) deadline.progress();
      if (!co_await sink.event({.message = &*message, .bytes = bytes})) co_return std::unexpected(broken_off());
    }
    if (running->over) co_return std::unexpected(bridge_failure({ErrorKind::closed, "the client cancelled the request", {}}));
    if (running->outcome) co_return finish(*running);
    decline_refused(*running, sink);
    if (!running->asks.empty()) co_return park(running);
    if (deadline.left() <= net::Duration::zero()) co_return std::unexpected(bridge_failure({ErrorKind::timeout, "the server did not answer in time", {}}));
    co_await running->wake.wait(deadline.left());
  }
}

Forwarded StatelessBridge::finish(Running& running) {
  Forwarded& outcome = *running.outcome;
  if (!outcome) {
    // The next request opens a session anew.
    if (outcome.error().session_unknown && running.behind->link == running.link) running.behind->link.reset();
    return std::move(outcome);
  }
  if (outcome->kind != Delivery::Kind::answer) return std::unexpected(bridge_failure({ErrorKind::malformed, "the server did not answer", {}}));
  mcp::AnswerLook& look = outcome->look;
  if (!look.known) {
    json::Document document;
    const auto answer = mcp::read_message(outcome->bytes, document, mcp::Direction::from_server, answer_limits);
    if (!answer) return std::unexpected(bridge_failure(answer.error()));
    look = mcp::look_at(*answer);
  }
  Delivery own = own_delivery(mcp::modern_answer(outcome->bytes, look, running.client_id, running.method), mcp::status_of_code(look.code_number));
  own.look = mcp::without_places(look);
  own.part = part_of(*outcome);
  return own;
}

/// What the request cannot bring its client, what the client did not say that it answers (protocol item 68), and what the
/// policy does not let the server ask, is declined at once: the call goes on without it.
void StatelessBridge::decline_refused(Running& running, Sink& sink) {
  if (running.asks.empty()) return;
  const bool brings = mcp::may_have_rounds(running.method);
  const mcp::ClientCapabilities client = mcp::read_capabilities_text(running.behind->capabilities);
  std::erase_if(running.asks, [&](const Ask& each) {
    if (each.decided || (brings && mcp::may_be_asked(client, each.ask) && sink.may_ask(each.ask.method, each.ask.method_name))) return false;
    const bool form = each.ask.method == mcp::MethodId::elicitation_create;
    tasks_.spawn(say_later(running.behind, Own::answer, form ? mcp::response_to(each.server_id, R"({"action":"decline"})")
                                                             : mcp::rpc_error(each.server_id, -32603, "the client does not answer this")));
    return true;
  });
  for (Ask& each : running.asks) each.decided = true;
}

/// The call waits at the server for what the client will say.
Forwarded StatelessBridge::park(const std::shared_ptr<Running>& running) {
  if (parked_.size() >= max_parked) return std::unexpected(bridge_failure({ErrorKind::unavailable, "too many calls wait for their clients", {}}));
  const std::string state = random_hex(32);
  std::vector<mcp::InputAsk> asks;
  for (const Ask& each : running->asks) asks.push_back(each.ask);
  running->parked_until = parts_.loop.now() + answer_time;
  // Of the request as the client wrote it: the envelope has no part in it.
  running->digest = sha256_hex(mcp::logical_text(running->written->message));
  // INVARIANT: what is parked is cancelled by `drop_parked`, not by the end of the frame that parked it.
  running->over = true;
  parked_.emplace(state, running);
  if (!std::exchange(dropping_, true)) tasks_.spawn(drop_parked());
  Delivery asking = own_delivery(mcp::input_required(running->client_id, asks, state));
  asking.asks_decided = true;
  return asking;
}

std::shared_ptr<StatelessBridge::Running> StatelessBridge::find_parked(const mcp::Message& request) {
  const auto state = request.params.find("requestState");
  const auto found = state && state->is_string() ? parked_.find(state->string()) : parked_.end();
  if (found == parked_.end() || found->second->digest != sha256_hex(mcp::logical_text(request))) return nullptr;
  auto running = found->second;
  parked_.erase(found);
  running->over = false;
  return running;
}

net::Task<Forwarded> StatelessBridge::resume(std::shared_ptr<Running> running, Outbound out, Sink& sink) {
  running->client_id = out.message->id_text;
  running->client_token = progress_token(*out.message);
  // From here on an end of this frame, or of the way to the server, cancels the call there.
  const Attending attending(*this, *running);
  if (auto said = co_await pass_answers(*running, *out.message); !said) co_return std::unexpected(bridge_failure(std::move(said.error())));
  co_return co_await attend(running, out.time, sink);
}

/// The client's answers go to the server that waits for them; what it left out is asked again.
net::Task<Result<void>> StatelessBridge::pass_answers(Running& running, const mcp::Message& request) {
  const auto responses = request.params.find("inputResponses");
  std::vector<Ask> left;
  for (Ask& each : std::exchange(running.asks, {})) {
    const auto value = responses && responses->is_object() ? responses->find(each.ask.key) : std::nullopt;
    if (!value || !value->is_object()) {
      left.push_back(std::move(each));
      continue;
    }
    const std::string text = mcp::response_to(each.server_id, value->text());
    CallHearer hearer(*this, running);
    auto said = co_await say(running.behind, Own::answer, text, hearer);
    if (!said) co_return std::unexpected(std::move(said.error().error));
  }
  running.asks.insert(running.asks.begin(), std::make_move_iterator(left.begin()), std::make_move_iterator(left.end()));
  co_return Result<void>{};
}

net::Task<void> StatelessBridge::drop_parked() {
  while (!parked_.empty()) {
    co_await parts_.loop.sleep(std::chrono::seconds(5));
    for (auto each = parked_.begin(); each != parked_.end();) {
      const bool late = each->second->parked_until < parts_.loop.now();
      if (late && !each->second->outcome) cancel(*each->second);
      each = late ? parked_.erase(each) : std::next(each);
    }
  }
  dropping_ = false;
}

void StatelessBridge::cancel(const Running& running) {
  tasks_.spawn(say_later(running.behind, Own::cancel, mcp::cancelled_notification(running.own_id, "the client waits no longer")));
}

/// A client on stdio cancels by a message: here by the id that its own request had.
Forwarded StatelessBridge::cancelled_by_client(const mcp::Message& message) {
  const auto cancelled = message.method_id == mcp::MethodId::notifications_cancelled ? mcp::read_cancelled(message) : Result<mcp::Cancelled>{};
  if (!cancelled || cancelled->request_id.empty()) return Delivery{.http_status = 202};
  const auto is_it = [&](const Running* each) { return mcp::same_id(each->client_id, cancelled->request_id); };
  if (std::ranges::count_if(attended_, is_it) != 1) return Delivery{.http_status = 202};
  Running& running = **std::ranges::find_if(attended_, is_it);
  cancel(running);
  running.over = true;
  running.wake.raise();
  return Delivery{.http_status = 202};
}

/// A session logs at one level; whoever asks for another sets it for the next calls.
net::Task<void> StatelessBridge::set_level(BehindRef behind, const mcp::Message& request) {
  const std::string level = log_level_of(request);
  if (level.empty() || level == behind->level || !behind->logs) co_return;
  behind->level = level;
  co_await say_later(behind, Own::subscribe, mcp::set_level_request(fresh_id(), level));
}

}  // namespace callgate::upstream
