#include "mcp/elicitation.hpp"

#include <fmt/format.h>

#include "mcp/answers.hpp"
#include "mcp/codes.hpp"

namespace callgate::mcp {

namespace {

std::string params_of(const UrlElicitation& ask) {
  const std::string id = ask.id.empty() ? std::string() : fmt::format(R"("elicitationId":{},)", json::quoted(ask.id));
  return fmt::format(R"({{"mode":"url",{}"url":{},"message":{}}})", id, json::quoted(ask.url), json::quoted(ask.message));
}

std::string params_of(const ApproveForm& ask) {
  return fmt::format(R"({{"message":{},"requestedSchema":{{"type":"object","properties":{{"approve":{{"type":"boolean",)"
                     R"("title":"Run this call, once","description":"Not ticked: the call is refused.","default":false}}}},"required":["approve"]}}}})",
                     json::quoted(ask.message));
}

std::string params_of(const ShownForm& ask) {
  return fmt::format(R"({{"message":{},"requestedSchema":{{"type":"object","properties":{{}}}}}})", json::quoted(ask.message));
}

template <class Ask>
std::string request_of(std::string_view id_text, const Ask& ask) {
  return fmt::format(R"({{"jsonrpc":"2.0","id":{},"method":"elicitation/create","params":{}}})", id_text, params_of(ask));
}

template <class Ask>
std::string round_of(std::string_view id_text, std::string_view state, const Ask& ask) {
  return result(id_text, fmt::format(R"({{"resultType":"input_required","inputRequests":{{"{}":{{"method":"elicitation/create","params":{}}}}},"requestState":{}}})",
                                     approval_key, params_of(ask), json::quoted(state)));
}

}  // namespace

std::string elicitation_request(std::string_view id_text, const UrlElicitation& ask) { return request_of(id_text, ask); }

std::string elicitation_request(std::string_view id_text, const ApproveForm& ask) { return request_of(id_text, ask); }

std::string elicitation_complete(std::string_view id) {
  return fmt::format(R"({{"jsonrpc":"2.0","method":"notifications/elicitation/complete","params":{{"elicitationId":{}}}}})", json::quoted(id));
}

Elicited read_elicited(json::Value result) {
  Elicited out;
  const auto action = result && result.is_object() ? result.find("action") : std::nullopt;
  if (!action || !action->is_string()) return out;
  if (action->equals("accept")) out.action = Elicited::Action::accept;
  if (action->equals("decline")) out.action = Elicited::Action::decline;
  if (action->equals("cancel")) out.action = Elicited::Action::cancel;
  const auto content = result.find("content");
  const auto approve = content && content->is_object() ? content->find("approve") : std::nullopt;
  if (approve && approve->is_boolean()) out.approve = approve->boolean();
  return out;
}

std::string approval_required(std::string_view id_text, std::string_view state) {
  return result(id_text, fmt::format(R"({{"resultType":"input_required","requestState":{}}})", json::quoted(state)));
}

std::string approval_required(std::string_view id_text, std::string_view state, const UrlElicitation& ask) { return round_of(id_text, state, ask); }

std::string approval_required(std::string_view id_text, std::string_view state, const ShownForm& ask) { return round_of(id_text, state, ask); }

std::string url_elicitation_required(std::string_view id_text, std::string_view text, const UrlElicitation& ask) {
  return rpc_error(id_text, code::url_elicitation_required, text, fmt::format(R"({{"elicitations":[{}]}})", params_of(ask)));
}

}  // namespace callgate::mcp
