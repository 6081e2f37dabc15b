#include <array>

#include <fmt/format.h>

#include "admin/api_call.hpp"
#include "admin/json_object.hpp"
#include "approval/display.hpp"
#include "base/ids.hpp"

/// The routes under `/api/v1/approvals`.
namespace callgate::admin {
namespace {

using approval::Approval;
using approval::Moment;
using approval::State;

constexpr std::size_t kMaxReason = 1'000;  ///< bytes; it is one sentence for the agent

JsonObject approval_object(const Approval& approval) {
  const approval::Question& question = approval.question;
  JsonObject object;
  object.text("id", approval.id)
      .text("state", word(approval.state))
      .text("server", question.binding.server)
      .text("tool", question.binding.tool)
      .raw("arguments", question.arguments.empty() ? "null" : question.arguments)
      .text("arguments_digest", question.binding.args_digest)
      .text("grant", question.binding.grant)
      .text("session", question.session)
      .text("rule", question.rule)
      .text("reason", question.reason)
      .text("asked_at", utc_text(approval.asked_at_ms))
      .text("expires_at", utc_text(approval.expires_at_ms));
  if (approval.answered_at_ms != 0) {
    object.text("answered_at", utc_text(approval.answered_at_ms))
        .text("answered_by", approval.answered_by)
        .text("answer_reason", approval.answer_reason);
  }
  if (approval.ended_at_ms != 0) object.text("ended_at", utc_text(approval.ended_at_ms));
  return object;
}

/// One approval with all that a person should see before answering.
std::string approval_page(const Approval& approval) {
  const approval::Binding& binding = approval.question.binding;
  return approval_object(approval)
      .text("address", binding.address)
      .text("definition", binding.definition)
      .text("arguments_shown", approval::visible(approval.question.arguments))
      .done();
}

ApiResponse unknown_approval() { return answer_error(404, "not_found", "no approval of this id is known here"); }

std::string_view who(Door door) {
  return door == Door::local_socket ? "operator (local socket)" : "operator (admin API)";
}

/// The body asks to run other arguments than those shown. What is no JSON is
/// left to the reader of the members.
bool changes_arguments(std::string_view body) {
  json::Document document;
  return json::parse(body, {.max_depth = 64}, document) && document.root().find("arguments").has_value();
}

}  // namespace

Api::Answering Api::list_approvals(const Call& call) {
  std::optional<State> state;
  for (const auto& [key, value] : call.target.query) {
    state = approval::state_of(value);
    if (!state)
      return Answering::ready(answer_error(400, "invalid", "`state` is waiting, approved, denied, expired, used or withdrawn"));
  }
  return finish_list(parts_.questions.list(state, Moment::of(parts_.clock)));
}

Api::Answering Api::finish_list(net::Task<Result<std::vector<Approval>>> reading) {
  const auto approvals = co_await reading;
  if (!approvals) co_return answer_error(approvals.error());
  const auto write = [](const Approval& approval) { return approval_object(approval).done(); };
  co_return answer_json(200, json_list("approvals", *approvals, write));
}

Api::Answering Api::show_approval(const Call& call) {
  return finish_show(parts_.questions.find(std::string(call.segments[0]), Moment::of(parts_.clock)));
}

Api::Answering Api::finish_show(net::Task<Result<std::optional<Approval>>> reading) {
  const auto found = co_await reading;
  if (!found) co_return answer_error(found.error());
  co_return *found ? answer_json(200, approval_page(**found)) : unknown_approval();
}

Api::Answering Api::approve(const Call& call) { return answer_question(call, approval::Answer::yes); }

Api::Answering Api::deny(const Call& call) { return answer_question(call, approval::Answer::no); }

Api::Answering Api::answer_question(const Call& call, approval::Answer answer) {
  if (!is_ulid(call.segments[0])) return Answering::ready(unknown_approval());
  constexpr std::array<std::string_view, 1> keys{"reason"};
  if (answer == approval::Answer::yes && changes_arguments(call.request.body))
    return Answering::ready(answer_error(422, "unsupported", "changing the arguments is not supported yet by this version"));
  Result<std::vector<std::string>> members = read_text_members(call.request.body, keys);
  if (!members) return Answering::ready(answer_error(members.error()));
  std::string& reason = members->front();
  if (reason.size() > kMaxReason)
    return Answering::ready(answer_error(400, "invalid", fmt::format("`reason` holds at most {} bytes", kMaxReason)));
  return finish_answer(parts_.questions.answer(std::string(call.segments[0]), answer, std::string(who(call.request.door)),
                                               std::move(reason), Moment::of(parts_.clock)));
}

Api::Answering Api::finish_answer(net::Task<Result<Approval>> answering) {
  const Result<Approval> answered = co_await answering;
  if (answered) co_return answer_json(200, approval_page(*answered));
  co_return answered.error().kind == ErrorKind::not_found ? unknown_approval() : answer_error(answered.error());
}

}  // namespace callgate::admin
