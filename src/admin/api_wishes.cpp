#include <array>

#include "admin/api_call.hpp"
#include "admin/json_object.hpp"

/// The routes of wishes: `POST /api/v1/servers/<name>/wishes` starts one, and
/// `/api/v1/wishes/<id>` is asked until its assets are there and may be applied.
namespace callgate::admin {
namespace {

JsonObject job_object(const WishJob& job) {
  JsonObject object;
  object.text("id", job.id)
      .text("server", job.draft.server)
      .text("wish", job.wish)
      .text("state", word(job.state))
      .text("started_at", utc_text(job.started_ms))
      .text("expires_at", utc_text(job.expires_ms))
      .texts("faults", job.draft.faults)
      .text_if_any("made_by", job.draft.made_by)
      .text_if_any("effect", job.draft.effect)
      .text_if_any("policy", job.applied);
  return object;
}

std::string test_text(const DraftTest& test) {
  return JsonObject().text("call", test.call).text("verdict", test.verdict).raw("held", test.held ? "true" : "false").done();
}

std::string assets_text(const WishJob& job) {
  const PolicyDraft& draft = job.draft;
  JsonObject object = job_object(job);
  std::string tests = "[";
  for (const DraftTest& each : draft.tests) tests += (tests.size() > 1 ? "," : "") + test_text(each);
  return object.text("draft", draft.text)
      .texts("findings", draft.findings)
      .texts("changes", draft.changes)
      .raw("tests", tests + "]")
      .text("made_against", draft.base.policy)
      .done();
}

ApiResponse answer_job(int status, const Result<WishJob>& job) {
  return job ? answer_json(status, job_object(*job).done()) : answer_error(job.error());
}

}  // namespace

Api::Answering Api::start_wish(const Call& call) {
  constexpr std::array<std::string_view, 1> keys{"wish"};
  Result<std::vector<std::string>> members = read_text_members(call.request.body, keys);
  if (!members) return Answering::ready(answer_error(members.error()));
  const Result<WishJob> job = wishes_.start(call.segments[0], std::move(members->front()));
  ApiResponse response = answer_job(202, job);
  if (job) response.headers.emplace_back("Location", "/api/v1/wishes/" + job->id);
  return Answering::ready(std::move(response));
}

Api::Answering Api::list_wishes(const Call& /*call*/) {
  return Answering::ready(answer_json(200, json_list("wishes", wishes_.list(), [](const WishJob& job) { return job_object(job).done(); })));
}

Api::Answering Api::show_wish(const Call& call) { return Answering::ready(answer_job(200, wishes_.find(call.segments[0]))); }

Api::Answering Api::show_wish_assets(const Call& call) {
  const Result<WishJob> job = wishes_.find(call.segments[0]);
  if (!job) return Answering::ready(answer_error(job.error()));
  if (job->state == WishJob::State::running) return Answering::ready(answer_error(409, "conflict", "the draft is not ready; ask again for its state"));
  return Answering::ready(answer_json(200, assets_text(*job)));
}

/// The words of the request are the consent: a body that says anything is refused,
/// so that nobody believes to have applied something else than the draft.
Api::Answering Api::apply_wish(const Call& call) {
  const Result<std::vector<std::string>> members = read_text_members(call.request.body, {});
  if (!members) return Answering::ready(answer_error(members.error()));
  return Answering::ready(answer_job(200, wishes_.apply(call.segments[0])));
}

}  // namespace callgate::admin
