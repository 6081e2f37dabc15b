#include "mcp/nul_names.hpp"

#include <algorithm>
#include <string>

namespace callgate::mcp {

json::Value nul_in_names(const json::Document& document, NodeRange within, NodeRange spared) {
  const auto nodes = document.nodes().subspan(within.first, within.last - within.first);
  if (std::ranges::none_of(nodes, [](const json::Node& node) { return node.escaped != 0; })) return {};
  for (std::uint32_t at = within.first; at < within.last; ++at) {
    if (at >= spared.first && at < spared.last) continue;
    const json::Value value(&document, at);
    if (!value.is_object()) continue;
    for (const auto [key, unused] : value.members()) {
      if (key.has_escapes() && key.string().contains('\0')) return key;
    }
  }
  return {};
}

json::Value nul_in_names(json::Value value) { return nul_in_names(value.document(), {value.index(), value.node().next}); }

}  // namespace callgate::mcp
