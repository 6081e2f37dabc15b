#include "schema/fold.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <utility>

namespace callgate::schema {
namespace {

bool says_nothing_else(const Block& block) {
  return block.types == type_any && !block.refuses_all && !block.marks && block.values.empty() && !block.combination && !block.array;
}

bool is_plain_member(const Property& property) {
  return property.schema != no_block && !property.required && property.dependencies.empty();
}

/// Nothing but `properties`.
bool speaks_of_members(const Block& block) {
  if (!says_nothing_else(block) || block.number || block.string || !block.object) return false;
  const ObjectRules& rules = *block.object;
  return rules.min == 0 && rules.max == unbounded && rules.patterns.empty() && rules.additional == no_block &&
         rules.names == no_block && rules.unevaluated == no_block && std::ranges::all_of(rules.properties, is_plain_member);
}

bool bounds_a_number(const Block& block) {
  return says_nothing_else(block) && !block.string && !block.object && block.number && !block.number->multiple_of;
}

bool bounds_a_length(const Block& block) {
  return says_nothing_else(block) && !block.number && !block.object && block.string && block.string->pattern == nullptr;
}

/// Keeps `id` in `place` if it bounds at least as tightly as the one that is there.
template <class Tighter>
void keep_tightest(BlockId& place, BlockId id, Tighter tighter) {
  if (place == no_block || tighter(id, place)) place = id;
}

class Folder {
 public:
  explicit Folder(Program& program) : program_(program) {}

  void run() {
    // Blocks that are made here are folded already.
    const auto count = static_cast<BlockId>(program_.blocks.size());
    for (BlockId id = 0; id < count; ++id) {
      if (!block(id).combination || block(id).combination->all_of.size() < 2) continue;
      auto branches = folded(std::move(block(id).combination->all_of));
      block(id).combination->all_of = std::move(branches);
    }
  }

 private:
  Block& block(BlockId id) { return program_.blocks[id]; }
  const NumberRules& number(BlockId id) { return *block(id).number; }
  const StringRules& string(BlockId id) { return *block(id).string; }

  std::vector<BlockId> folded(std::vector<BlockId> branches) {
    std::vector<BlockId> others;
    std::vector<BlockId> members;
    std::vector<BlockId> numbers;
    std::vector<BlockId> lengths;
    for (const BlockId id : branches) {
      const Block& branch = block(id);
      auto& kind = speaks_of_members(branch) ? members : bounds_a_number(branch) ? numbers : bounds_a_length(branch) ? lengths : others;
      kind.push_back(id);
    }
    add(others, members.size() > 1 ? std::vector{joined(members)} : members);
    add(others, tightest_numbers(numbers));
    add(others, tightest_lengths(lengths));
    return others;
  }

  static void add(std::vector<BlockId>& to, const std::vector<BlockId>& from) { to.insert(to.end(), from.begin(), from.end()); }

  /// One table of all that the branches say of members.
  BlockId joined(const std::vector<BlockId>& branches) {
    std::map<std::string, std::vector<BlockId>> said;
    for (const BlockId id : branches) {
      for (const Property& property : block(id).object->properties) said[property.name].push_back(property.schema);
    }
    auto rules = std::make_unique<ObjectRules>();
    for (auto& [name, schemas] : said) rules->properties.push_back({.name = name, .schema = all_of(std::move(schemas), branches.front())});
    std::ranges::sort(rules->properties, [](const Property& a, const Property& b) {
      return a.name.size() != b.name.size() ? a.name.size() < b.name.size() : a.name < b.name;
    });
    const BlockId id = make(branches.front());
    block(id).object = std::move(rules);
    return id;
  }

  BlockId all_of(std::vector<BlockId> schemas, BlockId place) {
    if (schemas.size() > 1) schemas = folded(std::move(schemas));
    if (schemas.size() == 1) return schemas.front();
    const BlockId id = make(place);
    block(id).combination = std::make_unique<Combination>();
    block(id).combination->all_of = std::move(schemas);
    return id;
  }

  /// A new block that is reported as `place`.
  BlockId make(BlockId place) {
    const auto id = static_cast<BlockId>(program_.blocks.size());
    Block made;
    made.node = block(place).node;
    made.applicator = block(place).applicator;
    program_.blocks.push_back(std::move(made));
    return id;
  }

  std::vector<BlockId> tightest_numbers(const std::vector<BlockId>& branches) {
    std::array<BlockId, 4> kept{no_block, no_block, no_block, no_block};
    const auto lower = [this](BlockId id, BlockId than, auto bound) { return *(number(id).*bound) < *(number(than).*bound); };
    const auto higher = [this](BlockId id, BlockId than, auto bound) { return *(number(id).*bound) > *(number(than).*bound); };
    for (const BlockId id : branches) {
      const NumberRules& rules = number(id);
      const auto keep = [&](std::size_t at, auto bound, auto tighter) {
        if (rules.*bound) keep_tightest(kept[at], id, [&](BlockId mine, BlockId than) { return tighter(mine, than, bound); });
      };
      keep(0, &NumberRules::minimum, higher);
      keep(1, &NumberRules::exclusive_minimum, higher);
      keep(2, &NumberRules::maximum, lower);
      keep(3, &NumberRules::exclusive_maximum, lower);
    }
    return without_doubles({kept.begin(), kept.end()});
  }

  std::vector<BlockId> tightest_lengths(const std::vector<BlockId>& branches) {
    BlockId least = no_block;
    BlockId most = no_block;
    for (const BlockId id : branches) {
      keep_tightest(least, id, [this](BlockId mine, BlockId than) { return string(mine).min > string(than).min; });
      keep_tightest(most, id, [this](BlockId mine, BlockId than) { return string(mine).max < string(than).max; });
    }
    return without_doubles({least, most});
  }

  static std::vector<BlockId> without_doubles(std::vector<BlockId> ids) {
    std::vector<BlockId> kept;
    for (const BlockId id : ids) {
      if (id != no_block && std::ranges::find(kept, id) == kept.end()) kept.push_back(id);
    }
    return kept;
  }

  Program& program_;
};

}  // namespace

void fold(Program& program) { Folder(program).run(); }

}  // namespace callgate::schema
