#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "approval/question.hpp"
#include "gateway/channel.hpp"
#include "gateway/conversation.hpp"
#include "mcp/own_task.hpp"
#include "net/loop.hpp"

namespace callgate::gateway {

/// Takes the answer of a call that runs as a task, in its client's place. What
/// comes before the answer goes to the session's open stream, if it has one.
/// Threads: the loop's.
class TaskChannel final : public Channel {
 public:
  /// `conversation` outlives the channel; `stateless`: there is no stream to go to. `client` is that of the channel that
  /// the call came on.
  TaskChannel(net::Loop& loop, Conversation& conversation, bool stateless, std::string client)
      : conversation_(conversation), stateless_(stateless), client_(std::move(client)), left_(loop) {}

  net::Task<bool> event(std::string_view bytes, std::string_view raw) override;
  net::Task<bool> answer(std::string_view bytes, std::string_view raw, int status) override;
  net::Task<bool> accepted() override { co_return true; }
  net::Task<bool> ended() override { co_return true; }
  bool gone() const override { return gone_; }
  bool takes_raw() const override { return false; }
  bool streams() const override { return false; }
  bool may_resume() const override { return false; }
  std::string client() const override { return client_; }
  net::Task<void> until_gone() override;

  /// Whoever waited for the answer does so no longer.
  void leave();
  std::string take_answer() { return std::exchange(answer_, {}); }

 private:
  Conversation& conversation_;
  bool stateless_;
  std::string client_;
  net::Signal left_;
  bool gone_ = false;
  std::string answer_;
};

/// One call that waits for a person, and then runs, as a task of the gateway's own.
/// Shared by whoever runs it and whoever asks for it.
struct OwnTask {
  OwnTask(net::Loop& loop, std::shared_ptr<Conversation> of, mcp::Revision its_revision, std::string client = {})
      : conversation(std::move(of)), revision(its_revision), channel(loop, *conversation, mcp::era_of(its_revision) == mcp::Era::modern, std::move(client)), changed(loop) {}
  OwnTask(const OwnTask&) = delete;
  OwnTask& operator=(const OwnTask&) = delete;

  /// The call still uses what is kept of it.
  bool is_open() const { return status == mcp::TaskStatus::working; }
  /// For its caller: also where a cancel has not got through to the call yet.
  bool is_over() const { return cancelled || !is_open(); }
  /// As its caller sees it at this moment.
  mcp::OwnTaskState seen(std::int64_t wall_ms) const;

  std::string id;      ///< cannot be guessed
  std::string owner;   ///< the grant, or the session where there are no grants
  std::string tool;
  std::shared_ptr<Conversation> conversation;  ///< null once it is over
  mcp::Revision revision;
  std::string bytes;   ///< of the call, as it runs
  json::Document document;
  mcp::Message message;
  TaskChannel channel;
  InFlight flight;     ///< not listed with its conversation's: the client's request of that id was answered
  bool asked = false;  ///< a person is, so the caller may be told of the task
  bool cancelled = false;
  mcp::TaskStatus status = mcp::TaskStatus::working;
  std::string note;
  std::string result;  ///< JSON text, one of the two once it is over
  std::string error;
  std::int64_t created_ms = 0;
  std::int64_t updated_ms = 0;
  std::int64_t ttl_ms = 0;
  BootTime until{};    ///< how long it is kept once it is over
  net::Broadcast changed;
};

struct OwnTaskLimits {
  std::size_t open_of_owner = 32;
  std::size_t open = 1'000;
  std::size_t kept_of_owner = 128;  ///< open ones included
  std::size_t kept = 4'000;
  std::size_t call_bytes = std::size_t{1} << 20;    ///< of one call
  std::size_t result_bytes = std::size_t{4} << 20;  ///< of one result
  std::size_t bytes_of_owner = std::size_t{16} << 20;
  std::size_t bytes = std::size_t{64} << 20;
  std::chrono::minutes kept_for{10};  ///< once it is over
};

/// The gateway's own tasks before one server, each its owner's alone. Bounded in
/// number and bytes: where one is full no task begins, and of those that are over
/// the oldest are forgotten. Lives as long as the gate. Threads: the loop's.
class OwnTasks {
 public:
  explicit OwnTasks(OwnTaskLimits limits = {}) : limits_(limits) {}
  const OwnTaskLimits& limits() const { return limits_; }

  /// False: there is no room.
  bool add(const std::shared_ptr<OwnTask>& task, BootTime now);
  /// Null where it is not this owner's.
  std::shared_ptr<OwnTask> find(std::string_view owner, std::string_view id, BootTime now);
  /// By id.
  std::vector<std::shared_ptr<OwnTask>> of(std::string_view owner, BootTime now);
  /// It is over. A result for which there is no room is told as an error.
  void finish(OwnTask& task, mcp::TaskStatus status, approval::Moment now);
  void forget(const OwnTask& task);
  /// Lets go of what was kept long enough.
  void trim(BootTime now);
  std::size_t size() const { return tasks_.size(); }
  std::size_t bytes() const { return bytes_; }

 private:
  using Key = std::pair<std::string, std::string>;
  using Tasks = std::map<Key, std::shared_ptr<OwnTask>>;
  static std::size_t bytes_of(const OwnTask& task) { return task.bytes.size() + task.result.size() + task.error.size(); }
  bool fits(std::string_view owner, std::size_t more) const;
  bool make_room(std::string_view owner, std::size_t more);
  bool drop_oldest(const std::function<bool(const OwnTask&)>& of_these);
  void erase(Tasks::iterator place);

  OwnTaskLimits limits_;
  Tasks tasks_;  ///< by owner, then by id
  std::size_t open_ = 0;
  std::size_t bytes_ = 0;
};

}  // namespace callgate::gateway
