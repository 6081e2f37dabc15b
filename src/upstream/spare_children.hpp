#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "mcp/methods.hpp"
#include "upstream/stdio_link.hpp"

namespace callgate::upstream {

/// Children of one server that were started and belong to nobody yet. No client's
/// message went to any of them: the gate itself may have asked one for its era,
/// which is how clients without a gate begin as well (basic/transports/stdio of
/// 2026-07-28). Threads: the loop's.
class SpareChildren {
 public:
  using Child = std::shared_ptr<StdioLink>;
  /// What a child is wanted for.
  enum class For : std::uint8_t {
    session,  ///< of a client: its handshake is the first that the child hears
    bridged,  ///< a session that the gate itself opens for stateless callers
    modern,   ///< requests of 2026-07-28
  };

  /// Nobody has spoken to it.
  void add(Child child) { spare_.push_back({.child = std::move(child)}); }
  /// It was asked for its era, and is good for that one.
  void add_asked(Child child, mcp::Era era) { spare_.push_back({.child = std::move(child), .asked = true, .era = era}); }

  /// Null where there is none. One that was asked for its era goes first.
  Child take(For use, Ids ids) {
    std::erase_if(spare_, [](const Spare& each) { return !each.child->alive(); });
    const mcp::Era era = use == For::modern ? mcp::Era::modern : mcp::Era::legacy;
    auto found = use == For::session ? spare_.end() : std::ranges::find_if(spare_, [era](const Spare& each) { return each.asked && each.era == era; });
    if (found == spare_.end()) found = std::ranges::find_if(spare_, [](const Spare& each) { return !each.asked; });
    if (found == spare_.end()) return nullptr;
    const Child child = std::move(found->child);
    child->hand_on(ids, found->asked ? StdioLink::Heard::era_question : StdioLink::Heard::nothing);
    spare_.erase(found);
    return child;
  }
  /// To whom nobody has spoken.
  std::size_t untouched() const {
    return static_cast<std::size_t>(std::ranges::count_if(spare_, [](const Spare& each) { return !each.asked && each.child->alive(); }));
  }
  /// What eras the server speaks may be another thing now.
  void forget_asked() { let_go([](const Spare& each) { return each.asked; }); }
  void clear() { let_go([](const Spare&) { return true; }); }
  /// All but so many that nobody has spoken to.
  void keep(std::size_t untouched) {
    let_go([&untouched](const Spare& each) { return each.asked || untouched == 0 || untouched-- == 0; });
  }

 private:
  struct Spare {
    Child child;
    bool asked = false;
    mcp::Era era = mcp::Era::legacy;
  };
  /// The end of a child may come back here: none ends while the others are looked at.
  template <class Test>
  void let_go(Test is_over) {
    std::vector<Spare> gone;
    for (auto each = spare_.begin(); each != spare_.end();) {
      if (!is_over(*each)) {
        ++each;
        continue;
      }
      gone.push_back(std::move(*each));
      each = spare_.erase(each);
    }
  }

  std::vector<Spare> spare_;
};

}  // namespace callgate::upstream
