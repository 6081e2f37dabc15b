#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/slot_index.hpp"
#include "gateway/conversation.hpp"

namespace callgate::gateway {

/// The open sessions of one gate: by their ids, and those that other gateways know
/// by their names. Threads: the loop's.
class SessionTable {
 public:
  /// `total`: sessions of all gates, which is kept up to date.
  explicit SessionTable(std::size_t& total) : total_(total) {}
  ~SessionTable() { total_ -= open_.size(); }
  SessionTable(const SessionTable&) = delete;
  SessionTable& operator=(const SessionTable&) = delete;

  std::size_t size() const { return open_.size(); }
  /// Whosever they are; none may come or go meanwhile.
  const std::vector<std::shared_ptr<Conversation>>& all() const { return open_; }
  bool contains(std::string_view id) const { return slot_of(id) != SlotIndex::none; }
  /// The session of that id if it is this caller's and not closed; null for any other.
  std::shared_ptr<Conversation> find(std::string_view id, std::string_view grant) const;
  /// Begins to fetch from memory what `find` and the gate will look at, and finds out nothing:
  /// among a thousand sessions, the one of a call is in no cache.
  void expect(std::string_view id) const;
  /// Gives it an id and a name of its own.
  void enter_new(const std::shared_ptr<Conversation>& conversation);
  void enter(const std::shared_ptr<Conversation>& conversation);  ///< pre: none of its id is here
  void leave(const Conversation& conversation);

  /// Other gateways know it from now on, or no longer.
  void note_kept(const Conversation& conversation) { kept_.emplace(conversation.session.name, conversation.session.id); }
  void forget_kept(const Conversation& conversation) { kept_.erase(conversation.session.name); }
  /// One that other gateways know; null for any other.
  std::shared_ptr<Conversation> find_kept(std::string_view name) const;

  struct OfGrant {
    std::size_t count = 0;
    std::shared_ptr<Conversation> longest_unused;  ///< of those without a call under way; null: there is none
  };
  OfGrant of_grant(std::string_view grant) const;

 private:
  struct TextHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
  };
  std::uint32_t slot_of(std::string_view id) const;
  std::size_t& total_;
  std::vector<std::shared_ptr<Conversation>> open_;
  SlotIndex by_id_;  ///< into `open_`
  std::unordered_map<std::string, std::string, TextHash, std::equal_to<>> kept_;  ///< ids by name
};

}  // namespace callgate::gateway
