#include "cli/approvals_command.hpp"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <iostream>
#include <optional>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "approval/display.hpp"
#include "base/clock.hpp"
#include "cli/admin_client.hpp"
#include "cli/approvals_flags.hpp"

namespace callgate::cli {
namespace {

namespace fs = std::filesystem;
using ApprovalsVerb = ApprovalsFlags::Verb;

/// One run of the command.
struct ApprovalsRun {
  const ApprovalsFlags& flags;
  const ApprovalsSetting& setting;
  fs::path data;
  std::ostream& out;
  std::ostream& err;

  Exit fault(Exit exit, std::string_view message) const {
    err << "callgate: " << message << '\n';
    return exit;
  }
  /// Gateways that live but did not answer: their questions are not seen.
  void warn(const AdminReplies& replies) const {
    for (const Error& each : replies.faults) err << "callgate: " << each.where << ": " << each.message << '\n';
  }
  Exit nobody() const {
    return fault(Exit::unavailable, fmt::format("no gateway runs on `{}`; start one or name its folder with --data",
                                                data.string()));
  }
};

/// The sentence in an answer that is no 200.
std::string refusal_text(const AdminReply& reply) {
  const auto document = json::OwnedDocument::parse(reply.body);
  if (document) {
    const auto error = (*document)->root().find("error");
    const auto message = error ? error->find("message") : std::nullopt;
    if (message && message->is_string()) return approval::visible(message->string());
  }
  return fmt::format("the gateway answered with status {}", reply.status);
}

Result<std::vector<ApprovalView>> read_list(const AdminReply& reply) {
  if (reply.status != 200) return fail(ErrorKind::unavailable, refusal_text(reply));
  const json::Limits limits{.max_keys = 10'000'000, .check_number_range = false};
  const auto document = json::OwnedDocument::parse(reply.body, limits);
  if (!document) return std::unexpected(document.error());
  const auto list = (*document)->root().find("approvals");
  if (!list || !list->is_array()) return fail(ErrorKind::malformed, "the gateway's answer holds no approvals");
  std::vector<ApprovalView> out;
  for (const json::Value each : list->elements()) {
    Result<ApprovalView> approval = read_approval(each);
    if (!approval) return std::unexpected(approval.error());
    out.push_back(std::move(*approval));
  }
  return out;
}

Result<ApprovalView> read_one(const AdminReply& reply) {
  if (reply.status != 200) return fail(ErrorKind::refused, refusal_text(reply));
  const auto document = json::OwnedDocument::parse(reply.body, {.check_number_range = false});
  if (!document) return std::unexpected(document.error());
  return read_approval((*document)->root());
}

void write_list(const ApprovalsRun& run, const std::vector<ApprovalView>& approvals) {
  if (run.flags.json) {
    std::string body;
    for (const ApprovalView& each : approvals) body += (body.empty() ? "" : ",") + each.json;
    run.out << "{\"approvals\":[" << body << "]}\n";
  } else if (approvals.empty()) {
    run.out << (run.flags.all ? "no call asked for a person in the last day\n" : "no call waits for a person\n");
  } else {
    write_approvals(run.out, approvals, run.flags.all ? Columns::with_state : Columns::waiting, run.setting.showing);
  }
}

Exit list_approvals(const ApprovalsRun& run) {
  const std::string_view target = run.flags.all ? "/api/v1/approvals" : "/api/v1/approvals?state=waiting";
  Result<AdminReplies> replies = ask_gateways(run.data, "GET", target);
  if (!replies) return run.fault(Exit::unavailable, replies.error().message);

  std::vector<ApprovalView> approvals;
  for (const AdminReplies::One& each : replies->replies) {
    Result<std::vector<ApprovalView>> some = read_list(each.reply);
    if (some) {
      std::ranges::move(*some, std::back_inserter(approvals));
    } else {
      replies->faults.push_back({.kind = some.error().kind, .message = some.error().message, .where = each.socket.string()});
    }
  }
  run.warn(*replies);
  if (replies->replies.empty() && replies->faults.empty()) return run.nobody();
  std::ranges::sort(approvals, {}, &ApprovalView::id);
  write_list(run, approvals);
  return replies->faults.empty() ? Exit::ok : Exit::unavailable;
}

struct Found {
  fs::path socket;
  ApprovalView approval;
};

/// Asks around for the id; says what went wrong where it is not found.
std::optional<Found> find(const ApprovalsRun& run, Exit& exit) {
  const Result<AdminReplies> replies = ask_gateways(run.data, "GET", "/api/v1/approvals/" + run.flags.id);
  if (!replies) {
    exit = run.fault(Exit::unavailable, replies.error().message);
    return std::nullopt;
  }
  for (const AdminReplies::One& each : replies->replies) {
    if (each.reply.status == 404) continue;
    Result<ApprovalView> approval = read_one(each.reply);
    if (approval && approval->id == run.flags.id) return Found{.socket = each.socket, .approval = std::move(*approval)};
    exit = run.fault(Exit::unavailable, approval ? "the gateway answered with another approval" : approval.error().message);
    return std::nullopt;
  }
  run.warn(*replies);
  if (replies->replies.empty() && replies->faults.empty()) {
    exit = run.nobody();
  } else {
    exit = run.fault(replies->faults.empty() ? Exit::refused : Exit::unavailable,
                     fmt::format("no running gateway knows the approval `{}`", run.flags.id));
  }
  return std::nullopt;
}

Exit show_approval(const ApprovalsRun& run) {
  Exit exit = Exit::ok;
  const std::optional<Found> found = find(run, exit);
  if (!found) return exit;
  if (run.flags.json) {
    run.out << found->approval.json << '\n';
  } else {
    write_approval(run.out, found->approval, run.setting.showing);
  }
  return Exit::ok;
}

/// Shows the call and asks; only `y` or `yes` is a yes. On the error stream:
/// where `out` goes to a file, the person still sees what the question is.
bool person_agrees(const ApprovalsRun& run, const ApprovalView& approval) {
  write_approval(run.err, approval, run.setting.showing);
  run.err << "let exactly this call run once? [y/N] " << std::flush;
  std::string line;
  std::getline(run.setting.in, line);
  return line == "y" || line == "Y" || line == "yes" || line == "Yes" || line == "YES";
}

Exit answer(const ApprovalsRun& run) {
  const bool approves = run.flags.verb == ApprovalsVerb::approve;
  const bool asks = approves && !run.flags.yes;
  if (asks && run.setting.person == ApprovalsSetting::Person::absent) {
    return run.fault(Exit::usage, "approve shows the call and asks at a terminal; without one say --yes");
  }
  Exit exit = Exit::ok;
  const std::optional<Found> found = find(run, exit);
  if (!found) return exit;
  if (!found->approval.waits()) {
    return run.fault(Exit::refused, fmt::format("the approval no longer waits: it is {}", approval::visible(found->approval.state)));
  }
  if (asks && !person_agrees(run, found->approval)) {
    return run.fault(Exit::refused, "not approved; the call still waits");
  }
  const std::string target = fmt::format("/api/v1/approvals/{}/{}", run.flags.id, approves ? "approve" : "deny");
  std::string body = "{}";
  if (!run.flags.reason.empty()) body = R"({"reason":)" + json::quoted(run.flags.reason) + "}";
  const Result<AdminReply> reply = ask_gateway(found->socket, "POST", target, body);
  if (!reply) return run.fault(Exit::unavailable, reply.error().message);
  const Result<ApprovalView> answered = read_one(*reply);
  if (!answered) {
    return run.fault(reply->status >= 500 ? Exit::unavailable : Exit::refused, answered.error().message);
  }
  if (run.flags.json) {
    run.out << answered->json << '\n';
  } else if (approves) {
    run.out << "approved: the call may run once within " << span_text(answered->expires_ms - run.setting.showing.now_ms)
            << '\n';
  } else {
    run.out << "denied: the agent is told so\n";
  }
  return Exit::ok;
}

bool at_terminal(int fd) { return ::isatty(fd) == 1; }

}  // namespace

Exit approvals(std::span<const std::string_view> args, const ApprovalsSetting& setting, std::ostream& out,
               std::ostream& err) {
  const Result<ApprovalsFlags> flags = read_approvals_flags(args);
  if (!flags) {
    err << "callgate: " << flags.error().message << "; see `callgate approvals --help`\n";
    return Exit::usage;
  }
  if (flags->verb == ApprovalsVerb::help) {
    out << approvals_help;
    return Exit::ok;
  }
  Result<fs::path> data = flags->data ? Result<fs::path>(*flags->data) : config::default_data_folder(setting.environment);
  if (!data) {
    err << "callgate: " << data.error().message << '\n';
    return Exit::unavailable;
  }
  const ApprovalsRun run{.flags = *flags, .setting = setting, .data = std::move(*data), .out = out, .err = err};
  switch (flags->verb) {
    case ApprovalsVerb::list: return list_approvals(run);
    case ApprovalsVerb::show: return show_approval(run);
    default: return answer(run);
  }
}

Exit approvals(std::span<const std::string_view> args, std::ostream& out, std::ostream& err) {
  const config::ProcessEnvironment environment;
  const bool colours = at_terminal(STDOUT_FILENO) && !environment.variable("NO_COLOR");
  const bool person = at_terminal(STDIN_FILENO) && at_terminal(STDERR_FILENO);
  const ApprovalsSetting setting{
      .in = std::cin,
      .person = person ? ApprovalsSetting::Person::at_terminal : ApprovalsSetting::Person::absent,
      .showing = {.colours = colours ? Showing::Colours::on : Showing::Colours::off, .now_ms = SystemClock().wall_ms()},
      .environment = environment};
  return approvals(args, setting, out, err);
}

}  // namespace callgate::cli
