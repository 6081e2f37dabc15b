#pragma once

#include <condition_variable>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/log.hpp"
#include "net/loop.hpp"
#include "session/round_book.hpp"
#include "store/round_file.hpp"

namespace callgate::session {

/// Calls of several rounds of one gateway in a file, so that they go on after a
/// restart or a kill. They are known in memory; a thread of its own writes the file.
/// Whoever expects or takes one waits for its write, at most `write_time`.
///
/// INVARIANT: what is taken was removed from the file before: no next process finds
/// it. Where that cannot be written in time it is not found.
/// Threads: the loop's.
class StoredRounds final : public RoundStore {
 public:
  struct Options {
    std::chrono::milliseconds write_time{500};
    std::size_t most_waiting = 4'096;  ///< changes that are not written yet; further ones are not noted
  };

  /// Those that began too long ago are over; so are those that began later than now: by such a clock nobody knows when.
  /// Errors: the file's.
  static Result<std::unique_ptr<StoredRounds>> open(net::Loop& loop, const Clock& clock, Log& log,
                                                    const std::filesystem::path& file, Options options);
  static Result<std::unique_ptr<StoredRounds>> open(net::Loop& loop, const Clock& clock, Log& log,
                                                    const std::filesystem::path& file) {
    return open(loop, clock, log, file, Options{});
  }
  StoredRounds(const StoredRounds&) = delete;
  StoredRounds& operator=(const StoredRounds&) = delete;

  net::Task<bool> expect(RoundKey key, CallSoFar so_far) override;
  net::Task<std::optional<CallSoFar>> find(RoundKey key) override;
  net::Task<std::optional<CallSoFar>> take(RoundKey key) override;

 private:
  /// What the thread says, awaited by one frame, which may be gone by then.
  struct Told {
    explicit Told(net::Loop& loop) : done(loop) {}
    net::Signal done;
    std::optional<Result<void>> written;
  };
  struct Waiting {
    store::RoundChange change;
    std::int64_t oldest_ms = 0;  ///< what began before is over
    std::shared_ptr<Told> told;  ///< null: nobody waits for it
  };

  StoredRounds(net::Loop& loop, const Clock& clock, Log& log, std::unique_ptr<store::RoundFile> file, Options options);
  void recall(const store::RoundRow& row);
  bool add(store::RoundChange change, std::shared_ptr<Told> told);
  net::Task<bool> written(std::shared_ptr<Told> told);
  net::Task<std::optional<CallSoFar>> finish_take(CallSoFar so_far, std::shared_ptr<Told> told);
  std::int64_t wall_of(BootTime time) const;
  void note(const Result<void>& written);
  void write_on(const std::stop_token& stop);

  net::Loop& loop_;
  const Clock& clock_;
  Log& log_;
  const Options options_;
  RoundBook book_;
  bool faulty_ = false;  ///< the last change was not written
  const std::shared_ptr<net::Inbox> inbox_;
  const std::unique_ptr<store::RoundFile> file_;  ///< the thread's
  std::mutex mutex_;
  std::condition_variable_any wake_;
  std::vector<Waiting> waiting_;  ///< guarded by mutex_
  std::jthread thread_;
};

}  // namespace callgate::session
