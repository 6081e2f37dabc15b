#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "approval/round_state.hpp"
#include "audit/shaper.hpp"
#include "gateway/conversation.hpp"
#include "gateway/inbound.hpp"
#include "gateway/links.hpp"
#include "gateway/list_memory.hpp"
#include "gateway/noted_names.hpp"
#include "gateway/own_tasks.hpp"
#include "gateway/parts.hpp"
#include "gateway/policy_tests.hpp"
#include "gateway/recorder.hpp"
#include "gateway/session_keys.hpp"
#include "gateway/session_table.hpp"
#include "gateway/task_book.hpp"
#include "gateway/told_rate.hpp"
#include "gateway/tool_book.hpp"
#include "mcp/answers.hpp"
#include "mcp/discovery.hpp"
#include "mcp/handshake.hpp"
#include "mcp/hidden_parts.hpp"
#include "mcp/param_headers.hpp"
#include "mcp/requests.hpp"
#include "mcp/tool_call.hpp"
#include "mcp/tool_list.hpp"
#include "policy/policy.hpp"
#include "session/caller.hpp"

namespace callgate::gateway {

/// What a subscription may bring (gateway/subscribed.hpp).
struct Subscribed;

/// The gate in front of one server: the one path that every message takes, from
/// either transport. Read before, here decided, enforced, put on record,
/// forwarded, answered, recorded again. Threads: the loop's.
class Gate {
 public:
  Gate(const Parts& parts, config::Server server, Totals& totals);
  ~Gate();

  const std::string& name() const { return server_.name; }
  const config::Server& server() const { return server_; }
  ToolBook& tools() { return tools_; }
  const ToolBook& tools() const { return tools_; }
  std::shared_ptr<const policy::Policy> policy() const;
  std::size_t session_count() const { return sessions_.size(); }

  /// Starts reading the server's tools, and the child that is to stand ready.
  void start();
  /// Decides and carries one message; returns when it is answered.
  net::Task<void> handle(Inbound in);
  /// The same for one that stays where it is until then.
  net::Task<void> handle_kept(Inbound& in);
  /// The GET stream of a legacy session; answers false where the server has none.
  net::Task<bool> open_stream(std::shared_ptr<Conversation> conversation, Channel& channel, std::string_view last_event_id);

  /// The session of that id if it is this caller's; null for any other.
  std::shared_ptr<Conversation> find_session(std::string_view id, std::string_view grant) const;
  /// A message of that session is about to be read: what is known of it is fetched from memory meanwhile.
  void expect(std::string_view session_id) const { sessions_.expect(session_id); }
  /// HTTP+SSE of 2024-11-05: a stream that is a session, and ends with it. Nobody
  /// else can use its id. Errors: a sentence for the caller where there is no room.
  Result<std::shared_ptr<Conversation>> open_pipe(const session::Caller& caller);
  /// Writes the stream of such a session until it ends; `first` is its first event.
  net::Task<void> serve_pipe(std::shared_ptr<Conversation> conversation, Channel& channel, std::string first);
  std::shared_ptr<Conversation> find_pipe(std::string_view id, std::string_view grant) const;
  /// Carries a message of such a session; returns at once. False: too many are under way.
  bool take(const std::shared_ptr<Conversation>& conversation, std::unique_ptr<Piped> piped);
  /// The session that another gateway opened goes on here, if it is this caller's;
  /// null for any other. Error `unavailable`: there is no room.
  Result<std::shared_ptr<Conversation>> take_over(std::string_view id, const session::Caller& caller, const session::KeptSession& kept);
  /// Ends a session for good, at every gateway.
  void end_session(const std::shared_ptr<Conversation>& conversation) { close_session(conversation, Ending::for_all); }
  /// The session of that name ended at another gateway.
  void ended_elsewhere(std::string_view name);
  /// The session of that name has a message under way here.
  bool is_busy(std::string_view name) const;
  /// This gate serves no longer: its sessions end here, what is under way goes on.
  void retire();
  /// Nothing is under way any more.
  bool at_rest() const { return busy_ == 0 && tasks_.empty() && links_.at_rest(); }
  /// The gateway is about to go: open GET streams end, held calls are told to come
  /// back, what is under way goes on. Nobody is asked any more.
  void stop();
  /// Messages under way.
  std::size_t busy() const { return busy_; }
  /// After `stop`, once the time for what is under way is over: each request is answered by an error, and what
  /// was forwarded of it ends.
  void give_up();
  /// Ends the sessions of callers who may call no longer, and refuses their held calls.
  void end_sessions(const std::function<bool(std::string_view grant)>& may_stay);
  /// Ends sessions that nobody used for an hour before `now`, and children of stateless callers likewise.
  void reap_idle(net::Instant now);
  /// Holds the policy in force against its file and the tools that the server lists; `others`: see there.
  void test_policy(PolicyTests::Tables others);
  const std::vector<Error>& unmet_tests() const { return policy_tests_.unmet(); }
  /// Tells the clients that their lists are others now.
  void announce_list_change(mcp::Lists of = {.tools = true, .prompts = true, .resources = true});
  /// Stateless requests of a grant that bring this key count by it, where the rule
  /// counts by session. A grant has as many keys as sessions: the one longest unused
  /// makes room, and the next begins with what it counted.
  void count_by(Conversation& conversation, std::string_view key);
  /// The revisions that a modern request may name.
  std::span<const mcp::Revision> modern_revisions() const;
  /// The arguments that the called tool wants mirrored into headers.
  std::vector<mcp::ParamHeader> param_headers(const Inbound& in) const;
  /// The same for a call as it goes to the server, whoever made it.
  std::vector<mcp::ParamHeader> tool_params(const mcp::Message& call, mcp::Era era) const;

 private:
  friend class CallSink;
  friend class UnsolicitedSink;
  struct Draft;
  struct Exchange;
  struct Yes;
  struct Held;
  struct Counting;
  struct Taking;
  struct Listening;
  class UnderWay;

  // gate.cpp: dispatch, answers, refusals; gate_forward.cpp: the way to the server
  net::Task<void> learn_era(Inbound& in);
  net::Task<void> handle_request(Inbound& in, InFlight& flight);
  net::Task<void> dispatch(Inbound& in, InFlight& flight);
  net::Task<void> handle_notification(Inbound& in);
  net::Task<void> handle_response(Inbound& in);
  net::Task<void> pass(Inbound& in, InFlight* flight);
  net::Task<void> pass_judged(Inbound& in, InFlight* flight, const Draft& draft, const Judged& judged);
  net::Task<std::optional<upstream::Delivery>> exchange(Inbound& in, InFlight* flight, Exchange& what);
  net::Task<bool> still_allowed(const Inbound& in, Exchange& what);
  net::Task<upstream::Forwarded> forward_recorded(Inbound& in, Exchange& what, Channel* channel);
  net::Task<bool> take_again(Inbound& in, Exchange& what);
  static void end_cancelled(const Inbound& in);
  static mcp::Lists lists_of(const mcp::Initialized& opened);
  net::Task<upstream::Forwarded> forward_while_there(Inbound& in, InFlight& flight, Exchange& what);
  net::Task<void> forward_into(Inbound& in, Exchange& what, std::optional<upstream::Forwarded>& out, net::Signal& done);
  net::Task<void> cancel_upstream(Inbound& in, std::shared_ptr<upstream::Link> link, Ulid call);
  net::Task<void> deliver(Inbound& in, upstream::Delivery& delivery, Ulid decision);
  net::Task<void> deliver_answer(Inbound& in, const upstream::Delivery& delivery);
  /// What was found in an answer of the stateless era.
  struct Asking {
    std::string refused;  ///< a method that the policy does not let it ask by
    std::string marked;   ///< the answer to give instead; empty: as it is
    std::optional<session::RoundKey> next{};  ///< the round that may go on with the call
  };
  bool may_ask(Inbound& in, const upstream::Delivery& delivery, Asking& asking);
  net::Task<void> refuse_asking(Inbound& in, std::string_view asked);
  net::Task<void> answer_failure(Inbound& in, const Error& error);
  net::Task<void> refuse(Inbound& in, Draft& draft, const Judged& judged,
                         std::optional<mcp::DecisionNote::Approval> approval = {});
  net::Task<void> answer_refusal(Inbound& in, const Draft& draft, const Judged& judged,
                                 std::optional<mcp::DecisionNote::Approval> approval);
  net::Task<void> refuse_shape(Inbound& in, const Error& error, int code);
  net::Task<Result<void>> ensure_link(Inbound& in);
  net::Duration time_to_begin(const Inbound& in) const;
  net::Task<bool> wait_for_tools(Inbound& in, mcp::Era era);
  net::Task<Result<void>> revive(std::shared_ptr<Conversation> conversation);
  net::Task<Result<void>> reopen(const std::shared_ptr<Conversation>& conversation);
  static void note_wishes(const Inbound& in);
  net::Task<void> tell_wishes(std::shared_ptr<Conversation> conversation, std::shared_ptr<upstream::Link> link);
  void listen_to(const std::shared_ptr<Conversation>& conversation);

  // gate_judge.cpp
  Judged judge(const Inbound& in, policy::Action action, std::string_view name, std::optional<json::Value> arguments) const;
  void doubt(Judged& judged, mcp::Era era) const;
  net::Task<bool> still_allowed(const Inbound& in);
  net::Task<void> refuse_anew(Inbound& in);
  bool passes_now(const Inbound& in) const;
  void heed_journal(policy::Decision& decision, const registry::Tool* tool) const;
  net::Task<bool> limits_free(Judged& judged, Conversation& conversation);
  static bool keep_taken(limits::Counters::TakeResult& taken, Judged& judged, Exchange& what);
  limits::Subject subject(const Conversation& conversation) const;
  std::shared_ptr<const policy::Policy> grant_policy(const Conversation& conversation) const;
  PolicyPair policies_for(const Conversation& conversation) const;
  audit::CallRecord record_for(const Conversation& conversation, mcp::Revision revision) const;
  audit::CallRecord record_of(const Draft& draft, const Inbound& in, const Judged& judged) const;

  // gate_call.cpp and gate_approval.cpp
  net::Task<void> handle_call(Inbound& in, InFlight& flight);
  Draft draft_of(const mcp::ToolCall& call) const;
  void note_arguments(Draft& draft, const std::optional<json::Value>& arguments) const;
  void note_params(Draft& draft, const mcp::Message& request) const;
  net::Task<void> handle_judged(Inbound& in, InFlight& flight);
  net::Task<void> handle_completion(Inbound& in, InFlight& flight);
  net::Task<void> run_allowed(Inbound& in, InFlight& flight, Draft& draft, Judged& judged, Yes* yes);
  net::Task<bool> use_yes(Inbound& in, InFlight& flight, Draft& draft, Judged& judged, Exchange& what, Yes& yes);
  net::Task<void> run_approved(Inbound& in, InFlight& flight, Draft& draft, Yes yes);
  net::Task<void> not_answered(Inbound& in, Draft& draft, Judged& judged, approval::Waiter waiter, const approval::Approval& approval);
  net::Task<Result<void>> know_account(Inbound& in) const;
  net::Task<Judged> judge_anew(Inbound& in, const Draft& draft);
  approval::Binding binding_of(const Inbound& in, const Draft& draft, const Judged& judged) const;
  std::string covered_by_yes(const Inbound& in, const Draft& draft, const Judged& judged, std::string_view arguments) const;
  Result<void> run_as_approved(const Inbound& in, const approval::Approval& approval, Exchange& what);
  static void list_limits(Draft& draft, const Judged& judged, const Conversation& conversation, const limits::Taken& taken);
  static bool is_over(const Inbound& in, const InFlight& flight);
  net::Task<void> not_wanted(Inbound& in, InFlight& flight, Draft& draft, Judged& judged, Exchange& what, Yes* yes);
  void give_back(Exchange& what);
  std::string_view shapes_of(const Judged& judged, const std::optional<json::Value>& arguments);
  net::Task<void> ask_if_free(Inbound& in, InFlight& flight, Draft& draft, Judged& judged);
  net::Task<void> ask_people(Inbound& in, InFlight& flight, Draft& draft, Judged& judged, net::Instant until);
  net::Instant held_until() const;
  std::string approval_url(std::string_view id) const;

  // gate_hold.cpp
  enum class Carrier : std::uint8_t { none, form, url };
  static constexpr std::size_t most_in_form = 8 * 1024;  ///< more has to be read on the page
  Carrier carrier_for(const Inbound& in, const Draft& draft, const Judged& judged, std::string_view url) const;
  std::string question_text(const Draft& draft, const Judged& judged, Carrier carrier) const;
  net::Task<void> put_to_client(Inbound& in, Carrier carrier, OwnAsk& ask, const approval::Approval& approval, std::string_view text);
  net::Task<void> take_back(Inbound& in, Carrier carrier, OwnAsk& ask, const approval::Approval& approval, bool answered);
  net::Task<void> hear_client(Carrier carrier, const mcp::Elicited& said, Held& held, const approval::Approval& approval);
  net::Task<void> hold(Inbound& in, InFlight& flight, Held& held, const Draft& draft, const Judged& judged, const approval::Approval& approval, net::Instant until);

  // gate_round.cpp
  static std::string own_state(const Inbound& in);
  static std::string marked_as_servers(const mcp::Message& answer);
  std::string sealed_call(const Inbound& in) const;
  net::Task<void> handle_round(Inbound& in, InFlight& flight, std::string state);
  static Carrier round_carrier(const Inbound& in, const Draft& draft, std::string_view url);
  net::Task<bool> answer_round(Inbound& in, const Draft& draft, const Judged& judged, const approval::Approval& approval, approval::Waiter& waiter);
  static bool was_asked(const Inbound& in, const approval::Approval& approval);
  net::Task<bool> ran_out(const Inbound& in);

  // gate_extension.cpp
  const config::ExtensionMethod* extension_of(const mcp::Message& message) const;
  static Result<std::string> subject_of(const Inbound& in, const config::ExtensionMethod& method);
  Judged judge_extension(const Inbound& in, const config::ExtensionMethod& method, std::string_view subject) const;
  net::Task<void> handle_extension(Inbound& in, InFlight& flight, const config::ExtensionMethod& method);

  // gate_list.cpp
  net::Task<void> handle_list(Inbound& in, InFlight& flight);
  mcp::Keep keeper(const Inbound& in, mcp::MethodId method) const;
  bool hides_anything(const Inbound& in) const;
  bool depends_on_caller(const Inbound& in) const;
  ListJudges list_judges(const Inbound& in) const;
  net::Task<void> judge_list(Inbound& in, upstream::Delivery& delivery);
  net::Task<void> answer_unread(Inbound& in);
  net::Task<bool> heed_tools(const Inbound& in, const mcp::ListPage& page);
  net::Task<void> answer_judged(Inbound& in, const upstream::Delivery& delivery, std::shared_ptr<const JudgedList> list);
  static mcp::CacheRule cache_rule(const Inbound& in);
  struct Page;
  net::Task<Result<std::string>> joined_list(Inbound& in, const mcp::ListPage& first, const mcp::Keep& keep);
  net::Task<Result<void>> next_page(Inbound& in, std::string_view cursor, net::Duration time, Page& page);

  // gate_discover.cpp
  net::Task<void> handle_discover(Inbound& in, InFlight& flight);
  mcp::HiddenOfServer hidden_of_server(const Inbound& in, std::string_view instructions) const;

  // gate_hidden.cpp
  /// An answer of the server, or one that was made of it.
  struct Answered {
    std::string_view bytes;
    bool is_error = false;
  };
  mcp::HiddenNames hidden_names(const PolicyPair& policies, mcp::Era era, const mcp::Message* asked) const;
  std::optional<PolicyPair> hiding(const Conversation& conversation) const;
  std::optional<std::string> without_hidden(const Conversation& conversation, mcp::Era era, const Answered& answer, const mcp::Message* asked) const;
  static bool hide_tools(const PolicyPair& policies);
  bool names_hidden(const PolicyPair& policies, mcp::Era era, std::string_view instructions) const;
  net::Task<std::optional<std::string>> shown_opening(Inbound& in, const mcp::Message& opened);
  std::string unknown_tool_answer(const Inbound& in, std::string_view name) const;

  // gate_tasks.cpp
  static std::string_view owner_of(const Conversation& conversation);
  static bool may_begin_task(const Inbound& in);
  static bool declares_tasks(const Inbound& in);
  static std::string task_tool(const Inbound& in);
  void note_task(const Inbound& in, json::Value result);
  void note_late_task(const Conversation& conversation, mcp::Revision revision, const std::string& tool, std::string_view answer);
  void note_no_task(const Inbound& in);
  net::Task<void> handle_task(Inbound& in, InFlight& flight);

  // gate_own_tasks.cpp: calls that wait for a person as a task of the gate's own
  bool may_wait_as_task(const Inbound& in, const Judged& judged) const;
  net::Task<bool> begin_own_task(Inbound& in, InFlight& flight, const Judged& judged);
  std::shared_ptr<OwnTask> make_own_task(Inbound& in, const Judged& judged);
  net::Task<void> run_own_task(std::shared_ptr<OwnTask> task, std::string called, std::string trace);
  net::Instant asked_as_task(const Inbound& in, Draft& draft, const Judged& judged, const approval::Approval& approval);
  void finish_own_task(OwnTask& task);
  void note_own_task(OwnTask& task, std::string note);
  void tell_of_own_task(OwnTask& task);
  static void cancel_own_task(OwnTask& task);
  net::Task<void> handle_own_task(Inbound& in, InFlight& flight, std::shared_ptr<OwnTask> task);
  net::Task<void> answer_own_result(Inbound& in, InFlight& flight, std::shared_ptr<OwnTask> task);
  std::string with_own_tasks(const Inbound& in, std::string_view answer);

  session::RoundKey round_key(const Inbound& in, json::Value state) const;
  void see_round(const Inbound& in, json::Value result, Asking& asking) const;
  static session::RoundKey of_account(session::RoundKey key, const Inbound& in);
  net::Task<void> expect_round(Inbound& in, session::RoundKey key);
  static bool brings_state(const Inbound& in);
  net::Task<std::optional<session::CallSoFar>> take_round(Inbound& in);
  net::Task<void> go_on_with_yes(Inbound& in, Draft& draft, Judged& judged);

  // gate_listen.cpp
  net::Task<void> handle_listen(Inbound& in, InFlight& flight);
  net::Task<bool> may_watch(Inbound& in, std::string_view uri);
  bool may_follow(const Inbound& in, std::string_view task);
  net::Task<bool> from_subscription(std::shared_ptr<Conversation> conversation, Channel* channel, const Subscribed& subscribed, const upstream::Event& event);
  net::Task<Result<void>> cut_filter(Inbound& in, const mcp::Listen& listen, Exchange& what);
  net::Task<void> hear_subscription(Inbound& in, Exchange& what, Listening& listening);
  net::Task<Result<void>> judge_again(Inbound& in, Exchange& what, Listening& listening, Draft& draft, Judged& judged);
  bool broke_off(const upstream::Forwarded& outcome, const Listening& listening) const;
  net::Task<void> tell_missed(Inbound& in, Listening& listening);
  net::Task<void> end_listening(Inbound& in, Listening& listening, Ulid decision);
  void tell_subscribers(mcp::Lists of);
  void end_subscriptions(const std::function<bool(std::string_view grant)>& may_stay);

  // gate_resume.cpp
  net::Task<void> leave_to_be_resumed(Inbound& in, std::string_view last_event, Ulid decision);
  net::Task<void> wait_to_resume(Conversation& conversation, Ulid decision, net::Duration pause);
  net::Task<void> end_resumable(std::shared_ptr<Conversation> conversation, Ulid decision);
  void fail_resumable(Conversation& conversation, Ulid decision, std::string_view why);
  static Resumable* find_resumable(Conversation& conversation, Ulid decision);
  static bool give_failures(Conversation& conversation, std::string_view resumed);
  net::Task<void> resume(std::shared_ptr<Conversation> conversation, std::shared_ptr<QueuedStream> stream, std::string last_event_id, Ulid decision);
  /// What became of one GET at the server.
  enum class Fed : std::uint8_t { not_at_all, refused, unsupported, ended, ended_further };
  net::Task<Fed> feed(std::shared_ptr<Conversation> conversation, QueuedStream& stream, std::string_view last_event_id, std::optional<Ulid> resumed);

  // gate_session.cpp
  net::Task<void> handle_initialize(Inbound& in, InFlight& flight);
  std::string_view no_room(const std::string& grant);
  Result<void> link_session(const std::shared_ptr<Conversation>& conversation);
  bool make_room(std::string_view grant);
  void leave_session(const std::shared_ptr<Conversation>& conversation);
  net::Task<void> delete_upstream_session(std::shared_ptr<Conversation> conversation);
  net::Task<bool> serve_stream(std::shared_ptr<Conversation> conversation, Channel& channel, std::string_view last_event_id);
  net::Task<void> follow_stream(std::shared_ptr<Conversation> conversation);
  net::Task<void> feed_stream(std::shared_ptr<Conversation> conversation, std::shared_ptr<QueuedStream> stream, std::string last_event_id);

  // gate_kept.cpp
  enum class Ending : std::uint8_t { for_all, heard, here };
  void close_session(const std::shared_ptr<Conversation>& conversation, Ending ending);
  net::Task<void> keep_session(std::shared_ptr<Conversation> conversation);
  session::KeptSession kept_of(const Conversation& conversation) const;
  void note_kept(Conversation& conversation);
  void note_use(Conversation& conversation);
  void wake_held(const Conversation& conversation);

  // gate_pipe.cpp
  net::Task<void> carry_piped(std::shared_ptr<Conversation> conversation, std::unique_ptr<Piped> piped);
  net::Task<void> keep_pipe_open(std::shared_ptr<Conversation> conversation);

  // gate_server.cpp
  net::Task<bool> from_server(std::shared_ptr<Conversation> conversation, mcp::Revision revision, Channel* channel, const upstream::Event& event);
  net::Task<bool> late_answer(std::shared_ptr<Conversation> conversation, Channel* channel, const upstream::Event& event);
  net::Task<bool> server_request(std::shared_ptr<Conversation> conversation, mcp::Revision revision, Channel* channel, const upstream::Event& event);
  bool decide_asking(const Conversation& conversation, mcp::Revision revision, mcp::MethodId method, std::string_view name);
  bool may_ask_for_pages(const Conversation& conversation, mcp::Revision revision, const mcp::Message& answer);
  void refuse_pages(const Inbound& in, upstream::Delivery& delivery);
  net::Task<bool> cut_off(const mcp::Message& message, mcp::Revision revision);
  bool belongs_to_call(const mcp::Message& message, const mcp::Message* asked);
  void tell_of_message(std::string_view event, const mcp::Message& message);
  void drop_message(const mcp::Message& message);
  static net::Task<bool> drop_event();
  bool may_hear_of(const Conversation& conversation, std::string_view uri) const;
  bool may_hear(const Conversation& conversation, const mcp::Message& message) const;
  bool may_hear_of_task(const Conversation& conversation, const mcp::Message& news) const;
  net::Task<bool> tell_of_task(Conversation& conversation, mcp::Revision revision, Channel* channel, const upstream::Event& event);
  net::Task<bool> tell(Conversation& conversation, Channel* channel, const upstream::Event& event);
  net::Task<bool> tell_changed(Conversation& conversation, Channel* channel, const upstream::Event& event, const std::optional<std::string>& text);
  void hear(const std::shared_ptr<Conversation>& conversation, const upstream::Event& event, const net::ReplyOwner& owner);
  net::Task<void> hear_later(std::shared_ptr<Conversation> conversation, std::string bytes, std::unique_ptr<net::ReplyPart> part);
  net::Task<void> hear_now(std::shared_ptr<Conversation> conversation, std::string bytes);
  void hear_no_more_of(const std::shared_ptr<Conversation>& conversation, const mcp::Message& message, const Error& why);
  void decline(const std::shared_ptr<Conversation>& conversation, const mcp::Message& message, std::string_view why, int code);
  net::Task<void> send_decline(std::shared_ptr<Conversation> conversation, std::string answer);

  const Parts parts_;
  const config::Server server_;
  Totals& totals_;
  Links links_;
  ToolBook tools_;
  PolicyTests policy_tests_;
  ListMemory lists_;
  std::shared_ptr<Conversation> stateless_;  ///< of nobody: what a shared child says unasked
  SessionTable sessions_{totals_.sessions};
  net::Broadcast revived_;  ///< a link was opened anew, or not
  net::Broadcast resumable_over_;  ///< an answer that was left to a resumed stream is waited for no longer
  std::size_t busy_ = 0;
  bool stopping_ = false;
  std::unordered_set<Held*> held_;  ///< calls that wait for a person
  TaskBook tasks_begun_;
  OwnTasks own_tasks_;
  /// Prompts that lists left out: a server's are not known before somebody lists them, and a
  /// pattern alone does not say which words are names.
  NotedNames hidden_prompts_;
  SessionKeys keys_;
  net::ListNode listening_;         ///< subscriptions under way
  net::ListNode counting_;          ///< calls whose limits are being counted
  audit::Shaper shaper_;            ///< of the arguments on record
  net::ListNode under_way_;         ///< requests
  Counter& allowed_;
  Counter& refused_;
  ToldRate message_log_;  ///< of messages that go no further
  net::TaskGroup tasks_;
};

}  // namespace callgate::gateway
