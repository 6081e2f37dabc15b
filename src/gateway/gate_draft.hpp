#pragma once

#include <array>
#include <string>
#include <string_view>

#include "gateway/gate.hpp"
#include "gateway/start_signs.hpp"
#include "gateway/subscribed.hpp"
#include "net/pooled.hpp"

namespace callgate::gateway {

/// The limits of both policies, each counted in the scope of its own.
std::array<limits::Ask, 2> asks_of(const policy::Decision& decision, const Conversation& conversation);

/// Whether it uses any of them up.
inline bool uses_limits(const policy::Decision& decision) { return !decision.limits.empty() || !decision.grant_limits.empty(); }

/// The parts of a record that are made for it; the record holds views of them.
struct Gate::Draft {
  Ulid id;
  policy::Action action = policy::Action::tool_call;  ///< what was judged
  std::string_view subject;  ///< tool, URI or prompt
  std::string canonical;     ///< the arguments in canonical form; empty where there are none to judge
  audit::DigestKey::Text digest{};
  bool has_digest = false;
  net::PooledList<std::string_view> arg_keys;
  std::string arg_shapes;    ///< empty where they are not wanted on record
  std::string_view approval;
  net::PooledList<audit::LimitUse> limits;
  BootTime limits_taken_at;
  /// What its record says instead of words that may hold a caller's data; `record_of` writes them.
  struct Recorded {
    std::string subject;
    std::string reason;
  };
  mutable Recorded recorded{};
};

/// One message to forward, and what was taken for it.
struct Gate::Exchange {
  audit::CallRecord record;
  std::string_view bytes;                 ///< as judged
  const mcp::Message* message = nullptr;
  std::optional<std::uint64_t> openings{};  ///< of the server, until the call was judged
  std::string headers;                    ///< that mirror a modern body
  const upstream::SeenAnswer* seen = nullptr;  ///< an answer that may come again
  const Subscribed* subscribed = nullptr;  ///< a subscription, and what it may bring
  bool opened_again = false;              ///< one that its client has already
  bool sending = false;                   ///< it was handed to the link: the server may have seen it
  std::optional<limits::Taken> taken;     ///< its share of the limits
  Draft* draft = nullptr;                 ///< of a call that takes limits: it takes them again to be sent again
  Judged* judged = nullptr;               ///< likewise
  /// Bytes that take the place of the client's, and what they read as.
  struct Own {
    std::string bytes;
    json::Document document;
    mcp::Message message;
  };
  std::unique_ptr<Own> own;
};

/// A request that is worked on, and that `give_up` ends wherever it waits.
class Gate::UnderWay : public net::ListNode {
 public:
  UnderWay(Gate& gate, const Channel& channel, net::Task<void> work) : gate_(gate), channel_(channel), work_(std::move(work)) {}
  bool await_ready() const noexcept { return false; }
  std::coroutine_handle<> await_suspend(std::coroutine_handle<> caller) noexcept {
    caller_ = caller;
    gate_.under_way_.push_back(*this);
    return work_.await_suspend(caller);
  }
  /// False: it was given up.
  bool await_resume() {
    unlink();
    if (!given_up_) work_.await_resume();
    work_ = net::Task<void>();
    return !given_up_;
  }
  /// Whatever waits for the work goes on; an answer that is being written is left alone.
  void give_up() {
    unlink();
    if (channel_.answering()) return;
    given_up_ = true;
    caller_.resume();
  }

 private:
  Gate& gate_;
  const Channel& channel_;
  net::Task<void> work_;
  std::coroutine_handle<> caller_;
  bool given_up_ = false;
};

/// A person's yes that this call may use.
struct Gate::Yes {
  approval::Waiter waiter;
  std::string id;
  net::Instant until;  ///< how long the call may still be held if it has to ask anew
};

/// A call whose limits are being counted, whose earlier rounds are looked up, or whose yes is being used, which may
/// take a while: whoever may call no longer meanwhile is told by `closed`.
struct Gate::Counting : net::ListNode {
  Counting(Gate& gate, Conversation& of) : conversation(of) { gate.counting_.push_back(*this); }
  Conversation& conversation;
};

/// What is used up by a decision, as it is taken: all of it, or nothing.
struct Gate::Taking {
  Taking(Gate& its_gate, const policy::Decision& decision, Conversation& conversation)
      : gate(its_gate), asks(asks_of(decision, conversation)), who(its_gate.subject(conversation)), counting(its_gate, conversation), at(its_gate.parts_.clock.now()) {}
  net::Task<limits::Counters::TakeResult> take() const { return gate.parts_.counters.take(asks, who, at); }

  Gate& gate;
  const std::array<limits::Ask, 2> asks;
  const limits::Subject who;
  const Counting counting;
  const BootTime at;
};

/// A cancel of the request raises this signal, as long as it waits there.
class WaitingAt {
 public:
  WaitingAt(InFlight& flight, net::Signal& signal) : flight_(flight) { flight.waiting = &signal; }
  WaitingAt(const WaitingAt&) = delete;
  WaitingAt& operator=(const WaitingAt&) = delete;
  ~WaitingAt() { flight_.waiting = nullptr; }

 private:
  InFlight& flight_;
};

/// A call that waits for a person: what it wakes up to, and the place where it
/// can be woken.
struct Gate::Held {
  Held(Gate& its_gate, std::shared_ptr<Conversation> of, InFlight& its_flight)
      : wake(its_gate.parts_.loop), gate(its_gate), conversation(std::move(of)), flight(its_flight) {
    flight.waiting = &wake;
    gate.held_.insert(this);
  }
  Held(const Held&) = delete;
  Held& operator=(const Held&) = delete;
  ~Held() {
    flight.waiting = nullptr;
    gate.held_.erase(this);
  }

  void told(const approval::Approval& approval) {
    is_told = true;
    state = approval.state;
    reason = approval.answer_reason;
    wake.raise();
  }
  void look_again(const std::function<bool(std::string_view grant)>& may_stay) {
    grant_is_over = grant_is_over || !may_stay(conversation->session.grant);
    if (grant_is_over) wake.raise();
  }

  net::Signal wake;
  Gate& gate;
  std::shared_ptr<Conversation> conversation;
  InFlight& flight;
  bool is_told = false;
  bool grant_is_over = false;
  bool declined = false;  ///< by whoever sits at the client
  approval::State state = approval::State::waiting;
  std::string reason;
};

/// Hears the server while an exchange is under way. Without a channel, what it
/// hears goes to the client's open stream.
class CallSink final : public upstream::Sink {
 public:
  CallSink(Gate& gate, std::shared_ptr<Conversation> conversation, mcp::Revision revision, Channel* channel)
      : gate_(gate), conversation_(std::move(conversation)), revision_(revision), channel_(channel), client_(channel) {}
  /// Of this request, which outlives the sink.
  void hear_for(const Inbound& in) { in_ = &in; }
  /// Likewise, of a subscription; null: of a call.
  void hear_subscribed(const Subscribed* subscribed) { subscribed_ = subscribed; }
  /// What is read is this client's, who hears nothing of it meanwhile; it outlives the sink.
  void counts_for(const Channel& client) { client_ = &client; }
  /// What is heard waits while one of these signs is written.
  void wait_for(StartSigns& signs) { signs_ = &signs; }
  net::Task<bool> may_go_on() override {
    if (in_ == nullptr) co_return true;
    co_return co_await gate_.still_allowed(*in_);
  }
  bool may_ask(mcp::MethodId method, std::string_view name) override { return gate_.decide_asking(*conversation_, revision_, method, name); }
  void question_over(std::string_view id) override { conversation_->take_server_request(id); }
  std::string caller() const override {
    const session::Session& session = conversation_->session;
    const std::string client = session.grant.empty() && client_ != nullptr ? client_->client() : session.grant;
    return client.empty() ? session.name : client;
  }
  net::Task<bool> pushed(const upstream::Event& event) override { return gate_.cut_off(*event.message, mcp::latest_revision); }
  net::Task<bool> event(const upstream::Event& event) override { return signs_ == nullptr ? take(event) : take_behind(event); }

 private:
  net::Task<bool> take_behind(const upstream::Event& event) {
    co_await signs_->written();
    co_return co_await take(event);
  }
  net::Task<bool> take(const upstream::Event& event) {
    const bool stateless = mcp::era_of(revision_) == mcp::Era::modern && channel_ != nullptr && event.message != nullptr;
    if (stateless && event.message->is_request()) return gate_.cut_off(*event.message, revision_);
    if (stateless && subscribed_ != nullptr && event.message->is_notification()) return gate_.from_subscription(conversation_, channel_, *subscribed_, event);
    if (stateless && subscribed_ == nullptr && !gate_.belongs_to_call(*event.message, in_ == nullptr ? nullptr : &in_->message)) return gate_.drop_event();
    return gate_.from_server(conversation_, revision_, channel_, event);
  }

  Gate& gate_;
  std::shared_ptr<Conversation> conversation_;
  mcp::Revision revision_;
  Channel* channel_;
  const Channel* client_;
  const Subscribed* subscribed_ = nullptr;
  const Inbound* in_ = nullptr;
  StartSigns* signs_ = nullptr;
};

/// Hears a child that speaks unasked. Called by the child's own reader, so it
/// never waits: what takes time is done by a task of the gate.
class UnsolicitedSink final : public upstream::Sink {
 public:
  UnsolicitedSink(Gate& gate, const std::shared_ptr<Conversation>& conversation) : gate_(gate), conversation_(conversation) {}
  net::Task<bool> event(const upstream::Event& event) override;
  net::Task<bool> pushed(const upstream::Event& event) override { return gate_.cut_off(*event.message, mcp::latest_revision); }
  std::string caller() const override {
    const auto conversation = conversation_.lock();
    if (!conversation) return {};
    return conversation->session.grant.empty() ? conversation->session.name : conversation->session.grant;
  }

 private:
  Gate& gate_;
  std::weak_ptr<Conversation> conversation_;
};

/// What the policy is told of a pinned tool.
policy::ToolClass class_of(const registry::Tool& tool);
/// Null: the server's list does not hold it.
policy::ToolFacts facts_of(const registry::Tool* tool, std::string_view server);

/// The answer in the place of one by which the server asks its client for what the policy does not allow.
std::string asking_refused(std::string_view id_text, mcp::MethodId of, std::string_view asked, mcp::Era era);

/// What the agent reads of a refusal, in plain words.
std::string refusal_text(const Judged& judged);

}  // namespace callgate::gateway
