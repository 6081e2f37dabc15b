#pragma once

#include <filesystem>
#include <memory>
#include <set>
#include <string>
#include <tuple>
#include <unordered_map>

#include "base/clock.hpp"
#include "base/log.hpp"
#include "net/loop.hpp"
#include "session/session_store.hpp"
#include "session/session_writer.hpp"

namespace callgate::session {

/// Sessions of one gateway in a file, so that they go on after a restart or a
/// kill. Which there are is known in memory; the file is written and read by a
/// thread of its own, all that waits in one transaction, so that no call waits
/// for the disk. A new session waits for its own write, at most
/// `Options::write_time`.
///
/// A grant's bound holds at each server, as the gates count; a session that this
/// gateway serves makes room only where none is left that nobody serves, and none
/// with a message under way ends: then there are more for a while.
///
/// While the file cannot be opened or written, new sessions wait for it in
/// `Options::most_waiting` bytes; further ones are not kept, which the log says once.
/// What stood in a file that is opened later is found from then on: whoever holds it at
/// the start (a backup, say) lets it go, mostly. A damaged one is moved aside. One of a
/// newer version is left alone: none is kept then, which the log says once.
///
/// INVARIANT: what ended is not found again in this process, whatever was still
/// to be written; its removal is tried until the file has taken it. So it is for
/// what a client ended before the file could be opened.
/// Threads: the loop's.
class StoredSessions final : public SessionStore {
 public:
  struct Options {
    std::chrono::milliseconds idle = std::chrono::minutes(60);
    std::size_t most = 20'000;  ///< sessions in all: those longest unused make room
    std::chrono::milliseconds write_time{500};  ///< so long a new session waits for its write
    std::chrono::milliseconds open_time{1000};  ///< so long whoever else holds the file is waited for
    std::size_t most_waiting = std::size_t{8} << 20U;  ///< bytes of new sessions that are not written yet
  };
  static constexpr net::Duration find_time = std::chrono::seconds(2);
  static constexpr net::Duration between_sweeps = std::chrono::seconds(10);

  static constexpr std::size_t most_to_end = 10'000;  ///< that ended before the file could be opened

  /// Opens the file. Those that nobody used for `idle` before now are over.
  StoredSessions(net::Loop& loop, const Clock& clock, Log& log, const std::filesystem::path& file, Options options);
  StoredSessions(net::Loop& loop, const Clock& clock, Log& log, const std::filesystem::path& file) : StoredSessions(loop, clock, log, file, Options{}) {}
  ~StoredSessions() override;

  bool keeps() const override { return true; }
  net::Task<Kept> keep(KeptSession session, std::size_t most_of_grant) override;
  net::Task<Result<std::optional<KeptSession>>> find(std::string_view id, std::string_view grant) override;
  void serves(KeptSession session) override;
  void serves_no_longer(std::string_view name) override;
  void used(std::string_view name) override;
  void end(std::string_view name) override;
  bool end_unknown(std::string_view id, std::string_view grant) override;
  net::Task<void> settled(net::Duration most) override;
  void on_end(std::function<void(std::string_view name)> heard) override { heard_ = std::move(heard); }
  void ask_which_are_busy(std::function<bool(std::string_view name)> is_busy) override { is_busy_ = std::move(is_busy); }

  /// Writes which were used, and ends which were not; runs until it is cancelled.
  net::Task<void> keep_going();
  void sweep();
  std::size_t size() const { return known_.size(); }

 private:
  struct Known {
    std::string grant;
    std::string share;  ///< of which it takes a place: `share_of`; empty: of none
    net::Instant used;
    bool served = false;
  };
  using At = std::unordered_map<std::string, Known>::iterator;
  /// Those that make room first come first: the ones nobody serves, then the longest unused.
  using Order = std::set<std::tuple<bool, net::Instant, std::string>>;
  using Row = SessionWriter::Row;

  void recall(const std::vector<store::SessionRow>& rows, const std::optional<Error>& damage);
  void recall(const store::SessionRow& row);
  void give_up(const Error& why);
  void enter(std::string name, Known known);
  void place(At at);
  void displace(At at);
  void touch(At at);
  void set_served(std::string_view name, bool served);
  void make_room(const std::string& newest, std::size_t most_of_grant);
  void make_room_in(const Order& order, std::size_t most, const std::string& newest);
  static std::string share_of(const std::string& grant, const std::string& server);
  void forget(At at);
  bool is_busy(const std::string& name) const { return is_busy_ && is_busy_(name); }
  void end_unused();
  void tell_fault();
  std::int64_t wall_of(net::Instant used) const;
  net::Task<Kept> finish_keep(std::shared_ptr<Told<bool>> told);
  net::Task<Result<std::optional<KeptSession>>> finish_find(std::string digest, std::string name, std::shared_ptr<Told<Row>> told);

  net::Loop& loop_;
  const Clock& clock_;
  Log& log_;
  const Options options_;
  std::function<void(std::string_view name)> heard_;
  std::function<bool(std::string_view name)> is_busy_;
  std::unordered_map<std::string, Known> known_;              ///< by name
  std::set<std::pair<net::Instant, std::string>> by_use_;     ///< the same, longest unused first
  Order order_;                                               ///< the same, as they make room
  std::unordered_map<std::string, Order> shares_;             ///< those of a grant at one server
  std::set<std::string> touched_;                             ///< used since the last sweep
  bool recalled_ = false; ///< the file was opened, or never will be
  bool kept_nowhere_ = false; ///< it is a newer version's
  std::set<std::tuple<std::string, std::string, std::string>> to_end_;  ///< name, digest and who ended it, by grant: what ended before that
  bool faulty_ = false;   ///< the file could not be written when that was looked at last
  bool refusing_ = false; ///< a session was not kept since it could be written
  SessionWriter writer_;
};

}  // namespace callgate::session
