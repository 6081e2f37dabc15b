#include "gateway/gates.hpp"

namespace callgate::gateway {

Gates::Gates(const Parts& parts) {
  for (const config::Server& server : parts.config.servers) gates_.push_back(std::make_unique<Gate>(parts, server, children_));
}

Gate* Gates::find(std::string_view name) const {
  for (const auto& gate : gates_) {
    if (gate->name() == name) return gate.get();
  }
  return nullptr;
}

void Gates::start() {
  for (const auto& gate : gates_) gate->tools().want(mcp::Era::legacy);
}

}  // namespace callgate::gateway
