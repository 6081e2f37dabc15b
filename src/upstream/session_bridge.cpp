#include "upstream/session_bridge.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "base/random.hpp"
#include "mcp/answers.hpp"
#include "mcp/codes.hpp"
#include "mcp/handshake.hpp"
#include "mcp/own_messages.hpp"
#include "mcp/requests.hpp"

namespace callgate::upstream {

namespace {

constexpr int most_rounds = 16;

bool asks_of_session(mcp::MethodId method) {
  using enum mcp::MethodId;
  return method == sampling_create_message || method == roots_list || method == elicitation_create;
}

}  // namespace

namespace {

/// Hears a server of 2026-07-28: what it may not say there never reaches the client,
/// whose own revision knows such requests (protocol item 75).
class OfModernServer final : public Sink {
 public:
  explicit OfModernServer(Sink& to) : to_(to) {}
  net::Task<bool> event(const Event& event) override {
    if (event.message != nullptr && event.message->is_request()) return to_.pushed(event);
    return to_.event(event);
  }
  std::string caller() const override { return to_.caller(); }

 private:
  Sink& to_;
};

}  // namespace

/// What belongs to no call: nothing that such a server says there is anybody's.
class SessionBridge::Unasked final : public Sink {
 public:
  explicit Unasked(SessionBridge& bridge) : bridge_(bridge) {}
  net::Task<bool> event(const Event& event) override {
    const bool request = event.message != nullptr && event.message->is_request() && bridge_.unsolicited_ != nullptr;
    return request ? bridge_.unsolicited_->pushed(event) : net::Task<bool>::ready(true);
  }

 private:
  SessionBridge& bridge_;
};

/// Hears the subscription of the session and hands on what it says.
class SessionBridge::Watcher final : public Sink {
 public:
  explicit Watcher(SessionBridge& bridge) : bridge_(bridge) {}
  net::Task<bool> event(const Event& event) override {
    if (event.message == nullptr || bridge_.unsolicited_ == nullptr) co_return true;
    if (event.message->method_id == mcp::MethodId::notifications_subscriptions_acknowledged) co_return true;
    OfModernServer hearer(*bridge_.unsolicited_);
    co_return co_await hearer.event({.message = event.message, .bytes = event.bytes});
  }

 private:
  SessionBridge& bridge_;
};

SessionBridge::SessionBridge(BridgeParts parts, std::shared_ptr<Link> server, std::function<void()> refused)
    : parts_(std::move(parts)), server_(std::move(server)), refused_(std::move(refused)), unasked_(std::make_unique<Unasked>(*this)), watch_changed_(parts_.loop) {
  server_->on_unsolicited(unasked_.get());
}

SessionBridge::~SessionBridge() {
  tasks_.cancel();
  server_->on_unsolicited(nullptr);
}

void SessionBridge::on_unsolicited(Sink* sink) { unsolicited_ = sink; }

/// Ids that no client can guess: on a child the client's own stand beside them.
std::string SessionBridge::fresh_id() { return fmt::format("\"callgate-{}-{}\"", random_hex(8), next_id_++); }

net::Task<Forwarded> SessionBridge::transmit(Outbound out, Sink& sink) {
  if (out.form == Form::end_session) {
    ended_ = true;
    tasks_.cancel();
    co_return Delivery{.http_status = 200};
  }
  if (out.form != Form::message || out.message == nullptr) co_return Delivery{.http_status = 405};
  const mcp::Message& message = *out.message;
  if (message.is_response()) {
    take_response(message);
    co_return Delivery{.http_status = 202};
  }
  if (message.is_notification()) co_return co_await notify(std::move(out), sink);
  switch (message.method_id) {
    case mcp::MethodId::initialize: co_return co_await open(std::move(out), sink);
    case mcp::MethodId::ping: co_return own_delivery(mcp::empty_result(message.id_text, mcp::Era::legacy));
    case mcp::MethodId::logging_set_level: co_return set_level(message);
    case mcp::MethodId::resources_subscribe:
    case mcp::MethodId::resources_unsubscribe: co_return watch(message);
    default: co_return co_await carry(std::move(out), sink);
  }
}

/// The server has no handshake: what it says of itself stands in for one.
net::Task<Forwarded> SessionBridge::open(Outbound out, Sink& sink) {
  if (auto written = envelope_.write(mcp::envelope_of(*out.message)); !written) co_return std::unexpected(bridge_failure(std::move(written.error()), false));
  auto told = co_await say(mcp::discover_request(out.message->id_text, envelope_.parts()), std::move(out.permit), out.time, sink);
  if (!told) co_return told;
  json::Document document;
  const auto answer = mcp::read_message(told->bytes, document, mcp::Direction::from_server, whole_answer);
  if (!answer) co_return std::unexpected(bridge_failure(answer.error()));
  if (!answer->result) {
    refused_();
    co_return told;
  }
  const auto wanted = mcp::read_initialize(*out.message);
  client_ = wanted ? mcp::read_client_capabilities(wanted->capabilities) : mcp::ClientCapabilities{};
  const auto asked = wanted ? mcp::parse_revision(wanted->protocol_version.view()) : std::nullopt;
  const auto revision = asked && mcp::era_of(*asked) == mcp::Era::legacy ? *asked : mcp::latest_legacy;
  auto opened = mcp::initialize_answer(out.message->id_text, *answer, revision, parts_.server);
  if (!opened) co_return std::unexpected(bridge_failure(std::move(opened.error())));
  const auto capabilities = answer->result.find("capabilities");
  can_watch_ = capabilities && mcp::tells_of_changes(*capabilities);
  co_return own_delivery(std::move(*opened));
}

/// A text of the bridge's own making, read as any other before it goes.
net::Task<Forwarded> SessionBridge::say(std::string bytes, std::optional<policy::Permit> permit, std::chrono::milliseconds time, Sink& sink) {
  const WrittenPool::Ref round = parts_.written->take();
  round->bytes = std::move(bytes);
  if (auto read = round->read(); !read) co_return std::unexpected(bridge_failure(std::move(read.error()), false));
  co_return co_await send(*round, std::move(permit), time, sink);
}

net::Task<Forwarded> SessionBridge::send(const mcp::Written& round, std::optional<policy::Permit> permit, std::chrono::milliseconds time, Sink& sink) {
  if (!permit) {
    auto made = co_await parts_.permit(Own::answer);
    if (!made) co_return std::unexpected(bridge_failure(std::move(made.error()), false));
    permit.emplace(std::move(*made));
  }
  const std::string headers = parts_.mirror(round.message);
  OfModernServer hearer(sink);
  co_return co_await server_->forward(std::move(*permit), {.bytes = round.bytes, .message = &round.message, .headers = headers, .time = time}, hearer);
}

/// A cancel over HTTP, or while the client is asked, is the end of the exchange:
/// that is why it runs beside the one who waits for it.
net::Task<Forwarded> SessionBridge::carry(Outbound out, Sink& sink) {
  Carrying carrying(*this, out.message->id_text);
  net::TaskGroup task;
  task.spawn(carry_into(std::move(out), sink, carrying));
  if (!carrying.outcome) co_await carrying.done.wait(net::Loop::forever);
  if (carrying.outcome) co_return std::move(*carrying.outcome);
  co_return std::unexpected(bridge_failure({ErrorKind::closed, "the client cancelled the request", {}}));
}

net::Task<void> SessionBridge::carry_into(Outbound out, Sink& sink, Carrying& carrying) {
  carrying.outcome = co_await rounds(std::move(out), sink);
  carrying.done.raise();
}

/// A request of the client, as often as the server asks for more input.
net::Task<Forwarded> SessionBridge::rounds(Outbound out, Sink& sink) {
  const WrittenPool::Ref first = parts_.written->take();
  if (auto made = mcp::with_envelope(*out.message, envelope_, *first); !made) co_return std::unexpected(bridge_failure(std::move(made.error()), false));
  WrittenPool::Ref later;
  std::optional<SentAs> sent_as;
  std::optional<policy::Permit> permit = std::move(out.permit);
  for (int count = 0; count < most_rounds; ++count) {
    auto told = co_await send(later ? *later : *first, std::exchange(permit, std::nullopt), out.time, sink);
    if (!told || told->kind != Delivery::Kind::answer) co_return told;
    if (told->look.known && !told->look.needs_input && !told->look.may_go_on) co_return finish(out, std::move(told));
    json::Document document;
    const auto answer = mcp::read_message(told->bytes, document, mcp::Direction::from_server, whole_answer);
    if (!answer) co_return std::unexpected(bridge_failure(answer.error()));
    told->look = mcp::look_at(*answer);
    const auto type = answer->result ? answer->result.find("resultType") : std::nullopt;
    // Of the extensions that have more of them nothing crosses the bridge.
    if (type && !told->look.needs_input && !type->equals("complete")) co_return std::unexpected(bridge_failure({ErrorKind::malformed, "the server's answer has a `resultType` that nobody asked for", {}}));
    if (!told->look.needs_input) co_return finish(out, std::move(told));
    auto asks = mcp::read_input_asks(*answer);
    if (!asks) co_return std::unexpected(bridge_failure(std::move(asks.error())));
    auto responses = co_await ask_client(out.message->id_text, std::move(*asks), sink);
    if (!responses) co_return std::unexpected(bridge_failure(std::move(responses.error())));
    // Minutes may have passed since the call was decided.
    const bool allowed = co_await sink.may_go_on();
    if (ended_ || !allowed) co_return std::unexpected(bridge_failure({ErrorKind::refused, "the call is not allowed any more", {}}));
    const std::string id = fresh_id();
    if (!sent_as) sent_as.emplace(*this, std::string(out.message->id_text));
    sent_as_[sent_as->client_id] = id;
    later = parts_.written->take();
    later->bytes = mcp::with_inputs(first->message, id, *responses, *answer);
    if (auto read = later->read(); !read) co_return std::unexpected(bridge_failure(std::move(read.error()), false));
  }
  co_return std::unexpected(bridge_failure({ErrorKind::too_large, "the server asks for input again and again", {}}));
}

Forwarded SessionBridge::finish(const Outbound& out, Forwarded delivery) {
  auto text = mcp::legacy_answer(delivery->bytes, delivery->look, out.message->id_text, out.message->method_id);
  delivery->http_status = 200;
  if (!text) return delivery;
  Delivery own = own_delivery(std::move(*text));
  own.look = mcp::without_places(delivery->look);
  own.part = part_of(*delivery);
  return own;
}

/// The answers of the client, as one JSON object; empty where nothing was asked.
net::Task<Result<std::string>> SessionBridge::ask_client(std::string_view of, std::vector<mcp::InputAsk> asks, Sink& sink) {
  std::string responses;
  for (const mcp::InputAsk& ask : asks) {
    if (!asks_of_session(ask.method)) co_return fail(ErrorKind::unsupported, fmt::format("the server asks the client for `{}`, which this gateway does not know", ask.method_name));
    if (auto done = co_await ask_one(of, ask, sink, responses); !done) co_return std::unexpected(done.error());
  }
  co_return asks.empty() ? std::string() : '{' + responses + '}';
}

net::Task<Result<void>> SessionBridge::ask_one(std::string_view of, const mcp::InputAsk& ask, Sink& sink, std::string& responses) {
  if (!mcp::may_be_asked(client_, ask)) {
    // As whoever was asked and does not want to: it never said that it answers this (protocol item 68).
    if (ask.method != mcp::MethodId::elicitation_create) co_return fail(ErrorKind::refused, fmt::format("the server asks the client for `{}`, which it did not say that it answers", ask.method_name));
    responses += fmt::format(R"({}{}:{{"action":"decline"}})", responses.empty() ? "" : ",", json::quoted(ask.key));
    co_return Result<void>{};
  }
  const std::string id = fresh_id();
  const std::string request = mcp::ask_request(id, ask);
  json::Document document;
  const auto message = mcp::read_message(request, document, mcp::Direction::from_server, whole_answer);
  if (!message) co_return std::unexpected(message.error());
  Asked asked(*this, sink, id);
  asked.of = of;
  const bool told = co_await sink.event({.message = &*message, .bytes = request});
  if (told && !asked.done) [[maybe_unused]] const bool in_time = co_await asked.answered.wait(answer_time);
  if (!asked.done) co_return fail(ErrorKind::timeout, fmt::format("the client did not answer `{}`", ask.method_name));
  // A refusal has a form of its own for a question to a person; the others have none.
  if (!asked.value && ask.method == mcp::MethodId::elicitation_create) asked.value = R"({"action":"decline"})";
  if (!asked.value && asked.by_policy) co_return fail(ErrorKind::refused, fmt::format("the server asks the client for `{}`, which the policy does not allow", ask.method_name));
  if (!asked.value) co_return fail(ErrorKind::refused, fmt::format("the client refused `{}`", ask.method_name));
  responses += fmt::format("{}{}:{}", responses.empty() ? "" : ",", json::quoted(ask.key), *asked.value);
  co_return Result<void>{};
}

void SessionBridge::take_response(const mcp::Message& response) {
  const auto found = asked_.find(response.id_text);
  if (found == asked_.end()) return;
  Asked& asked = *found->second;
  asked.done = true;
  if (response.result) asked.value = response.result.text();
  const auto code = response.error ? response.error.find("code") : std::nullopt;
  asked.by_policy = code && code->as_int64() == mcp::code::denied;
  asked.answered.raise();
}

net::Task<Forwarded> SessionBridge::notify(Outbound out, Sink& sink) {
  const mcp::Message& message = *out.message;
  if (message.method_id == mcp::MethodId::notifications_initialized && can_watch_ && !std::exchange(watching_, true)) tasks_.spawn(keep_watching());
  // Roots and the like are asked for when they are needed; of its calls alone does such a server hear.
  if (message.method_id != mcp::MethodId::notifications_cancelled) co_return Delivery{.http_status = 202};
  const auto cancelled = mcp::read_cancelled(message);
  Carrying* const carried = cancelled ? find_carried(cancelled->request_id) : nullptr;
  // While the client is asked the server has nothing under way that could be cancelled there.
  const bool asking = std::ranges::any_of(asked_, [&](const auto& each) { return each.second->of == (cancelled ? cancelled->request_id : std::string_view{}); });
  if (!server_->hears_cancels() || asking) {
    if (carried != nullptr) carried->done.raise();
    co_return Delivery{.http_status = 202};
  }
  const auto later = cancelled ? sent_as_.find(std::string(cancelled->request_id)) : sent_as_.end();
  if (later == sent_as_.end()) co_return co_await server_->forward(std::move(*out.permit), {.bytes = out.bytes, .message = out.message}, sink);
  co_return co_await say(mcp::cancelled_notification(later->second, cancelled->reason.view()), std::move(out.permit), out.time, sink);
}

SessionBridge::Carrying* SessionBridge::find_carried(std::string_view id) {
  for (net::ListNode* node = carried_.next; node != &carried_; node = node->next) {
    auto& each = static_cast<Carrying&>(*node);
    if (each.id == id) return &each;
  }
  return nullptr;
}

Forwarded SessionBridge::set_level(const mcp::Message& request) {
  const auto level = request.params ? request.params.find("level") : std::nullopt;
  if (!level || !level->is_string()) return own_delivery(mcp::rpc_error(request.id_text, -32602, "`level` is missing"));
  mcp::Envelope envelope = envelope_.parts();
  envelope.log_level = level->text();
  if (auto written = envelope_.write(std::move(envelope)); !written) return std::unexpected(bridge_failure(std::move(written.error()), false));
  return own_delivery(mcp::empty_result(request.id_text, mcp::Era::legacy));
}

Forwarded SessionBridge::watch(const mcp::Message& request) {
  const auto uri = request.params ? request.params.find("uri") : std::nullopt;
  if (!uri || !uri->is_string()) return own_delivery(mcp::rpc_error(request.id_text, -32602, "`uri` is missing"));
  const std::string text(uri->text());
  const bool changed = request.method_id == mcp::MethodId::resources_subscribe ? watched_.size() < mcp::max_listen_uris && watched_.insert(text).second
                                                                                : watched_.erase(text) != 0;
  if (changed) watch_changed_.raise();
  if (!std::exchange(watching_, true)) tasks_.spawn(keep_watching());
  return own_delivery(mcp::empty_result(request.id_text, mcp::Era::legacy));
}

/// One subscription for all that the session wants to hear, made anew when that
/// changes or the server ended it.
net::Task<void> SessionBridge::keep_watching() {
  net::Duration pause = std::chrono::seconds(1);
  while (!ended_ && server_->alive()) {
    const net::Instant began = parts_.loop.now();
    {
      const std::string id = fresh_id();
      net::TaskGroup one;
      one.spawn(watch_once(id));
      co_await watch_changed_.wait(net::Loop::forever);
      if (!refused_watch_ && server_->hears_cancels()) co_await cancel(id);
    }
    // A server that ends each subscription at once is asked less and less often.
    pause = parts_.loop.now() - began > std::chrono::seconds(10) ? net::Duration(std::chrono::milliseconds(1)) : std::min<net::Duration>(pause * 2, std::chrono::minutes(1));
    if (refused_watch_) co_await parts_.loop.sleep(pause);
    refused_watch_ = false;
  }
}

net::Task<void> SessionBridge::cancel(std::string id) {
  const std::string bytes = mcp::cancelled_notification(id, "another subscription takes its place");
  json::Document document;
  const auto message = mcp::read_message(bytes, document, mcp::Direction::from_client);
  auto permit = co_await parts_.permit(Own::cancel);
  Watcher watcher(*this);
  if (message && permit) [[maybe_unused]] const auto sent = co_await server_->forward(std::move(*permit), {.bytes = bytes, .message = &*message}, watcher);
}

net::Task<void> SessionBridge::watch_once(std::string id) {
  const std::vector<std::string> uris(watched_.begin(), watched_.end());
  const std::string bytes = mcp::listen_request(id, envelope_.parts(), uris);
  json::Document document;
  const auto message = mcp::read_message(bytes, document, mcp::Direction::from_client);
  auto permit = co_await parts_.permit(Own::subscribe);
  if (message && permit) {
    Watcher watcher(*this);
    const std::string headers = parts_.mirror(*message);
    [[maybe_unused]] const auto over =
        co_await server_->forward(std::move(*permit), {.bytes = bytes, .message = &*message, .headers = headers, .endless = true}, watcher);
  }
  refused_watch_ = true;
  watch_changed_.raise();
}

}  // namespace callgate::upstream
