#pragma once

#include <algorithm>
#include <condition_variable>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "net/loop.hpp"
#include "store/database.hpp"

namespace callgate::session {

/// What a thread says to one frame of the loop, which may be gone by then.
template <class T>
struct Told {
  explicit Told(net::Loop& loop) : done(loop) {}
  void tell(T what) {
    value = std::move(what);
    done.raise();
  }
  net::Signal done;
  std::optional<T> value;
};

/// A database file and the thread that works on it, so that no call waits for the disk.
/// The thread starts, and opens the file, when there is something to do. A damaged file
/// is moved aside for a new one; one that cannot be opened is tried again with each work,
/// but for a newer version's (`unsupported`), which stays as it is: each work hears so.
/// Ends with one last try. Threads: the constructor, the destructor, `open` and `wake`
/// are the loop's.
template <class File>
class FileThread {
 public:
  using Rows = decltype(std::declval<File>().list())::value_type;
  struct Options {
    std::filesystem::path path;
    std::chrono::milliseconds open_time{1000};  ///< so long whoever else holds the file is waited for
    std::chrono::milliseconds pause{200};       ///< behind work that has to be done again
  };
  /// On the thread, with the file or why there is none. False: it has to be done again.
  using Work = std::function<bool(const Result<File*>& file)>;
  /// On the loop, once: what stood in the file when it was opened, and whether a damaged one was moved aside for it.
  using Opened = std::function<void(Rows rows, std::optional<Error> damage)>;
  /// Wherever it is opened, before anybody hears of that.
  using Opening = std::function<void()>;

  FileThread(net::Loop& loop, Options options, Work work, Opened opened, Opening opening = [] {})
      : inbox_(loop.inbox()), options_(std::move(options)), work_(std::move(work)), opened_(std::move(opened)), opening_(std::move(opening)) {}
  FileThread(const FileThread&) = delete;
  FileThread& operator=(const FileThread&) = delete;

  /// Opens the file here and now. Pre: `wake` was not called yet.
  Result<void> open() {
    auto rows = open_file();
    if (!rows) return std::unexpected(rows.error());
    opening_();
    opened_(std::move(*rows), std::exchange(damage_, std::nullopt));
    return {};
  }

  /// There is something to do.
  void wake() {
    {
      const std::scoped_lock lock(mutex_);
      woken_ = true;
    }
    wake_.notify_one();
    if (!thread_.joinable()) thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
  }

  /// Has the loop do something on behalf of the owner; nothing once that is gone.
  void post(std::function<void()> work) {
    inbox_->post([owner = std::weak_ptr(owner_), work = std::move(work)] {
      if (!owner.expired()) work();
    });
  }

 private:
  Result<Rows> try_to_open() {
    auto opened = File::open(options_.path, options_.open_time);
    if (!opened) return std::unexpected(opened.error());
    auto rows = (*opened)->list();
    if (rows) file_ = std::move(*opened);
    return rows;
  }

  Result<Rows> open_file() {
    auto rows = try_to_open();
    if (rows || !store::Database::is_damage(rows.error())) return rows;
    damage_ = rows.error();
    store::Database::move_aside(options_.path);
    return try_to_open();
  }

  Result<File*> file() {
    if (file_) return file_.get();
    if (newer_) return std::unexpected(*newer_);
    auto rows = open_file();
    if (!rows && rows.error().kind == ErrorKind::unsupported) newer_ = rows.error();
    if (!rows) return std::unexpected(rows.error());
    opening_();
    post([this, rows = std::move(*rows), damage = std::exchange(damage_, std::nullopt)]() mutable {
      opened_(std::move(rows), std::move(damage));
    });
    return file_.get();
  }

  void run(const std::stop_token& stop) {
    std::unique_lock lock(mutex_);
    auto pause = options_.pause;
    while (wake_.wait(lock, stop, [this] { return woken_; })) {
      woken_ = false;
      lock.unlock();
      const bool done = work_(file());
      lock.lock();
      if (done) {
        pause = options_.pause;
        continue;
      }
      if (stop.stop_requested()) return;
      woken_ = true;
      wake_.wait_for(lock, stop, pause, [] { return false; });
      pause = std::min(pause * 2, options_.pause * 8);  // what cannot be opened today is looked at less often
    }
  }

  const std::shared_ptr<net::Inbox> inbox_;
  const Options options_;
  const Work work_;
  const Opened opened_;
  const Opening opening_;
  const std::shared_ptr<bool> owner_ = std::make_shared<bool>();  ///< lives as long as this
  std::unique_ptr<File> file_;    ///< the thread's, once there is one
  std::optional<Error> damage_;   ///< likewise: not told yet
  std::optional<Error> newer_;    ///< likewise: why it is never opened here
  std::mutex mutex_;
  std::condition_variable_any wake_;
  bool woken_ = false;  ///< guarded by mutex_
  std::jthread thread_;
};

}  // namespace callgate::session
