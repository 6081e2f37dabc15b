#include "gateway/conversation.hpp"

#include <algorithm>

#include "mcp/message.hpp"

namespace callgate::gateway {

InFlight* Conversation::find_in_flight(std::string_view id) {
  for (net::ListNode* node = in_flight.next; node != &in_flight; node = node->next) {
    auto& each = static_cast<InFlight&>(*node);
    if (mcp::same_id(each.id, id)) return &each;
  }
  return nullptr;
}

bool Conversation::is_asked(std::string_view id) const {
  return std::ranges::any_of(server_requests, [id](const std::string& each) { return mcp::same_id(each, id); });
}

bool Conversation::take_server_request(std::string_view id) {
  const auto found = std::ranges::find_if(server_requests, [id](const std::string& each) { return mcp::same_id(each, id); });
  if (found == server_requests.end()) return false;
  server_requests.erase(found);
  return true;
}

}  // namespace callgate::gateway
