#include "gateway/task_book.hpp"

#include <algorithm>

namespace callgate::gateway {

namespace {

/// A server may keep a task longer than it said.
constexpr std::chrono::hours grace{1};

}  // namespace

void TaskBook::remember(std::string_view owner, std::string_view task, std::string_view tool, BootTime now,
                        std::optional<std::chrono::milliseconds> lives) {
  make_room(owner, now);
  const auto time = std::min<std::chrono::milliseconds>(lives.value_or(longest), longest) + grace;
  tasks_.insert_or_assign(Key(owner, task), Known{.tool = std::string(tool), .until = now + time});
}

const std::string* TaskBook::find(std::string_view owner, std::string_view task, BootTime now) const {
  const auto found = tasks_.find(Key(owner, task));
  return found == tasks_.end() || found->second.until < now ? nullptr : &found->second.tool;
}

void TaskBook::make_room(std::string_view owner, BootTime now) {
  const auto ends_first = [](const auto& a, const auto& b) { return a.second.until < b.second.until; };
  const auto first = tasks_.lower_bound(Key(owner, std::string()));
  const auto last = std::find_if(first, tasks_.end(), [owner](const auto& each) { return each.first.first != owner; });
  const auto count = static_cast<std::size_t>(std::distance(first, last));
  if (count >= max_tasks_of_owner) tasks_.erase(std::min_element(first, last, ends_first));
  if (tasks_.size() < max_tasks) return;
  std::erase_if(tasks_, [now](const auto& each) { return each.second.until < now; });
  if (tasks_.size() >= max_tasks) tasks_.erase(std::ranges::min_element(tasks_, ends_first));
}

}  // namespace callgate::gateway
