// Calls that go on after their answer: tasks (2025-11-25 "Tasks"; the extension
// io.modelcontextprotocol/tasks of 2026-07-28), and calls of several rounds.
#include <fmt/format.h>

#include "gateway/gate_draft.hpp"
#include "mcp/requests.hpp"

namespace callgate::gateway {

namespace {

/// What an answer says of the task that it began: `result.taskId` in
/// 2026-07-28, `result.task.taskId` in 2025-11-25.
struct Begun {
  std::string id;
  std::optional<std::chrono::milliseconds> lives;
};

std::optional<Begun> begun_task(json::Value result, mcp::Era era) {
  const bool modern = era == mcp::Era::modern;
  const auto kind = result.find("resultType");
  if (modern && !(kind && kind->equals("task"))) return std::nullopt;
  const auto task = modern ? std::optional(result) : result.find("task");
  if (!task || !task->is_object()) return std::nullopt;
  const auto id = task->find("taskId");
  if (!id || !id->is_string()) return std::nullopt;
  Begun begun{.id = id->string(), .lives = {}};
  const auto lives = task->find(modern ? "ttlMs" : "ttl");
  if (const auto ms = lives ? lives->as_int64() : std::nullopt; ms && *ms >= 0) begun.lives = std::chrono::milliseconds(*ms);
  return begun;
}

}  // namespace

/// Grants outlive sessions, so their tasks do too; without grants a session's
/// tasks are its own, and of stateless callers nobody can be told from another.
std::string_view Gate::owner_of(const Conversation& conversation) {
  const session::Session& session = conversation.session;
  return session.grant.empty() ? session.name : session.grant;
}

/// Which tasks may begin: in 2026-07-28 those of a caller that declared the
/// extension, in 2025-11-25 those of a call that asked for one.
bool Gate::may_begin_task(const Inbound& in) {
  if (in.message.method_id != mcp::MethodId::tools_call) return false;
  if (in.era() == mcp::Era::modern) return declares_tasks(in);
  return in.message.params && in.message.params.find("task").has_value();
}

bool Gate::declares_tasks(const Inbound& in) {
  const auto meta = mcp::read_request_meta(in.message);
  return meta && mcp::read_client_capabilities(meta->client_capabilities).tasks;
}

/// The tool whose call may begin a task; empty where this request may not.
std::string Gate::task_tool(const Inbound& in) {
  const auto call = may_begin_task(in) ? mcp::read_tool_call(in.message) : Result<mcp::ToolCall>(std::unexpected(Error{}));
  return call ? std::string(call->name.view()) : std::string();
}

/// INVARIANT: what a task's id is good for is known before the caller knows the id.
void Gate::note_task(const Inbound& in, json::Value result) {
  const auto begun = begun_task(result, in.era());
  if (!begun || begun->id.size() > mcp::max_task_id_bytes || !may_begin_task(in)) return;
  const auto call = mcp::read_tool_call(in.message);
  if (call) tasks_begun_.remember(owner_of(*in.conversation), begun->id, call->name.view(), parts_.clock.now(), begun->lives);
}

/// The same where the answer comes on a stream that resumes the call's.
void Gate::note_late_task(const Conversation& conversation, mcp::Revision revision, const std::string& tool, std::string_view answer) {
  json::Document document;
  const auto message = tool.empty() ? Result<mcp::Message>(std::unexpected(Error{})) : mcp::read_message(answer, document, mcp::Direction::from_server, upstream::whole_answer);
  const auto begun = message && message->result ? begun_task(message->result, mcp::era_of(revision)) : std::nullopt;
  if (begun && begun->id.size() <= mcp::max_task_id_bytes) tasks_begun_.remember(owner_of(conversation), begun->id, tool, parts_.clock.now(), begun->lives);
}

session::RoundKey Gate::round_key(const Inbound& in, json::Value state) const {
  // As it reads: clients write it anew, and may write it otherwise.
  const std::string text = state.is_string() ? json::quoted(state.string()) : std::string(state.text());
  const std::string who = json::quoted(owner_of(*in.conversation)) + json::quoted(server_.name) + json::quoted(server_.address());
  return {.server = server_.name, .digest = sha256_hex(fmt::format("{}\n{}\n{}", who, text, mcp::logical_text(in.message)))};
}

/// The key as the store knows it: nobody can tell, or try out, what it is made of. Pre: the account is known.
session::RoundKey Gate::of_account(session::RoundKey key, const Inbound& in) {
  key.digest = sha256_hex(key.digest + in.account);
  return key;
}

/// The server wants more before it runs the call, which has used up its share of the
/// limits, or a person's yes, already. Whoever used up nothing has nothing to go on with.
void Gate::see_round(const Inbound& in, json::Value result, Asking& asking) const {
  const auto kind = result.find("resultType");
  const auto state = result.find("requestState");
  if (!kind || !kind->equals("input_required") || !state || (!in.so_far.counted && in.so_far.covered.empty())) return;
  asking.next = round_key(in, *state);
}

/// INVARIANT: that the round may come is noted before the client knows its state.
net::Task<void> Gate::expect_round(Inbound& in, session::RoundKey key) {
  session::CallSoFar so_far = in.so_far;
  const BootTime now = parts_.clock.now();
  if (++so_far.rounds == 1) so_far.began = now;
  if (!session::RoundStore::may_go_on(so_far, now)) co_return;
  const bool noted = co_await know_account(in) && co_await parts_.rounds.expect(of_account(std::move(key), in), std::move(so_far));
  if (!noted) parts_.log.warn("round_not_noted", {{"server", server_.name}, {"effect", "the call's next round counts as a call of its own"}});
}

/// It may go on with a call that was answered before; most requests do not.
bool Gate::brings_state(const Inbound& in) { return in.era() == mcp::Era::modern && in.message.params && in.message.params.find("requestState"); }

/// The call that the request goes on with, which is good for this one alone. Pre: it brings a state.
net::Task<std::optional<session::CallSoFar>> Gate::take_round(Inbound& in) {
  if (!co_await know_account(in)) co_return std::nullopt;
  auto taken = co_await parts_.rounds.take(of_account(round_key(in, *in.message.params.find("requestState")), in));
  if (!taken) co_return std::nullopt;
  in.further = true;
  in.so_far.rounds = taken->rounds;
  in.so_far.began = taken->began;
  in.so_far.counted = taken->counted;
  co_return taken;
}

/// Whoever allowed a call allowed all of it: its further rounds go with the same
/// yes, as long as caller, tool, arguments, definition and rule are what the
/// person was asked about. What the client answers meanwhile was no part of that,
/// as it is none where a session's client is asked in mid-call. Looking that up may
/// take a while: what is in force by then is what counts. Pre: the request brings a state.
net::Task<void> Gate::go_on_with_yes(Inbound& in, Draft& draft, Judged& judged) {
  const auto arguments = in.message.params.find("arguments");
  const std::string_view text = arguments ? arguments->text() : std::string_view{};
  const Counting meanwhile(*this, *in.conversation);
  std::optional<session::CallSoFar> taken;
  if (co_await know_account(in)) {
    const auto round = co_await parts_.rounds.find(of_account(round_key(in, *in.message.params.find("requestState")), in));
    // Another may have taken it meanwhile.
    if (round && !round->covered.empty() && round->covered == covered_by_yes(in, draft, judged, text)) taken = co_await take_round(in);
  }
  judged = co_await judge_anew(in, draft);
  if (judged.decision.verdict != policy::Verdict::require_approval || !taken || taken->covered != covered_by_yes(in, draft, judged, text)) co_return;
  in.so_far.covered = taken->covered;
  in.so_far.approval = taken->approval;
  draft.approval = in.so_far.approval;
  judged.decision.verdict = policy::Verdict::allow;
}

/// Put on record: that a caller is after a task that is not its own.
void Gate::note_no_task(const Inbound& in) {
  Judged judged{.policy = policy(), .grant_policy = grant_policy(*in.conversation)};
  judged.decision.verdict = policy::Verdict::deny;
  judged.decision.reason = "no task of this id began for this caller";
  refused_.add();
  Draft draft{.id = parts_.journal.next_id()};
  note_params(draft, in.message);
  parts_.journal.record(record_of(draft, in, judged));
}

/// tasks/get, tasks/result, tasks/update, tasks/cancel. The call that began the
/// task was decided; whose task it is not gets the answer for one that nobody has.
net::Task<void> Gate::handle_task(Inbound& in, InFlight& flight) {
  if (in.era() == mcp::Era::modern && !declares_tasks(in)) {
    refused_.add();
    parts_.journal.refused({.server = server_.name, .method = in.message.method.view(), .era = mcp::word(in.revision), .reason = "the tasks extension was not declared"});
    co_return static_cast<void>(co_await in.channel.answer(mcp::tasks_not_declared(in.message.id_text), {}, 400));
  }
  auto task = mcp::read_task_request(in.message);
  if (!task) co_return co_await refuse_shape(in, task.error(), mcp::code::invalid_params);
  if (auto own = own_tasks_.find(owner_of(*in.conversation), task->task_id.view(), parts_.clock.now())) co_return co_await handle_own_task(in, flight, std::move(own));
  const std::string* tool = tasks_begun_.find(owner_of(*in.conversation), task->task_id.view(), parts_.clock.now());
  if (tool == nullptr) {
    note_no_task(in);
    co_return static_cast<void>(co_await in.channel.answer(mcp::unknown_task(in.message.id_text)));
  }
  Judged judged{.policy = policy(), .grant_policy = grant_policy(*in.conversation)};
  // The book may change while the server is asked.
  const std::string name = *tool;
  Draft draft{.id = parts_.journal.next_id(), .subject = name};
  note_params(draft, in.message);
  judged.decision.verdict = policy::Verdict::allow;
  co_await pass_judged(in, &flight, draft, judged);
}

}  // namespace callgate::gateway
