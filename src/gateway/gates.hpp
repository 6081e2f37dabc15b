#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "gateway/gate.hpp"

namespace callgate::gateway {

/// All gates of the process.
class Gates {
 public:
  /// `parts.config` names the servers; their policies are loaded already.
  explicit Gates(const Parts& parts);

  Gate* find(std::string_view name) const;
  /// The gate at `/mcp` without a name: the only one there is.
  Gate* only() const { return gates_.size() == 1 ? gates_.front().get() : nullptr; }
  const std::vector<std::unique_ptr<Gate>>& all() const { return gates_; }
  /// Starts reading every server's tools.
  void start();

 private:
  std::size_t children_ = 0;
  std::vector<std::unique_ptr<Gate>> gates_;
};

}  // namespace callgate::gateway
