#pragma once

#include <condition_variable>
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
/// only the last of what happened waits, so what waits is bounded by the number
/// of sessions; what cannot be written now is tried again until it can. Ends with
/// one last try. Threads: all calls from the loop's; what is told, is told there.
class SessionWriter {
 public:
  using Written = std::function<void(bool written)>;
  using Row = Result<std::optional<store::SessionRow>>;
  using Found = std::function<void(Row row)>;
  static constexpr std::chrono::milliseconds pause{200};  ///< behind a write that failed
  static constexpr std::size_t most_finds = 1000;         ///< that wait

  SessionWriter(std::shared_ptr<net::Inbox> inbox, std::unique_ptr<store::SessionFile> file);
  SessionWriter(const SessionWriter&) = delete;
  SessionWriter& operator=(const SessionWriter&) = delete;

  /// `written` may be empty; it is told of the first try.
  void change(store::SessionChange change, Written written = {});
  /// What stands in the file once all changes until now are written. False: too many ask.
  bool find(std::string name, Found found);
  /// Why the last write failed; nothing where it did not, and each fault once.
  std::optional<Error> take_error();

 private:
  struct Waiting {
    store::SessionChange change;
    std::vector<Written> told;
  };
  using Changes = std::unordered_map<std::string, Waiting>;
  using Finds = std::vector<std::pair<std::string, Found>>;

  void run(const std::stop_token& stop);
  Result<void> write(const Changes& changes);
  void tell(Changes& changes, bool written);
  void answer(Finds finds);
  static void merge(Waiting& waiting, store::SessionChange later);

  const std::shared_ptr<net::Inbox> inbox_;
  const std::unique_ptr<store::SessionFile> file_;  ///< the thread's
  std::mutex mutex_;
  std::condition_variable_any wake_;
  Changes changes_;             ///< by name; guarded by mutex_
  Finds finds_;                 ///< guarded by mutex_
  std::optional<Error> error_;  ///< guarded by mutex_
  std::jthread thread_;
};

}  // namespace callgate::session
