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
  // The server has one policy and each era one table of tools: lists judged by others cannot be asked for again.
  std::erase_if(lists_, [&](const auto& known) {
    const ListJudges& judges = known->judges;
    return judges == list.judges || judges.policy != list.judges.policy || (judges.era == list.judges.era && judges.table != list.judges.table);
  });
  if (list.from_server.size() > max_bytes || list.filtered.size() > max_bytes) return;
  if (lists_.size() == max_lists) lists_.pop_back();
  lists_.insert(lists_.begin(), std::make_shared<const JudgedList>(std::move(list)));
}

}  // namespace callgate::gateway
