// Calls that wait for a person as tasks of the gate's own: of stateless clients that
// declare the extension io.modelcontextprotocol/tasks, and of clients of 2025-11-25 that
// ask for a task. The call takes the one path that every call takes, with a channel
// that keeps its answer until somebody asks for it (docs/decisions/0019).
#include <fmt/format.h>

#include "base/random.hpp"
#include "gateway/gate_draft.hpp"
#include "mcp/codes.hpp"
#include "mcp/splice.hpp"
#include "mcp/sse.hpp"
#include "registry/fingerprint.hpp"

namespace callgate::gateway {

namespace {

/// Until a person is asked, wherever questions are kept.
constexpr net::Duration until_asked = std::chrono::seconds(30);
/// A question ends by its own time; this is for the clocks of two machines.
constexpr net::Duration slack = std::chrono::minutes(1);
constexpr std::string_view no_answer = "the call ended without an answer";
constexpr net::Duration between_comments = std::chrono::seconds(15);

std::string internal_error(std::string_view text) { return fmt::format(R"({{"code":{},"message":{}}})", mcp::code::internal_error, json::quoted(text)); }

/// The call without its wish for a task: what is asked of the server is a plain
/// answer, and nothing that its client would have to be there for.
std::optional<mcp::Edit> without_task(const mcp::Message& message, mcp::Era era, std::string& text) {
  if (era == mcp::Era::legacy) return mcp::remove_member(message.params, "task");
  const auto meta = mcp::read_request_meta(message);
  if (!meta || !meta->client_capabilities) return std::nullopt;
  text = mcp::capabilities_behind_task(meta->client_capabilities);
  return mcp::replace(meta->client_capabilities, text);
}

bool may_be_task(const registry::Tool& tool) {
  json::Document document;
  return tool.definition.find("taskSupport") != std::string::npos && json::parse(tool.definition, registry::definition_limits, document) && mcp::may_be_task(document.root());
}

/// An answer that the gate gave, its own words or a server's that were read before. Not
/// by the reader of messages: what only the gate may say, it refuses.
struct Answer {
  explicit Answer(std::string_view bytes, const json::Limits& limits = upstream::answer_limits) {
    if (bytes.empty() || !json::parse(bytes, limits, document)) return;
    result = document.root().find("result").value_or(json::Value{});
    error = document.root().find("error").value_or(json::Value{});
  }
  bool went_wrong() const {
    const auto flag = result ? result.find("isError") : std::nullopt;
    return error || (flag && flag->is_boolean() && flag->boolean());
  }

  json::Document document;
  json::Value result, error;
};

/// What went wrong, in the words of the answer: some clients show a failed task by its
/// message alone. Empty where there are none, or too many.
std::string words_of(std::string_view bytes) {
  constexpr std::size_t most = 2'000;
  const Answer answer(bytes.size() <= most ? bytes : std::string_view{}, upstream::whole_answer);
  const auto said = answer.error ? answer.error.find("message") : std::nullopt;
  if (said && said->is_string()) return said->string();
  const auto content = answer.result ? answer.result.find("content") : std::nullopt;
  if (!content || !content->is_array()) return {};
  for (const json::Value block : content->elements()) {
    const auto text = block.is_object() ? block.find("text") : std::nullopt;
    if (text && text->is_string()) return text->string();
  }
  return {};
}

/// Why an answer that needs its client, or another task, is none to keep.
std::string_view not_final(json::Value result, mcp::Era era) {
  const auto kind = result.find("resultType");
  const bool task = era == mcp::Era::modern ? kind && kind->equals("task") : result.find("task").has_value();
  if (task) return "the server answered with a task of its own, which it was not asked for";
  if (kind && kind->equals("input_required")) return "the server asks for more before it runs the call, and nobody is there to answer while it runs as a task";
  return {};
}

}  // namespace

/// Who asks for a task gets one where the call has to wait for a person. A client of
/// 2025-11-25 may ask for one only where server and tool allow it.
bool Gate::may_wait_as_task(const Inbound& in, const Judged& judged) const {
  if (in.task != nullptr || in.asked_before || stopping_ || !may_begin_task(in)) return false;
  if (in.era() == mcp::Era::modern) return true;
  return in.revision == mcp::Revision::r2025_11_25 && in.conversation->runs_tasks && judged.tool != nullptr && may_be_task(*judged.tool);
}

std::shared_ptr<OwnTask> Gate::make_own_task(Inbound& in, const Judged& judged) {
  auto task = std::make_shared<OwnTask>(parts_.loop, in.conversation, in.revision, in.channel.client());
  std::string text;
  const auto edit = without_task(in.message, in.era(), text);
  if (!edit) return nullptr;
  auto message = mcp::splice_and_read(in.message, std::span(&*edit, 1), mcp::Direction::from_client, {}, task->bytes, task->document);
  if (!message) return nullptr;
  task->message = std::move(*message);
  task->id = random_hex(16);
  task->owner = owner_of(*in.conversation);
  task->tool = judged.tool != nullptr ? judged.tool->name : std::string();
  task->flight.id = task->message.id_text;
  task->flight.channel = &task->channel;
  task->created_ms = task->updated_ms = parts_.clock.wall_ms();
  task->ttl_ms = std::chrono::milliseconds(judged.decision.approval->timeout + own_tasks_.limits().kept_for).count();
  return own_tasks_.add(task, parts_.clock.now()) ? task : nullptr;
}

/// False: it waits another way. What is over before a person was asked is answered as
/// it would be without a task.
net::Task<bool> Gate::begin_own_task(Inbound& in, InFlight& flight, const Judged& judged) {
  const auto task = may_wait_as_task(in, judged) ? make_own_task(in, judged) : nullptr;
  if (!task) co_return false;
  tasks_.spawn(run_own_task(task, in.called, in.trace));
  const net::Instant until = parts_.loop.now() + until_asked;
  while (!task->asked && !task->is_over()) {
    if (!co_await task->changed.wait(std::max<net::Duration>(until - parts_.loop.now(), net::Duration::zero()))) break;
  }
  if (!task->asked && !task->is_over()) cancel_own_task(*task);
  // Nobody learned of the task: it is nobody's.
  const bool left = flight.cancelled || (in.era() == mcp::Era::modern && in.channel.gone());
  if (left) cancel_own_task(*task);
  if (flight.cancelled) {
    co_await in.channel.ended();
    co_return true;
  }
  if (!task->asked) {
    own_tasks_.forget(*task);
    const std::string error = task->error.empty() && task->result.empty() ? internal_error("no person could be asked in time") : task->error;
    co_await in.channel.answer(mcp::task_outcome(in.message.id_text, task->result, error));
    co_return true;
  }
  const bool told = co_await in.channel.answer(mcp::task_begun(in.message.id_text, task->seen(parts_.clock.wall_ms()), in.era()));
  if (!told && in.era() == mcp::Era::modern) cancel_own_task(*task);
  co_return true;
}

/// How long the request waited for its server is nothing to a call that runs after a person's yes, maybe days later.
net::Task<void> Gate::run_own_task(std::shared_ptr<OwnTask> task, std::string called, std::string trace) {
  const std::shared_ptr<Conversation> conversation = task->conversation;
  const Busy of_gate(busy_);
  const Busy of_conversation(conversation->busy);
  std::optional<Counting> revocable;
  if (mcp::era_of(task->revision) == mcp::Era::modern) revocable.emplace(*this, *conversation);
  Inbound in{.conversation = conversation, .message = task->message, .revision = task->revision, .channel = task->channel, .trace = std::move(trace), .called = std::move(called), .task = task.get()};
  co_await handle_call(in, task->flight);
  finish_own_task(*task);
}

/// A person is asked: from here on the caller may know of the task. Answers until when
/// the call may wait: as long as its question.
net::Instant Gate::asked_as_task(const Inbound& in, Draft& draft, const Judged& judged, const approval::Approval& approval) {
  OwnTask& task = *in.task;
  refused_.add();
  parts_.journal.record(record_of(draft, in, judged));
  draft.id = parts_.journal.next_id();  // what becomes of it is another record
  const std::string url = approval_url(approval.id);
  const std::string where = url.empty() ? std::string() : fmt::format(" at {}", url);
  const bool waits = approval.state == approval::State::waiting;
  task.asked = true;
  if (waits) note_own_task(task, fmt::format("Approval {} was asked for: a person answers{} with yes or no until {}. The call runs by itself after a yes.", approval.id, where, utc_text(approval.expires_at_ms)));
  task.changed.notify();
  const auto left = std::chrono::milliseconds(std::max<std::int64_t>(approval.expires_at_ms - parts_.clock.wall_ms(), 0));
  return parts_.loop.now() + left + slack;
}

void Gate::note_own_task(OwnTask& task, std::string note) {
  task.note = std::move(note);
  task.updated_ms = parts_.clock.wall_ms();
}

/// The answer that the call got becomes its task's.
void Gate::finish_own_task(OwnTask& task) {
  const mcp::Era era = mcp::era_of(task.revision);
  const std::string bytes = task.channel.take_answer();
  const Answer answer(bytes);
  auto status = mcp::TaskStatus::failed;
  std::string note = answer.went_wrong() ? words_of(bytes) : std::string();
  if (task.cancelled || task.flight.cancelled) {
    status = mcp::TaskStatus::cancelled;
    task.error = internal_error("the task was cancelled");
    note = "It was cancelled.";
  } else if (answer.error) {
    task.error = answer.error.text();
  } else if (const std::string_view why = answer.result ? not_final(answer.result, era) : no_answer; !why.empty()) {
    task.error = internal_error(why);
    note = why;
  } else {
    task.result = answer.result.text();
    // 2025-11-25 calls a task failed whose call says so; the extension keeps that word for errors of the protocol.
    if (era == mcp::Era::modern || !answer.went_wrong()) status = mcp::TaskStatus::completed;
  }
  task.note = std::move(note);
  own_tasks_.finish(task, status, approval::Moment::of(parts_.clock));
  task.changed.notify();
  if (task.asked) tell_of_own_task(task);
  task.conversation.reset();  // what is kept is the answer: no session, and no child of one
}

/// On the session's stream, if it has one: nobody may rely on hearing it.
void Gate::tell_of_own_task(OwnTask& task) {
  const Conversation& conversation = *task.conversation;
  if (mcp::era_of(task.revision) == mcp::Era::legacy && conversation.stream) conversation.stream->push(mcp::task_status_notification(task.seen(parts_.clock.wall_ms())), {});
}

/// Withdraws the question; a call that runs already is cancelled at its server.
void Gate::cancel_own_task(OwnTask& task) {
  if (task.is_over()) return;
  task.cancelled = true;
  task.flight.cancelled = true;
  if (task.flight.waiting != nullptr) task.flight.waiting->raise();
  task.channel.leave();
  task.changed.notify();
}

/// tasks/get, tasks/result, tasks/update, tasks/cancel of the gate's own: on record, and answered here.
net::Task<void> Gate::handle_own_task(Inbound& in, InFlight& flight, std::shared_ptr<OwnTask> task) {
  Judged judged{.policy = policy(), .grant_policy = grant_policy(*in.conversation)};
  judged.decision.verdict = policy::Verdict::allow;
  Draft draft{.id = parts_.journal.next_id(), .subject = task->tool};
  note_params(draft, in.message);
  parts_.journal.record(record_of(draft, in, judged));
  CallOutcome outcome(parts_.journal, draft.id, stopping_);
  using enum mcp::MethodId;
  const bool modern = in.era() == mcp::Era::modern;
  std::string answer;
  if (in.message.method_id == tasks_result) {
    co_await answer_own_result(in, flight, task);
  } else if (in.message.method_id == tasks_cancel && task->is_over() && !modern) {
    answer = mcp::rpc_error(in.message.id_text, mcp::code::invalid_params, "the task is over already");
  } else if (in.message.method_id == tasks_cancel) {
    cancel_own_task(*task);
    answer = modern ? mcp::empty_result(in.message.id_text, in.era()) : mcp::task_state(in.message.id_text, task->seen(parts_.clock.wall_ms()), in.era());
  } else if (in.message.method_id == tasks_update) {
    answer = mcp::empty_result(in.message.id_text, in.era());  // it asks its client for nothing
  } else {
    answer = mcp::task_state(in.message.id_text, task->seen(parts_.clock.wall_ms()), in.era());
  }
  if (!answer.empty()) co_await in.channel.answer(answer);
  outcome.ended("answered", false, answer.size());
}

/// tasks/result: until the task is over, or nobody waits for it any more.
net::Task<void> Gate::answer_own_result(Inbound& in, InFlight& flight, std::shared_ptr<OwnTask> task) {
  std::string comment;
  mcp::append_sse_comment(comment, "");
  while (!task->is_over() && !flight.cancelled && !in.conversation->closed && !in.channel.gone()) {
    if (co_await task->changed.wait(between_comments)) continue;
    if (in.channel.streams() && in.channel.takes_raw()) co_await in.channel.event({}, comment);
  }
  if (flight.cancelled || in.channel.gone()) co_return static_cast<void>(co_await in.channel.ended());
  const std::string error = task->is_over() ? (task->cancelled ? internal_error("the task was cancelled") : task->error) : internal_error("the session ended before the task did");
  if (!error.empty()) co_return static_cast<void>(co_await in.channel.answer(mcp::task_outcome(in.message.id_text, {}, error)));
  json::Document document;
  const bool read = json::parse(task->result, {.max_depth = 512, .max_keys = 4'000'000, .check_number_range = false, .keep_depth = 4}, document).has_value();
  const std::string result = read ? mcp::related_to_task(document.root(), task->id) : task->result;
  co_await in.channel.answer(mcp::task_outcome(in.message.id_text, result, {}));
}

/// The server's list of tasks with the caller's own of the gate's before it.
std::string Gate::with_own_tasks(const Inbound& in, std::string_view answer) {
  const auto mine = own_tasks_.of(owner_of(*in.conversation), parts_.clock.now());
  json::Document document;
  const auto message = mine.empty() ? Result<mcp::Message>(std::unexpected(Error{})) : mcp::read_message(answer, document, mcp::Direction::from_server, upstream::answer_limits);
  const auto list = message && message->result ? message->result.find("tasks") : std::nullopt;
  if (!list || !list->is_array()) return std::string(answer);
  std::string items;
  for (const auto& each : mine) {
    if (!each->asked) continue;
    if (!items.empty()) items += ',';
    items += mcp::task_item(each->seen(parts_.clock.wall_ms()));
  }
  if (!items.empty() && list->size() != 0) items += ',';
  const mcp::Edit edit{.offset = list->offset() + 1, .size = 0, .text = items};
  return mcp::splice(answer, std::span(&edit, 1));
}

}  // namespace callgate::gateway
