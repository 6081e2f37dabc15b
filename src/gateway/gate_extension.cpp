// Methods of the operator's list: outside the protocol, and decided all the same (protocol item 27).
#include <algorithm>

#include <fmt/format.h>

#include "gateway/gate_draft.hpp"
#include "mcp/codes.hpp"

namespace callgate::gateway {

namespace {

using config::ExtensionMethod;

policy::Action action_of(ExtensionMethod::Names names) {
  switch (names) {
    case ExtensionMethod::Names::tool: return policy::Action::tool_call;
    case ExtensionMethod::Names::prompt: return policy::Action::prompt_get;
    case ExtensionMethod::Names::resource: return policy::Action::resource_read;
    case ExtensionMethod::Names::none: break;
  }
  return policy::Action::other;
}

}  // namespace

/// Null: it is none. What some revision of the protocol has is none in any other.
const ExtensionMethod* Gate::extension_of(const mcp::Message& message) const {
  if (message.method_id != mcp::MethodId::unknown || !message.is_request()) return nullptr;
  const auto found = std::ranges::find(server_.extension_methods, message.method.view(), &ExtensionMethod::method);
  return found == server_.extension_methods.end() ? nullptr : &*found;
}

/// What the method is decided by. Errors: the member that names it is no text.
Result<std::string> Gate::subject_of(const Inbound& in, const ExtensionMethod& method) {
  if (method.names == ExtensionMethod::Names::none) return method.method;
  const auto value = in.message.params ? in.message.params.find(method.member) : std::nullopt;
  if (!value || !value->is_string()) return fail(ErrorKind::invalid, fmt::format("`{}` is missing, or no text", method.member));
  std::string subject(value->string());
  if (subject.empty() || subject.contains('\0')) return fail(ErrorKind::invalid, fmt::format("`{}` is no name", method.member));
  return subject;
}

/// Its `arguments`, where it has such, are held against the rule as those of a call.
Judged Gate::judge_extension(const Inbound& in, const ExtensionMethod& method, std::string_view subject) const {
  auto arguments = in.message.params ? in.message.params.find("arguments") : std::nullopt;
  if (arguments && !arguments->is_object()) arguments.reset();
  return judge(in, action_of(method.names), subject, arguments);
}

net::Task<void> Gate::handle_extension(Inbound& in, InFlight& flight, const ExtensionMethod& method) {
  const auto subject = subject_of(in, method);
  if (!subject) co_return co_await refuse_shape(in, subject.error(), mcp::code::invalid_params);
  const bool of_tool = method.names == ExtensionMethod::Names::tool;
  const bool current = !of_tool || tools_.is_current(in.era()) || co_await wait_for_tools(in, in.era());
  Draft draft{.id = parts_.journal.next_id(), .action = action_of(method.names), .subject = *subject};
  note_params(draft, in.message);
  Judged judged = judge_extension(in, method, *subject);
  if (!current) doubt(judged, in.era());
  if (judged.decision.verdict == policy::Verdict::allow) co_return co_await run_allowed(in, flight, draft, judged, nullptr);
  if (judged.decision.verdict == policy::Verdict::require_approval) {
    // A yes is bound to a call of the tool, and this is none: nobody saw what it does.
    judged.decision.verdict = policy::Verdict::deny;
    judged.decision.reason = "a person would have to approve it, and methods of the operator's list cannot wait for one";
  }
  co_await refuse(in, draft, judged);
}

}  // namespace callgate::gateway
