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

bool Conversation::take_own_answer(std::string_view id, json::Value result) {
  for (net::ListNode* node = own_asks.next; node != &own_asks; node = node->next) {
    auto& each = static_cast<OwnAsk&>(*node);
    if (!mcp::same_id(each.id, id)) continue;
    each.said = mcp::read_elicited(result);
    each.wake.raise();
    each.unlink();
    return true;
  }
  const auto late = std::ranges::find_if(asked_before, [id](const std::string& each) { return mcp::same_id(each, id); });
  if (late == asked_before.end()) return false;
  asked_before.erase(late);
  return true;
}

/// An answer that was taken has used its id up; one that may still come is expected.
void Conversation::forget_own_ask(OwnAsk& ask) {
  constexpr std::size_t most = 16;
  if (!ask.linked()) return;
  ask.unlink();
  if (asked_before.size() >= most) asked_before.erase(asked_before.begin());
  asked_before.push_back(ask.id);
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
