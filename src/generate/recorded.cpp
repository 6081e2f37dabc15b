#include "generate/recorded.hpp"

#include <algorithm>
#include <unordered_map>

#include "schema/pointer.hpp"

namespace callgate::generate {
namespace {

void widen(Span& all, const Span& one, bool first) {
  all.least = first ? one.least : all.least && one.least ? std::optional(std::min(*all.least, *one.least)) : std::nullopt;
  all.most = first ? one.most : all.most && one.most ? std::optional(std::max(*all.most, *one.most)) : std::nullopt;
}

/// An argument that was there and of which nothing is told may have been anything.
void note_untold(Seen& seen, const RecordedCall& call) {
  for (const std::string& name : call.arguments) {
    std::string pointer;
    schema::append_token(pointer, name);
    if (std::ranges::find(*call.shapes, pointer, &SeenShape::pointer) == call.shapes->end()) seen.values[pointer].unknown = true;
  }
}

}  // namespace

Letters wider(Letters a, Letters b) {
  if (a == b) return a;
  const Letters widest = std::max(a, b);
  return widest == Letters::url ? Letters::word : widest;
}

void SeenValues::add(const SeenShape& shape) {
  if (shape.kind == SeenShape::Kind::null) {
    kinds.insert(shape.kind);
    return;
  }
  widen(span, shape.bucket, count == 0);
  if (shape.kind == SeenShape::Kind::string) letters = letters ? wider(*letters, shape.letters) : shape.letters;
  ++count;
  kinds.insert(shape.kind);
  unknown = unknown || shape.type_only;
  more = more || shape.more;
}

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

const SeenValues* Seen::find(std::string_view pointer) const {
  const auto found = values.find(pointer);
  return found == values.end() ? nullptr : &found->second;
}

SeenTools seen_tools(std::span<const RecordedCall> calls) {
  SeenTools tools;
  for (const RecordedCall& call : calls) {
    Seen& seen = tools[call.tool];
    seen.calls.emplace_back(call.session, call.at_ms);
    seen.arguments.insert(call.arguments.begin(), call.arguments.end());
    seen.all_named = seen.all_named && call.all_named;
    if (!call.shapes) continue;
    ++seen.shaped;
    for (const SeenShape& shape : *call.shapes) {
      if (!shape.pointer.empty()) seen.values[shape.pointer].add(shape);
    }
    note_untold(seen, call);
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
