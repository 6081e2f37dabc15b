#pragma once

#include <algorithm>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "gateway/gate.hpp"

namespace callgate::gateway {

/// All gates of the process. Threads: the loop's.
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
  /// These are the servers from now on. A gate whose server is the same stays as
  /// it is, sessions and all; any other is retired and finishes what is under way.
  void serve(std::span<const config::Server> servers);
  /// Shows in the metrics whether each server's policy in force is its file as it stands, and whether the file's tests hold with
  /// its tools. To be called when files were looked at, and now and then, for tools that were read.
  void test_policies() const;
  /// The session of that name ended at another gateway.
  void ended_elsewhere(std::string_view session) const {
    for (const auto& gate : gates_) gate->ended_elsewhere(session);
  }
  /// The session of that name has a message under way.
  bool is_busy(std::string_view session) const {
    const auto has_it_busy = [session](const auto& gate) { return gate->is_busy(session); };
    return std::ranges::any_of(gates_, has_it_busy) || std::ranges::any_of(retired_, has_it_busy);
  }
  /// Answers what is under way by an error; see `Gate::give_up`.
  void give_up() {
    for (const auto& gate : gates_) gate->give_up();
    for (const auto& gate : retired_) gate->give_up();
  }
  /// Lets go of retired gates that have nothing under way.
  void clear_away();
  bool has_retired() const { return !retired_.empty(); }

 private:
  std::unique_ptr<Gate> take_same(const config::Server& server);

  const Parts parts_;
  Totals totals_;
  std::vector<std::unique_ptr<Gate>> gates_;
  std::vector<std::unique_ptr<Gate>> retired_;
};

}  // namespace callgate::gateway
