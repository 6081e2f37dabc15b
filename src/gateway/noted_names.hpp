#pragma once

#include <cstddef>
#include <deque>
#include <string>
#include <string_view>
#include <unordered_set>

#include "mcp/hidden_parts.hpp"

namespace callgate::gateway {

/// The names that were noted last, each once. Servers choose how many and which they are:
/// neither noting nor looking up takes longer the more there are. Threads: the loop's.
class NotedNames {
 public:
  static constexpr std::size_t most = 1000;
  static constexpr std::size_t longest = 512;  ///< bytes; a longer one is not noted

  void note(std::string_view name) {
    if (name.size() > longest || names_.contains(name)) return;
    if (order_.size() >= most) {
      names_.erase(order_.front());
      order_.pop_front();
    }
    shape_.add(name);
    names_.insert(order_.emplace_back(name));
  }
  bool has(std::string_view name) const { return names_.contains(name); }
  /// Of all that were ever noted.
  const mcp::NameShape& shape() const { return shape_; }

 private:
  std::deque<std::string> order_;                ///< oldest first; they stay where they are
  std::unordered_set<std::string_view> names_;   ///< point into `order_`
  mcp::NameShape shape_;
};

}  // namespace callgate::gateway
