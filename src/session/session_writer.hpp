#pragma once

#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "net/loop.hpp"
#include "session/file_thread.hpp"
#include "store/session_file.hpp"

namespace callgate::session {

/// Writes and reads a file of sessions on a thread of its own. Of each session
/// only the last of what happened waits; what cannot be written now is tried again
/// until it can. New sessions wait in so many bytes, and further ones are not
/// taken; of what never reached the file, an end leaves nothing to be written. So
/// what waits is bounded by that and by the rows of the file. Ends with one last
/// try. A file of a newer version is never written here: then nothing waits any more,
/// and nothing is taken. Threads: all calls from the loop's; what is told, is told there.
class SessionWriter {
 public:
  using Written = std::function<void(bool written)>;
  using Row = Result<std::optional<store::SessionRow>>;
  using Found = std::function<void(Row row)>;
  using GivenUp = std::function<void(const Error& why)>;
  using Thread = FileThread<store::SessionFile>;
  static constexpr std::size_t most_finds = 1000;  ///< that wait

  /// `most_bytes`: of new sessions that wait. `given_up` is told once that the file is never written here.
  SessionWriter(net::Loop& loop, Thread::Options file, std::size_t most_bytes, Thread::Opened opened, GivenUp given_up);
  SessionWriter(const SessionWriter&) = delete;
  SessionWriter& operator=(const SessionWriter&) = delete;

  /// Opens the file here and now; where that fails it is tried again until it is open, or given up. First of all.
  Result<void> open();

  /// Whether the file may have a row of that name.
  enum class InFile : std::uint8_t { surely_not, maybe };
  /// A new session. `written` is told of the first try. False: too much waits, so it was not taken.
  bool keep(store::SessionRow row, InFile before, Written written);
  void used(std::string name, std::int64_t used_ms);
  void ended(std::string name);
  /// What stands in the file once all changes until now are written. False: too many ask.
  bool find(std::string name, Found found);
  /// Why the file could not be opened or written last; nothing where it could.
  std::optional<Error> fault() const;

 private:
  struct Waiting {
    store::SessionChange change;
    InFile in_file = InFile::maybe;  ///< before this was written
    std::vector<Written> told;
  };
  using Changes = std::unordered_map<std::string, Waiting>;
  using Finds = std::vector<std::pair<std::string, Found>>;

  void can_write();
  bool work(const Result<store::SessionFile*>& file);
  static Result<void> write(store::SessionFile& file, const Changes& changes);
  void tell(Changes& changes, bool written);
  void answer(const Result<store::SessionFile*>& file, Finds finds);
  void add(store::SessionChange change, InFile in_file, Written written);
  void merge(Changes::iterator at, store::SessionChange later);
  void done(Changes changes, const Result<void>& written);
  void give_up(const Error& why);
  static std::size_t weight(const store::SessionChange& change);

  const std::size_t most_bytes_;
  const GivenUp given_up_;
  mutable std::mutex mutex_;
  Changes changes_;             ///< by name; guarded by mutex_
  std::size_t bytes_ = 0;       ///< of new sessions that wait or are being written; guarded by mutex_
  Finds finds_;                 ///< guarded by mutex_
  std::optional<Error> fault_;  ///< guarded by mutex_
  bool over_ = false;           ///< guarded by mutex_: it was given up
  Thread thread_;
};

}  // namespace callgate::session
