#include <vector>

#include "schema/compiler.hpp"

namespace callgate::schema {

// Takes away blocks that lead nowhere on the same value until none is left to
// take (Kahn's order, backwards). What remains leads into a cycle. A loop, not
// a recursion: a hostile chain of references can be as long as the schema.
std::optional<BlockId> find_cycle(const Program& program) {
  const std::size_t count = program.blocks.size();
  std::vector<std::uint32_t> ways_out(count, 0);
  std::vector<std::vector<BlockId>> came_from(count);
  for (BlockId id = 0; id < count; ++id) {
    for_each_in_place(program.blocks[id], [&](BlockId next) {
      ++ways_out[id];
      came_from[next].push_back(id);
    });
  }
  std::vector<BlockId> ends;
  for (BlockId id = 0; id < count; ++id) {
    if (ways_out[id] == 0) ends.push_back(id);
  }
  for (std::size_t i = 0; i < ends.size(); ++i) {
    for (const BlockId before : came_from[ends[i]]) {
      if (--ways_out[before] == 0) ends.push_back(before);
    }
  }
  if (ends.size() == count) return std::nullopt;

  // Walk among the rest: every step stays there, so some block comes twice.
  BlockId at = 0;
  while (ways_out[at] == 0) ++at;
  std::vector<bool> seen(count, false);
  while (!seen[at]) {
    seen[at] = true;
    BlockId next = at;
    for_each_in_place(program.blocks[at], [&](BlockId to) {
      if (ways_out[to] != 0) next = to;
    });
    at = next;
  }
  return at;
}

}  // namespace callgate::schema
