// Subscriptions of 2026-07-28 (basic/utilities/subscriptions): a request whose
// answer is a stream of notifications until somebody ends it.
#include <algorithm>

#include "gateway/client_stream.hpp"
#include "gateway/gate_draft.hpp"
#include "gateway/recorded_words.hpp"
#include "mcp/own_messages.hpp"
#include "mcp/requests.hpp"
#include "mcp/splice.hpp"

namespace callgate::gateway {

namespace {

/// A server that is gone is asked for its news again: at once, then with a pause that doubles.
constexpr net::Duration first_listen_pause = std::chrono::milliseconds(500);
constexpr net::Duration longest_listen_pause = std::chrono::seconds(30);
/// After so long without it its client is told.
constexpr net::Duration longest_silence = std::chrono::minutes(10);
constexpr std::string_view acknowledged_word = R"("notifications/subscriptions/acknowledged")";
/// A comment line keeps proxies from taking a silent stream for a dead one.
constexpr std::string_view keep_alive_comment = ":\n\n";

/// Puts what the server says into the queue of the one who writes.
class QueueChannel final : public Channel {
 public:
  /// `again`: the server has taken a subscription that was opened again.
  QueueChannel(QueuedStream& stream, const Channel& to, std::function<net::Task<void>()> again) : stream_(stream), to_(to), raw_(to.takes_raw()), again_(std::move(again)) {}
  /// Its client has heard what a server says first.
  void is_opened_again() { opened_again_ = true; }
  net::Task<bool> event(std::string_view bytes, std::string_view raw) override {
    if (!bytes.empty() && std::exchange(opened_again_, false)) {
      co_await again_();
      if (bytes.find(acknowledged_word) != std::string_view::npos) co_return true;
    }
    stream_.open();
    // The server is read no faster than the client reads.
    if (!co_await stream_.room(std::chrono::seconds(30))) co_return false;
    if (!stream_.push(bytes, raw_ ? raw : std::string_view{})) co_return false;
    // What a large one takes up is given back once the client has it.
    co_return std::max(bytes.size(), raw.size()) <= net::ReplyRoom::large || co_await stream_.passed();
  }
  net::Task<bool> answer(std::string_view /*bytes*/, std::string_view /*raw*/, int /*status*/) override { co_return false; }
  net::Task<bool> accepted() override { co_return false; }
  net::Task<bool> ended() override { co_return false; }
  bool gone() const override { return false; }
  bool may_resume() const override { return false; }
  std::string client() const override { return to_.client(); }
  net::Task<void> until_gone() override { co_return; }

 private:
  QueuedStream& stream_;
  const Channel& to_;
  bool raw_;
  std::function<net::Task<void>()> again_;
  bool opened_again_ = false;
};

net::Task<void> end_when_gone(Channel& channel, QueuedStream& stream) {
  co_await channel.until_gone();
  stream.close();
}

net::Task<void> end_when_raised(net::Signal& signal, QueuedStream& stream) {
  co_await signal.wait(net::Loop::forever);
  stream.close();
}

net::Task<void> keep_alive(net::Loop& loop, net::Duration every, QueuedStream& stream) {
  for (;;) {
    co_await loop.sleep(every);
    if (stream.opened()) stream.push({}, keep_alive_comment);
  }
}

/// The array with the elements that may stay, each as it was written.
std::string kept_elements(json::Value array, const std::vector<bool>& keep) {
  std::string text = "[";
  std::size_t at = 0;
  for (const json::Value element : array.elements()) {
    if (!keep[at++]) continue;
    if (text.size() > 1) text += ',';
    text += element.text();
  }
  return text + ']';
}

bool all_stay(const std::vector<bool>& keep) { return std::ranges::all_of(keep, [](bool stays) { return stays; }); }

}  // namespace

/// A subscription under way: who may have to end it, or has something to tell.
struct Gate::Listening : net::ListNode {
  Listening(Gate& gate, Inbound& request, InFlight& its_flight)
      : in(request), flight(its_flight), wants(request.message), stream(gate.parts_.loop), cancelled(gate.parts_.loop) {
    flight.waiting = &cancelled;
    gate.listening_.push_back(*this);
  }
  Listening(const Listening&) = delete;
  Listening& operator=(const Listening&) = delete;
  ~Listening() { flight.waiting = nullptr; }

  Inbound& in;
  InFlight& flight;
  Subscribed wants;
  bool over = false;     ///< its caller may call no longer
  QueuedStream stream;
  net::Signal cancelled;
  std::optional<upstream::Forwarded> outcome;
};

/// Whether the resource may be watched by this caller; its limits are taken.
net::Task<bool> Gate::may_watch(Inbound& in, std::string_view uri) {
  Draft draft{.id = parts_.journal.next_id(), .action = policy::Action::resource_subscribe, .subject = uri};
  if (recorded_uri(uri) != uri) {
    draft.digest = parts_.digest_key.of_canonical(json::quoted(uri));
    draft.has_digest = true;
  }
  Judged judged = judge(in, draft.action, uri, {});
  Exchange what;
  if (judged.decision.verdict == policy::Verdict::allow && uses_limits(judged.decision)) {
    const Taking taking(*this, judged.decision, *in.conversation);
    auto taken = co_await taking.take();
    keep_taken(taken, judged, what);
  }
  if (judged.decision.verdict == policy::Verdict::allow) co_return true;
  // A question to a person fits no subscription: what needs one is left out of it.
  refused_.add();
  parts_.journal.record(record_of(draft, in, judged));
  co_return false;
}

/// Whether the server began the task for this caller. One of the gate's own is not the server's to tell of.
bool Gate::may_follow(const Inbound& in, std::string_view task) {
  const auto now = parts_.clock.now();
  if (tasks_begun_.find(owner_of(*in.conversation), task, now) != nullptr) return true;
  if (!own_tasks_.find(owner_of(*in.conversation), task, now)) note_no_task(in);
  return false;
}

/// Takes out of the filter what the caller may not watch, and tasks that it did not begin.
net::Task<Result<void>> Gate::cut_filter(Inbound& in, const mcp::Listen& listen, Exchange& what) {
  std::vector<bool> watched;
  for (const mcp::Text& uri : listen.uris) watched.push_back(co_await may_watch(in, uri.view()));
  std::vector<bool> followed;
  for (const mcp::Text& task : listen.task_ids) followed.push_back(may_follow(in, task.view()));
  const std::string uris = all_stay(watched) ? std::string() : kept_elements(listen.resources, watched);
  const std::string tasks = all_stay(followed) ? std::string() : kept_elements(listen.tasks, followed);
  std::vector<mcp::Edit> edits;
  if (!uris.empty()) edits.push_back(mcp::replace(listen.resources, uris));
  if (!tasks.empty()) edits.push_back(mcp::replace(listen.tasks, tasks));
  if (edits.empty()) co_return Result<void>{};
  what.own = std::make_unique<Exchange::Own>();
  auto message = mcp::splice_and_read(in.message, edits, mcp::Direction::from_client, {}, what.own->bytes, what.own->document);
  if (!message) co_return std::unexpected(message.error());
  what.own->message = std::move(*message);
  what.message = &what.own->message;
  what.bytes = what.own->bytes;
  co_return Result<void>{};
}

net::Task<void> Gate::handle_listen(Inbound& in, InFlight& flight) {
  auto wanted = mcp::read_listen(in.message);
  if (!wanted) co_return co_await refuse_shape(in, wanted.error(), mcp::code::invalid_params);
  const PolicyPair policies = policies_for(*in.conversation);
  Draft draft{.id = parts_.journal.next_id()};
  note_params(draft, in.message);
  Judged judged{.policy = policies.server, .grant_policy = policies.grant};
  judged.decision.verdict = policies.missing() ? policy::Verdict::deny : policy::Verdict::allow;
  if (policies.missing()) {
    judged.decision = policy::denied_without_policy();
    co_return co_await refuse(in, draft, judged);
  }
  Exchange what{.record = {}, .bytes = in.message.bytes(), .message = &in.message};
  if (auto cut = co_await cut_filter(in, *wanted, what); !cut) co_return co_await refuse_shape(in, cut.error(), mcp::code::invalid_params);
  if (is_over(in, flight)) co_return static_cast<void>(co_await in.channel.ended());
  what.record = record_of(draft, in, judged);
  if (auto linked = co_await ensure_link(in); !linked) co_return co_await answer_failure(in, linked.error());
  flight.forwarded = true;
  Listening listening(*this, in, flight);
  listening.wants.goes_as(*what.message);
  what.subscribed = &listening.wants;
  {
    net::TaskGroup tasks;
    tasks.spawn(end_when_gone(in.channel, listening.stream));
    tasks.spawn(end_when_raised(listening.cancelled, listening.stream));
    tasks.spawn(keep_alive(parts_.loop, parts_.keep_alive_every, listening.stream));
    tasks.spawn(hear_subscription(in, what, listening));
    co_await listening.stream.write_to(in.channel);
    if (!listening.outcome) co_await cancel_upstream(in, in.conversation->link, what.record.id);
  }
  co_await end_listening(in, listening, what.record.id);
}

/// Whether a subscription that the client has is to be opened again: its server
/// restarted, or the way to it failed. What the server says of it, stands.
bool Gate::broke_off(const upstream::Forwarded& outcome, const Listening& listening) const {
  if (outcome || !listening.stream.opened() || listening.stream.closed() || stopping_) return false;
  const upstream::Failure& failure = outcome.error();
  const bool refused = failure.http_status != 0 && failure.http_status < 500;
  return !failure.broken_off && !refused && failure.error.kind != ErrorKind::malformed;
}

/// The policy may be another one since: what is opened again is judged as what is opened.
net::Task<Result<void>> Gate::judge_again(Inbound& in, Exchange& what, Listening& listening, Draft& draft, Judged& judged) {
  const PolicyPair policies = policies_for(*in.conversation);
  if (policies.missing()) co_return fail(ErrorKind::refused, "no policy is in force any more");
  auto wanted = mcp::read_listen(in.message);
  if (!wanted) co_return std::unexpected(wanted.error());
  what.own.reset();
  what.message = &in.message;
  what.bytes = in.message.bytes();
  what.opened_again = true;
  if (auto cut = co_await cut_filter(in, *wanted, what); !cut) co_return cut;
  draft.id = parts_.journal.next_id();
  judged = Judged{.policy = policies.server, .grant_policy = policies.grant};
  judged.decision.verdict = policy::Verdict::allow;
  what.record = record_of(draft, in, judged);
  listening.wants.goes_as(*what.message);
  co_return Result<void>{};
}

/// Until the server ends the subscription, or nobody wants it any longer.
net::Task<void> Gate::hear_subscription(Inbound& in, Exchange& what, Listening& listening) {
  QueueChannel queue(listening.stream, in.channel, [this, &in, &listening] { return tell_missed(in, listening); });
  Draft draft;
  Judged judged;
  net::Duration pause{};
  net::Instant heard = parts_.loop.now();
  for (;;) {
    const net::Instant began = parts_.loop.now();
    auto outcome = co_await forward_recorded(in, what, &queue);
    if (parts_.loop.now() - began >= longest_listen_pause) {
      pause = {};
      heard = parts_.loop.now();
    }
    if (!broke_off(outcome, listening) || parts_.loop.now() - heard > longest_silence) {
      listening.outcome = std::move(outcome);
      break;
    }
    parts_.log.info("subscription_broke_off", {{"server", server_.name}, {"fault", outcome.error().error.message}});
    if (pause > net::Duration::zero()) co_await parts_.loop.sleep(pause);
    pause = std::clamp<net::Duration>(pause * 2, first_listen_pause, longest_listen_pause);
    // Where there is no link, forwarding fails on the old one, and there is a next time.
    [[maybe_unused]] const auto linked = co_await ensure_link(in);
    if (auto may = co_await judge_again(in, what, listening, draft, judged); !may) {
      listening.outcome = std::unexpected(upstream::Failure{std::move(may.error()), false});
      break;
    }
    if (listening.stream.closed() || is_over(in, listening.flight)) break;
    queue.is_opened_again();
  }
  listening.stream.close();
}

/// What comes on a subscription is what its client asked for, whatever its server
/// thinks of that (protocol items 32, 74, 75).
net::Task<bool> Gate::from_subscription(std::shared_ptr<Conversation> conversation, Channel* channel, const Subscribed& subscribed, const upstream::Event& event) {
  if (!subscribed.may_bring(*event.message)) {
    drop_message(*event.message);
    co_return true;
  }
  if (event.message->method_id != mcp::MethodId::notifications_subscriptions_acknowledged) co_return co_await from_server(std::move(conversation), mcp::latest_revision, channel, event);
  json::Document document;
  const auto message = mcp::read_message(event.bytes, document, mcp::Direction::from_server, upstream::whole_answer);
  if (!message) {
    drop_message(*event.message);
    co_return true;
  }
  const auto shown = subscribed.acknowledged(*message);
  co_return co_await tell(*conversation, channel, shown ? upstream::Event{.message = nullptr, .bytes = *shown, .raw = {}} : event);
}

/// Nobody knows what the server said while the subscription was not there: all that
/// its client listens for may be another thing now.
net::Task<void> Gate::tell_missed(Inbound& in, Listening& listening) {
  if (listening.wants.changes.tools) {
    tools_.want_again(in.era());
    co_await tools_.settled(in.era(), std::chrono::seconds(10));
  }
  for (const mcp::MethodId changed : listening.wants.changes.changed()) listening.stream.push(mcp::subscribed_notification(changed, in.message.id_text), {});
  for (const std::string& uri : listening.wants.uris) listening.stream.push(mcp::subscribed_update(uri, in.message.id_text), {});
}

/// From here on nobody but this function writes to the client.
net::Task<void> Gate::end_listening(Inbound& in, Listening& listening, Ulid decision) {
  if (listening.flight.cancelled) co_return static_cast<void>(co_await in.channel.ended());
  if (!listening.outcome) {
    if (listening.over) co_return co_await answer_failure(in, {ErrorKind::refused, "the caller's grant ended", {}});
    co_return static_cast<void>(co_await in.channel.answer(mcp::empty_result(in.message.id_text, in.era())));
  }
  if (*listening.outcome) {
    allowed_.add();
    co_return co_await deliver(in, **listening.outcome, decision);
  }
  const upstream::Failure& failure = listening.outcome->error();
  parts_.log.warn("upstream_failed", {{"server", server_.name}, {"method", in.message.method.view()}, {"fault", failure.error.message}, {"detail", failure.error.where}});
  co_await answer_failure(in, failure.error);
}

/// Tells subscribers that their lists may be others now.
void Gate::tell_subscribers(mcp::Lists of) {
  for (net::ListNode* node = listening_.next; node != &listening_; node = node->next) {
    auto& each = static_cast<Listening&>(*node);
    if (!each.stream.opened()) continue;
    for (const mcp::MethodId changed : each.wants.changes.among(of).changed()) each.stream.push(mcp::subscribed_notification(changed, each.in.message.id_text), {});
  }
}

/// Ends the subscriptions of callers who may call no longer; all of them without a test.
void Gate::end_subscriptions(const std::function<bool(std::string_view grant)>& may_stay) {
  for (net::ListNode* node = listening_.next; node != &listening_; node = node->next) {
    auto& each = static_cast<Listening&>(*node);
    if (may_stay && may_stay(each.in.conversation->session.grant)) continue;
    each.over = static_cast<bool>(may_stay);
    each.stream.close();
  }
}

}  // namespace callgate::gateway
