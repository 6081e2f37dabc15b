#include "registry/tool_table.hpp"

#include <array>
#include <utility>

#include "base/folded_name.hpp"

namespace callgate::registry {

std::string_view word(Drift::Kind kind) {
  switch (kind) {
    case Drift::Kind::added: return "added";
    case Drift::Kind::changed: return "changed";
    case Drift::Kind::removed: return "removed";
    case Drift::Kind::duplicate: return "duplicate";
    case Drift::Kind::bad_name: return "bad_name";
    case Drift::Kind::look_alike: return "look_alike";
    case Drift::Kind::twin: return "twin";
  }
  std::unreachable();
}

std::string_view word(Risk risk) {
  constexpr std::array<std::string_view, 5> words{"", "Low", "Medium", "High", "Critical"};
  return words[static_cast<std::size_t>(risk)];
}

ToolTable::ToolTable(std::vector<Tool> tools, std::vector<Drift> drift)
    : tools_(std::move(tools)), drift_(std::move(drift)) {
  places_.reserve(tools_.size());
  for (const Tool& tool : tools_) places_.emplace(tool.name, &tool);
}

std::string_view ToolTable::look_alike(std::string_view unknown_name) const {
  if (unknown_name.size() > 512 || find(unknown_name) != nullptr) return {};
  const std::string folded = look_alike_key(unknown_name);
  for (const Tool& tool : tools_) {
    if (look_alike_key(tool.name) == folded) return tool.name;
  }
  return {};
}

}  // namespace callgate::registry
