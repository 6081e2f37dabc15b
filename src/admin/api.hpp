#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "admin/directory.hpp"
#include "admin/guard.hpp"
#include "admin/http.hpp"
#include "admin/target.hpp"
#include "approval/desk.hpp"
#include "base/clock.hpp"
#include "base/metrics.hpp"

namespace callgate::admin {

/// The admin API (interface.md "URLs"): approvals, servers, health, metrics. No
/// transport, no I/O of its own: a request in, an answer out, at once. Whatever
/// it cannot read is refused with a reason, and every request passes the guard.
/// Threads: the one of the desk and the directory.
class Api {
 public:
  static constexpr std::size_t max_body = 64 * 1024;  ///< longer bodies are refused; the transport may refuse sooner

  /// All references outlive the API.
  struct Parts {
    approval::Desk& desk;
    ServerDirectory& servers;
    const HealthSource& health;
    const Metrics& metrics;
    const Clock& clock;
  };
  Api(Parts parts, Guard guard) : parts_(parts), guard_(std::move(guard)) {}

  ApiResponse handle(const ApiRequest& request);

 private:
  struct Route;
  struct Call;  ///< a request whose route is known
  static const std::vector<Route>& routes();

  ApiResponse list_approvals(const Call& call);
  ApiResponse show_approval(const Call& call);
  ApiResponse approve(const Call& call);
  ApiResponse deny(const Call& call);
  ApiResponse answer_question(const Call& call, approval::Answer answer);
  ApiResponse list_servers(const Call& call);
  ApiResponse list_tools(const Call& call);
  ApiResponse pin(const Call& call);
  ApiResponse show_health(const Call& call);
  ApiResponse show_metrics(const Call& call);
  ApiResponse show_openapi(const Call& call);

  Parts parts_;
  Guard guard_;
};

}  // namespace callgate::admin
