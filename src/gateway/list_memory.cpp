#include "gateway/list_memory.hpp"

#include <algorithm>

namespace callgate::gateway {

std::shared_ptr<const JudgedList> ListMemory::find(const ListJudges& judges) {
  const auto found = std::ranges::find_if(lists_, [&](const auto& list) { return list->judges == judges; });
  if (found == lists_.end()) return nullptr;
  std::rotate(lists_.begin(), found, found + 1);
  return lists_.front();
}

void ListMemory::remember(JudgedList list) {
  std::erase_if(lists_, [&](const auto& known) { return known->judges == list.judges; });
  if (list.from_server.size() > max_bytes || list.filtered.size() > max_bytes) return;
  if (lists_.size() == max_lists) lists_.pop_back();
  lists_.insert(lists_.begin(), std::make_shared<const JudgedList>(std::move(list)));
}

}  // namespace callgate::gateway
