#include "gateway/session_table.hpp"

namespace callgate::gateway {

std::shared_ptr<Conversation> SessionTable::find(std::string_view id, std::string_view grant) const {
  const auto found = by_id_.find(id);
  if (found == by_id_.end() || found->second->session.grant != grant || found->second->closed) return nullptr;
  return found->second;
}

void SessionTable::enter_new(const std::shared_ptr<Conversation>& conversation) {
  conversation->session.id = session::new_session_id();
  conversation->session.name = session::session_name(conversation->session.id);
  enter(conversation);
}

void SessionTable::enter(const std::shared_ptr<Conversation>& conversation) {
  by_id_.emplace(conversation->session.id, conversation);
  ++total_;
}

void SessionTable::leave(const Conversation& conversation) { total_ -= by_id_.erase(conversation.session.id); }

std::shared_ptr<Conversation> SessionTable::find_kept(std::string_view name) const {
  const auto kept = kept_.find(name);
  const auto found = kept == kept_.end() ? by_id_.end() : by_id_.find(kept->second);
  return found == by_id_.end() ? nullptr : found->second;
}

SessionTable::OfGrant SessionTable::of_grant(std::string_view grant) const {
  OfGrant found;
  for (const auto& each : all()) {
    if (each->session.grant != grant) continue;
    ++found.count;
    const bool idle = !each->in_flight.linked();
    if (idle && (!found.longest_unused || each->last_used < found.longest_unused->last_used)) found.longest_unused = each;
  }
  return found;
}

}  // namespace callgate::gateway
