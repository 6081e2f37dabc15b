#pragma once

#include <string>
#include <string_view>

#include "admin/guard.hpp"
#include "admin/http.hpp"
#include "admin/sign_ins.hpp"
#include "approval/questions.hpp"
#include "base/clock.hpp"
#include "base/log.hpp"

namespace callgate::admin {

/// `/approve/<id>` on the admin listener: where a person without a command line
/// sees what a call would do, and answers. Until there are members whoever knows
/// the operator's token may: it is typed once and stands for half an hour behind a
/// cookie that no other site's page can use. An answer carries what proves that it
/// comes from the page shown, and the digest of the arguments that stood there.
/// Threads: the one of the questions.
class ApprovalPage {
 public:
  /// All references outlive the page.
  struct Parts {
    approval::Questions& questions;
    const Clock& clock;
    Log& log;
    std::string_view public_url = {};  ///< what people see of the listener; empty: its own address
  };
  ApprovalPage(Parts parts, Guard guard) : parts_(parts), guard_(std::move(guard)) {}

  using Answering = net::Task<ApiResponse>;

  /// Whether the path is one of this page's.
  static bool serves(std::string_view target);
  /// `request` is read before this returns; it need not outlive the task.
  Answering handle(const ApiRequest& request);

 private:
  struct Given;  ///< an answer as the form brought it
  Answering show(const ApiRequest& request, std::string_view id);
  Answering sign_in(const ApiRequest& request, std::string_view id);
  Answering take_answer(const ApiRequest& request, std::string_view id);
  Answering finish_show(std::string id, std::string cookie);
  Answering finish_answer(Given given);

  Parts parts_;
  Guard guard_;
  SignIns sign_ins_;
};

}  // namespace callgate::admin
