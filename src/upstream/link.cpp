#include "upstream/link.hpp"

#include <cassert>

namespace callgate::upstream {

net::Task<Forwarded> Link::forward(policy::Permit permit, Outbound&& out, Sink& sink) {
  assert(!permit.spent());
  // The permit is used up by this call, whatever becomes of it: a link that sends by another one hands it on.
  out.permit.emplace(std::move(permit));
  return transmit(std::move(out), sink);
}

bool says_error(const mcp::Message& response) {
  if (response.error) return true;
  const auto flag = response.result ? response.result.find("isError") : std::nullopt;
  return flag && flag->is_boolean() && flag->boolean();
}

std::string_view progress_token(const mcp::Message& request) {
  if (!request.meta) return {};
  const auto token = request.meta.find("progressToken");
  return token ? token->text() : std::string_view{};
}

bool is_progress_for(const mcp::Message& message, std::string_view token) {
  if (token.empty() || message.method_id != mcp::MethodId::notifications_progress || !message.params) return false;
  const auto theirs = message.params.find("progressToken");
  return theirs && mcp::same_id(theirs->text(), token);
}

}  // namespace callgate::upstream
