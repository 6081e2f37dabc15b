#pragma once

#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/log.hpp"
#include "net/loop.hpp"
#include "session/file_thread.hpp"
#include "session/round_book.hpp"
#include "store/round_file.hpp"

namespace callgate::session {

/// Calls of several rounds of one gateway in a file, so that they go on after a
/// restart or a kill. They are known in memory; a thread of its own writes the file.
/// Whoever expects or takes one waits for its write, at most `write_time`, and for its opening no longer.
///
/// Most gateways never see such a call, so nothing is opened before the first. A file
/// of before is read when somebody asks for what may stand there; while it cannot be
/// opened nothing is noted or found. One of a newer version is left alone: then they
/// go on in this process alone.
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
  StoredRounds(net::Loop& loop, const Clock& clock, Log& log, const std::filesystem::path& file, Options options);
  StoredRounds(net::Loop& loop, const Clock& clock, Log& log, const std::filesystem::path& file)
      : StoredRounds(loop, clock, log, file, Options{}) {}
  StoredRounds(const StoredRounds&) = delete;
  StoredRounds& operator=(const StoredRounds&) = delete;

  net::Task<bool> expect(RoundKey key, CallSoFar so_far) override;
  net::Task<std::optional<CallSoFar>> find(RoundKey key) override;
  net::Task<std::optional<CallSoFar>> take(RoundKey key) override;

 private:
  using Written = Told<Result<void>>;
  struct Waiting {
    std::optional<store::RoundChange> change;  ///< without: the file is to be opened
    std::int64_t oldest_ms = 0;                ///< what began before is over
    std::shared_ptr<Written> told;             ///< null: nobody waits for it
  };

  void recall(const std::vector<store::RoundRow>& rows, const std::optional<Error>& damage);
  void recall(const store::RoundRow& row);
  net::Task<bool> known(net::Instant until);
  bool add(std::optional<store::RoundChange> change, std::shared_ptr<Written> told);
  net::Task<bool> written(std::shared_ptr<Written> told, net::Instant until);
  std::int64_t wall_of(BootTime time) const;
  void note(const Result<void>& written);
  bool work(const Result<store::RoundFile*>& file);

  net::Loop& loop_;
  const Clock& clock_;
  Log& log_;
  const Options options_;
  RoundBook book_;
  bool recalled_ = false;     ///< the book has all that stands in the file
  bool memory_only_ = false;  ///< the file is a newer version's
  bool faulty_ = false;       ///< the last change was not written
  std::mutex mutex_;
  std::vector<Waiting> waiting_;  ///< guarded by mutex_
  FileThread<store::RoundFile> thread_;
};

}  // namespace callgate::session
