#include "gateway/own_tasks.hpp"

#include <algorithm>

namespace callgate::gateway {

net::Task<bool> TaskChannel::event(std::string_view bytes, std::string_view /*raw*/) {
  // A stateless client hears nothing between its requests: what is said of the call is dropped, and the call goes on.
  if (stateless_) co_return true;
  co_return !bytes.empty() && conversation_.stream && conversation_.stream->push(bytes, {});
}

net::Task<bool> TaskChannel::answer(std::string_view bytes, std::string_view /*raw*/, int /*status*/) {
  answer_ = bytes;
  co_return true;
}

net::Task<void> TaskChannel::until_gone() {
  while (!gone_) co_await left_.wait(net::Loop::forever);
}

void TaskChannel::leave() {
  gone_ = true;
  left_.raise();
}

mcp::OwnTaskState OwnTask::seen(std::int64_t wall_ms) const {
  // A person answers in seconds or in days: whoever waits long is asked to look less often.
  const std::int64_t poll = std::clamp<std::int64_t>((wall_ms - created_ms) / 10, 1'000, 15'000);
  return {.id = id, .status = cancelled ? mcp::TaskStatus::cancelled : status, .note = note, .created_ms = created_ms, .updated_ms = updated_ms, .ttl_ms = ttl_ms, .poll_ms = poll,
          .outcome = error.empty() ? std::string_view(result) : std::string_view(error)};
}

bool OwnTasks::add(const std::shared_ptr<OwnTask>& task, BootTime now) {
  trim(now);
  const auto mine = of(task->owner, now);
  const auto open = static_cast<std::size_t>(std::ranges::count_if(mine, [](const auto& each) { return each->is_open(); }));
  if (open >= limits_.open_of_owner || open_ >= limits_.open || task->bytes.size() > limits_.call_bytes) return false;
  if (mine.size() >= limits_.kept_of_owner && !drop_oldest([&](const OwnTask& each) { return each.owner == task->owner; })) return false;
  if (tasks_.size() >= limits_.kept && !drop_oldest([](const OwnTask&) { return true; })) return false;
  if (!make_room(task->owner, bytes_of(*task))) return false;
  bytes_ += bytes_of(*task);
  ++open_;
  tasks_.emplace(Key(task->owner, task->id), task);
  return true;
}

std::shared_ptr<OwnTask> OwnTasks::find(std::string_view owner, std::string_view id, BootTime now) {
  trim(now);
  const auto found = tasks_.find(Key(owner, id));
  return found == tasks_.end() ? nullptr : found->second;
}

std::vector<std::shared_ptr<OwnTask>> OwnTasks::of(std::string_view owner, BootTime now) {
  trim(now);
  std::vector<std::shared_ptr<OwnTask>> out;
  for (auto at = tasks_.lower_bound(Key(owner, std::string())); at != tasks_.end() && at->first.first == owner; ++at) out.push_back(at->second);
  return out;
}

void OwnTasks::finish(OwnTask& task, mcp::TaskStatus status, approval::Moment now) {
  if (!task.is_open()) return;
  std::string result = std::exchange(task.result, {});
  std::string error = std::exchange(task.error, {});
  const auto place = tasks_.find(Key(task.owner, task.id));
  if (place != tasks_.end()) {
    bytes_ -= task.bytes.size();
    --open_;
  }
  std::string().swap(task.bytes);
  const std::size_t size = result.size() + error.size();
  task.status = status;  // it is over, so it makes no room for itself
  task.until = now.boot + limits_.kept_for;
  task.updated_ms = now.wall_ms;
  task.ttl_ms = now.wall_ms - task.created_ms + std::chrono::milliseconds(limits_.kept_for).count();
  if (size > limits_.result_bytes || !make_room(task.owner, size)) {
    result.clear();
    error = R"({"code":-32603,"message":"the call ran, but its answer is too large to be kept: make it give less"})";
    task.status = mcp::TaskStatus::failed;
  }
  task.result = std::move(result);
  task.error = std::move(error);
  if (tasks_.contains(Key(task.owner, task.id))) bytes_ += bytes_of(task);
}

void OwnTasks::forget(const OwnTask& task) {
  if (const auto place = tasks_.find(Key(task.owner, task.id)); place != tasks_.end()) erase(place);
}

void OwnTasks::trim(BootTime now) {
  for (auto at = tasks_.begin(); at != tasks_.end();) {
    const auto place = at++;
    if (!place->second->is_open() && place->second->until < now) erase(place);
  }
}

bool OwnTasks::fits(std::string_view owner, std::size_t more) const {
  std::size_t mine = 0;
  for (auto at = tasks_.lower_bound(Key(owner, std::string())); at != tasks_.end() && at->first.first == owner; ++at) mine += bytes_of(*at->second);
  return mine + more <= limits_.bytes_of_owner && bytes_ + more <= limits_.bytes;
}

/// An owner's own go first; those of others, where all together are too much.
bool OwnTasks::make_room(std::string_view owner, std::size_t more) {
  while (!fits(owner, more)) {
    const bool dropped = drop_oldest([owner](const OwnTask& each) { return each.owner == owner && bytes_of(each) != 0; }) ||
                         (bytes_ + more > limits_.bytes && drop_oldest([](const OwnTask& each) { return bytes_of(each) != 0; }));
    if (!dropped) return false;
  }
  return true;
}

bool OwnTasks::drop_oldest(const std::function<bool(const OwnTask&)>& of_these) {
  auto oldest = tasks_.end();
  for (auto at = tasks_.begin(); at != tasks_.end(); ++at) {
    if (at->second->is_open() || !of_these(*at->second)) continue;
    if (oldest == tasks_.end() || at->second->until < oldest->second->until) oldest = at;
  }
  if (oldest == tasks_.end()) return false;
  erase(oldest);
  return true;
}

void OwnTasks::erase(Tasks::iterator place) {
  if (place->second->is_open()) --open_;
  bytes_ -= bytes_of(*place->second);
  tasks_.erase(place);
}

}  // namespace callgate::gateway
