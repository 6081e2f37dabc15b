#include "registry/names.hpp"

#include <algorithm>

namespace callgate::registry {

bool is_tool_name(std::string_view name) {
  return !name.empty() && name.size() <= longest_tool_name && std::ranges::all_of(name, [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.' || c == '-';
         });
}

}  // namespace callgate::registry
