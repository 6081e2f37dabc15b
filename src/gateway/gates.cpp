#include "gateway/gates.hpp"

#include <algorithm>
#include <utility>

namespace callgate::gateway {

Gates::Gates(const Parts& parts) : parts_(parts) {
  for (const config::Server& server : parts.config.servers) gates_.push_back(std::make_unique<Gate>(parts_, server, totals_));
}

Gate* Gates::find(std::string_view name) const {
  for (const auto& gate : gates_) {
    if (gate->name() == name) return gate.get();
  }
  return nullptr;
}

void Gates::start() {
  for (const auto& gate : gates_) gate->start();
}

void Gates::test_policies() const {
  for (const auto& gate : gates_) {
    PolicyTests::Tables others;
    for (const auto& other : gates_) {
      if (other != gate && other->server().policy == gate->server().policy) others.push_back(other->tools().known(mcp::Era::legacy).table);
    }
    gate->test_policy(std::move(others));
  }
}

std::unique_ptr<Gate> Gates::take_same(const config::Server& server) {
  const auto found = std::ranges::find_if(gates_, [&](const auto& gate) { return gate && gate->server() == server; });
  return found == gates_.end() ? nullptr : std::move(*found);
}

void Gates::serve(std::span<const config::Server> servers) {
  std::vector<std::unique_ptr<Gate>> now;
  for (const config::Server& server : servers) {
    auto gate = take_same(server);
    now.push_back(gate ? std::move(gate) : std::make_unique<Gate>(parts_, server, totals_));
  }
  for (auto& gate : gates_) {
    if (!gate) continue;
    gate->retire();
    retired_.push_back(std::move(gate));
  }
  gates_ = std::move(now);
  start();
}

void Gates::clear_away() {
  std::erase_if(retired_, [](const auto& gate) { return gate->at_rest(); });
}

}  // namespace callgate::gateway
