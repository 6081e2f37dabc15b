#pragma once

#include <memory>
#include <vector>

#include "mcp/written.hpp"

namespace callgate::upstream {

/// Messages that bridges put together, for as long as one is under way. What is given
/// back keeps its memory for the next one, unless it is large. Outlives what it gave.
/// Threads: the loop's.
class WrittenPool {
 public:
  struct GiveBack {
    WrittenPool* pool = nullptr;
    void operator()(mcp::Written* written) const { pool->give_back(std::unique_ptr<mcp::Written>(written)); }
  };
  using Ref = std::unique_ptr<mcp::Written, GiveBack>;

  Ref take() {
    if (spare_.empty()) return {new mcp::Written, GiveBack{this}};
    Ref taken(spare_.back().release(), GiveBack{this});
    spare_.pop_back();
    return taken;
  }

 private:
  static constexpr std::size_t most_spare = 64;
  static constexpr std::size_t most_bytes = 64 * 1024;
  static constexpr std::size_t most_nodes = 4096;

  void give_back(std::unique_ptr<mcp::Written> written) {
    const bool large = written->bytes.capacity() > most_bytes || written->document.nodes().size() > most_nodes;
    if (!large && spare_.size() < most_spare) spare_.push_back(std::move(written));
  }

  std::vector<std::unique_ptr<mcp::Written>> spare_;
};

}  // namespace callgate::upstream
