#include "registry/tool_table.hpp"

#include <array>
#include <utility>

#include "base/folded_name.hpp"
#include "registry/names.hpp"

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
    case Drift::Kind::unreadable: return "unreadable";
  }
  std::unreachable();
}

std::string_view word(Risk risk) {
  constexpr std::array<std::string_view, 5> words{"", "Low", "Medium", "High", "Critical"};
  return words[static_cast<std::size_t>(risk)];
}

ToolTable::ToolTable(std::vector<Tool> tools, std::vector<Drift> drift, std::map<std::string, std::string, std::less<>> refused)
    : tools_(std::move(tools)), drift_(std::move(drift)), refused_(std::move(refused)) {
  places_.reserve(tools_.size());
  for (const Tool& tool : tools_) places_.emplace(tool.name, &tool);
  for (const Drift& each : drift_) {
    if (each.kind == Drift::Kind::duplicate) twice_.insert(each.tool);
  }
}

bool ToolTable::accounts_for(std::string_view name, std::string_view fingerprint) const {
  if (const Tool* tool = find(name)) return tool->fingerprint == fingerprint;
  if (const auto refused = refused_.find(name); refused != refused_.end()) return refused->second == fingerprint;
  return !is_tool_name(name) || twice_.contains(name);
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
