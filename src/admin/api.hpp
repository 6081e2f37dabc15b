#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "admin/directory.hpp"
#include "admin/guard.hpp"
#include "admin/http.hpp"
#include "admin/target.hpp"
#include "admin/wish_jobs.hpp"
#include "approval/questions.hpp"
#include "base/clock.hpp"
#include "base/metrics.hpp"

namespace callgate::admin {

/// The admin API (interface.md "URLs"): approvals, servers, wishes, health, metrics. No
/// transport, no I/O of its own: a request in, an answer out, as soon as the
/// questions are read. Whatever it cannot read is refused with a reason, and every
/// request passes the guard. Threads: the one of the questions and the directory.
class Api {
 public:
  static constexpr std::size_t max_body = 64 * 1024;  ///< longer bodies are refused; the transport may refuse sooner

  /// All references outlive the API.
  struct Parts {
    approval::Questions& questions;
    ServerDirectory& servers;
    const HealthSource& health;
    const Metrics& metrics;
    const Clock& clock;
    PolicyDrafter& drafter;
  };
  Api(Parts parts, Guard guard) : parts_(parts), guard_(std::move(guard)), wishes_(parts.drafter, parts.clock) {}
  Api(const Api&) = delete;
  Api& operator=(const Api&) = delete;

  using Answering = net::Task<ApiResponse>;

  /// `request` is read before this returns; it need not outlive the task.
  Answering handle(const ApiRequest& request);

 private:
  struct Route;
  struct Call;  ///< a request whose route is known
  static const std::vector<Route>& routes();

  Answering list_approvals(const Call& call);
  Answering show_approval(const Call& call);
  Answering approve(const Call& call);
  Answering deny(const Call& call);
  Answering answer_question(const Call& call, approval::Answer answer);
  Answering finish_health(Health health);
  static Answering finish_list(net::Task<Result<std::vector<approval::Approval>>> reading);
  static Answering finish_show(net::Task<Result<std::optional<approval::Approval>>> reading);
  static Answering finish_answer(net::Task<Result<approval::Approval>> answering);
  Answering list_servers(const Call& call);
  Answering list_tools(const Call& call);
  Answering pin(const Call& call);
  Answering start_wish(const Call& call);
  Answering list_wishes(const Call& call);
  Answering show_wish(const Call& call);
  Answering show_wish_assets(const Call& call);
  Answering apply_wish(const Call& call);
  Answering show_health(const Call& call);
  Answering show_metrics(const Call& call);
  Answering show_openapi(const Call& call);

  Parts parts_;
  Guard guard_;
  WishJobs wishes_;
};

}  // namespace callgate::admin
