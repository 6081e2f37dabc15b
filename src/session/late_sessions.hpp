#pragma once

#include <utility>

#include "session/session_store.hpp"

namespace callgate::session {

/// Keeps nothing until its store can be opened, and then what that keeps: for a
/// file that another process holds at the start. Sessions opened meanwhile end
/// with the process; those of before are found again once the store is there.
/// Threads: the loop's.
class LateSessions final : public SessionStore {
 public:
  /// `store` outlives this.
  void go_on_with(SessionStore& store) {
    store_ = &store;
    store.on_end(heard_);
    store.ask_which_are_busy(is_busy_);
  }

  bool keeps() const override { return store_->keeps(); }
  net::Task<Kept> keep(KeptSession session, std::size_t most_of_grant) override { return store_->keep(std::move(session), most_of_grant); }
  net::Task<Result<std::optional<KeptSession>>> find(std::string_view id, std::string_view grant) override { return store_->find(id, grant); }
  void serves(KeptSession session) override { store_->serves(std::move(session)); }
  void serves_no_longer(std::string_view name) override { store_->serves_no_longer(name); }
  void used(std::string_view name) override { store_->used(name); }
  void end(std::string_view name) override { store_->end(name); }
  net::Task<void> settled(net::Duration most) override { return store_->settled(most); }
  void on_end(std::function<void(std::string_view name)> heard) override {
    heard_ = std::move(heard);
    store_->on_end(heard_);
  }
  void ask_which_are_busy(std::function<bool(std::string_view name)> is_busy) override {
    is_busy_ = std::move(is_busy);
    store_->ask_which_are_busy(is_busy_);
  }

 private:
  NoSessionStore none_;
  SessionStore* store_ = &none_;
  std::function<void(std::string_view name)> heard_;
  std::function<bool(std::string_view name)> is_busy_;
};

}  // namespace callgate::session
