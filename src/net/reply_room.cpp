#include "net/reply_room.hpp"

namespace callgate::net {

namespace {

using Held = std::unordered_map<std::string, std::size_t>;

std::size_t held(const Held& by, const std::string& name) {
  const auto found = by.find(name);
  return found == by.end() ? 0 : found->second;
}

/// Who holds nothing is not remembered.
void let_go(Held& by, const std::string& name, std::size_t bytes) {
  const auto found = by.find(name);
  if (found != by.end() && (found->second -= bytes) == 0) by.erase(found);
}

}  // namespace

Result<void> ReplyRoom::take(const std::string& server, const std::string& caller, std::size_t bytes) {
  if (!caller.empty() && held(callers_, caller) + bytes > most_ / of_caller)
    return fail(ErrorKind::unavailable, "too many large answers to one caller at once: read those under way, then try again");
  if (held(servers_, server) + bytes > most_ / of_server) return fail(ErrorKind::unavailable, "too many large answers of this server at once: try again");
  if (taken_ + bytes > most_) return fail(ErrorKind::unavailable, "too many large answers at once: try again");
  if (!caller.empty()) callers_[caller] += bytes;
  servers_[server] += bytes;
  taken_ += bytes;
  return {};
}

void ReplyRoom::give_back(const std::string& server, const std::string& caller, std::size_t bytes) {
  let_go(callers_, caller, bytes);
  let_go(servers_, server, bytes);
  taken_ -= bytes;
}

Result<void> ReplyPart::grow(std::size_t bytes) {
  if (bytes <= bytes_) return {};
  auto taken = room_->take(server_, caller_, bytes - bytes_);
  if (taken) bytes_ = bytes;
  return taken;
}

void ReplyPart::keep(std::size_t bytes) {
  if (bytes >= bytes_) return;
  room_->give_back(server_, caller_, bytes_ - bytes);
  bytes_ = bytes;
}

Result<void> ServerRoom::count_large(std::unique_ptr<ReplyPart>& part, std::size_t bytes, const ReplyOwner* owner) const {
  if (!part) part = std::make_unique<ReplyPart>(room, server, owner == nullptr ? std::string() : owner->caller());
  return part->grow(bytes);
}

}  // namespace callgate::net
