#include "generate/recorded.hpp"

#include <algorithm>
#include <unordered_map>

namespace callgate::generate {

std::size_t Seen::most_within(std::chrono::milliseconds window) const {
  std::unordered_map<std::string_view, std::vector<std::int64_t>> by_session;
  for (const auto& [session, at] : calls) by_session[session].push_back(at);
  std::size_t most = 0;
  for (auto& [session, times] : by_session) {
    std::ranges::sort(times);
    std::size_t first = 0;
    for (std::size_t last = 0; last < times.size(); ++last) {
      // A call made exactly one window ago has left the window.
      while (times[last] - times[first] >= window.count()) ++first;
      most = std::max(most, last - first + 1);
    }
  }
  return most;
}

SeenTools seen_tools(std::span<const RecordedCall> calls) {
  SeenTools tools;
  for (const RecordedCall& call : calls) {
    Seen& seen = tools[call.tool];
    seen.calls.emplace_back(call.session, call.at_ms);
    seen.arguments.insert(call.arguments.begin(), call.arguments.end());
  }
  return tools;
}

std::uint64_t with_room(std::size_t most) {
  const std::uint64_t wanted = std::max<std::uint64_t>(3, std::uint64_t{most} * 2);
  std::uint64_t step = 1;
  while (step * 100 <= wanted) step *= 10;
  if (step == 1 && wanted > 20) step = 5;
  return (wanted + step - 1) / step * step;
}

}  // namespace callgate::generate
