#include "gateway/session_table.hpp"

#include <utility>

namespace callgate::gateway {

namespace {

std::uint64_t hash_of(std::string_view id) { return std::hash<std::string_view>{}(id); }

void fetch(const void* object, std::size_t size) {
  const auto* const bytes = static_cast<const char*>(object);
  for (std::size_t at = 0; at < size; at += 64) __builtin_prefetch(bytes + at);
}

}  // namespace

std::uint32_t SessionTable::slot_of(std::string_view id) const {
  return by_id_.find(hash_of(id), [&](std::uint32_t slot) { return open_[slot]->session.id == id; });
}

std::shared_ptr<Conversation> SessionTable::find(std::string_view id, std::string_view grant) const {
  const std::uint32_t slot = slot_of(id);
  if (slot == SlotIndex::none) return nullptr;
  const std::shared_ptr<Conversation>& found = open_[slot];
  if (found->session.grant != grant || found->closed) return nullptr;
  // What the call comes to a little later. One that was taken over has no link yet.
  if (found->link) fetch(found->link.get(), sizeof(upstream::Link) + 64);
  fetch(found->session.name.data(), 1);
  return found;
}

void SessionTable::expect(std::string_view id) const {
  const std::uint32_t slot = by_id_.find(hash_of(id), [](std::uint32_t) { return true; });
  if (slot != SlotIndex::none) fetch(open_[slot].get(), sizeof(Conversation));
}

void SessionTable::enter_new(const std::shared_ptr<Conversation>& conversation) {
  conversation->session.id = session::new_session_id();
  conversation->session.name = session::session_name(conversation->session.id);
  enter(conversation);
}

void SessionTable::enter(const std::shared_ptr<Conversation>& conversation) {
  by_id_.insert(hash_of(conversation->session.id), static_cast<std::uint32_t>(open_.size()));
  open_.push_back(conversation);
  ++total_;
}

/// The last one moves to the place that becomes free.
void SessionTable::leave(const Conversation& conversation) {
  const std::uint32_t free = slot_of(conversation.session.id);
  if (free == SlotIndex::none) return;
  const auto last = static_cast<std::uint32_t>(open_.size() - 1);
  by_id_.erase(hash_of(conversation.session.id), free);
  if (free != last) {
    const std::uint64_t hash = hash_of(open_[last]->session.id);
    by_id_.erase(hash, last);
    by_id_.insert(hash, free);
    open_[free] = std::move(open_[last]);
  }
  open_.pop_back();
  --total_;
}

std::shared_ptr<Conversation> SessionTable::find_kept(std::string_view name) const {
  const auto kept = kept_.find(name);
  const std::uint32_t slot = kept == kept_.end() ? SlotIndex::none : slot_of(kept->second);
  return slot == SlotIndex::none ? nullptr : open_[slot];
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
