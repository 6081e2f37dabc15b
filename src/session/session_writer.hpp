#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "net/loop.hpp"
#include "store/session_file.hpp"

namespace callgate::session {

/// Writes and reads a file of sessions on a thread of its own. Of each session
/// only the last of what happened waits; what cannot be written now is tried again
/// until it can. New sessions wait in so many bytes, and further ones are not
/// taken; of what never reached the file, an end leaves nothing to be written. So
/// what waits is bounded by that and by the rows of the file. Ends with one last
/// try. Threads: all calls from the loop's; what is told, is told there.
class SessionWriter {
 public:
  using Written = std::function<void(bool written)>;
  using Row = Result<std::optional<store::SessionRow>>;
  using Found = std::function<void(Row row)>;
  static constexpr std::chrono::milliseconds pause{200};  ///< behind a write that failed
  static constexpr std::size_t most_finds = 1000;         ///< that wait

  /// `most_bytes`: of new sessions that wait.
  SessionWriter(std::shared_ptr<net::Inbox> inbox, std::unique_ptr<store::SessionFile> file, std::size_t most_bytes);
  SessionWriter(const SessionWriter&) = delete;
  SessionWriter& operator=(const SessionWriter&) = delete;

  /// Whether the file may have a row of that name.
  enum class InFile : std::uint8_t { surely_not, maybe };
  /// A new session. `written` is told of the first try. False: too much waits, so it was not taken.
  bool keep(store::SessionRow row, InFile before, Written written);
  void used(std::string name, std::int64_t used_ms);
  void ended(std::string name);
  /// What stands in the file once all changes until now are written. False: too many ask.
  bool find(std::string name, Found found);
  /// Why the last write failed; nothing where it did not.
  std::optional<Error> fault() const;

 private:
  struct Waiting {
    store::SessionChange change;
    InFile in_file = InFile::maybe;  ///< before this was written
    std::vector<Written> told;
  };
  using Changes = std::unordered_map<std::string, Waiting>;
  using Finds = std::vector<std::pair<std::string, Found>>;

  void run(const std::stop_token& stop);
  Result<void> write(const Changes& changes);
  void tell(Changes& changes, bool written);
  void answer(Finds finds);
  void add(store::SessionChange change, InFile in_file, Written written);
  void merge(Changes::iterator at, store::SessionChange later);
  void done(Changes changes, const Result<void>& written);
  static std::size_t weight(const store::SessionChange& change);

  const std::shared_ptr<net::Inbox> inbox_;
  const std::unique_ptr<store::SessionFile> file_;  ///< the thread's
  const std::size_t most_bytes_;
  mutable std::mutex mutex_;
  std::condition_variable_any wake_;
  Changes changes_;             ///< by name; guarded by mutex_
  std::size_t bytes_ = 0;       ///< of new sessions that wait or are being written; guarded by mutex_
  Finds finds_;                 ///< guarded by mutex_
  std::optional<Error> fault_;  ///< guarded by mutex_
  std::jthread thread_;
};

}  // namespace callgate::session
