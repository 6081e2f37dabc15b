#include "config/extension_methods.hpp"

#include <algorithm>
#include <array>
#include <string_view>

#include <fmt/format.h>

namespace callgate::config {
namespace {

/// schema/<revision>/schema.ts of all revisions: requests in either direction.
/// Each has its own rules, or is refused, whatever a file says.
constexpr std::array<std::string_view, 23> of_the_protocol{
    "initialize", "ping", "logging/setLevel", "tools/list", "tools/call", "prompts/list", "prompts/get", "resources/list", "resources/templates/list",
    "resources/read", "resources/subscribe", "resources/unsubscribe", "completion/complete", "tasks/get", "tasks/result", "tasks/list", "tasks/update", "tasks/cancel",
    "server/discover", "subscriptions/listen", "sampling/createMessage", "roots/list", "elicitation/create"};
constexpr std::array<std::string_view, 4> kinds{"tool", "prompt", "resource", "none"};
constexpr std::size_t longest = 128;

bool is_name(std::string_view text) {
  return !text.empty() && text.size() <= longest && std::ranges::all_of(text, [](char c) { return c > ' ' && c < '\x7f' && c != '"' && c != '\\'; });
}

/// Why that is no method for the list; empty where it is one.
std::string_view fault_of(std::string_view method) {
  if (!is_name(method)) return "is no name of a method: write up to 128 visible ASCII characters";
  if (method.starts_with("notifications/")) return "is a notification: only requests can be let through";
  if (method.starts_with("rpc.")) return "is reserved by JSON-RPC";
  if (std::ranges::find(of_the_protocol, method) != of_the_protocol.end()) return "is a method of the protocol, which has rules of its own";
  return {};
}

void read_member(const Field& field, ExtensionMethod& method) {
  if (!field.node.is_mapping()) {
    if (field.node.text != "none") return field.wrong("`none`, or a mapping of one member to `tool`, `prompt` or `resource`");
    return;
  }
  if (field.node.members.size() != 1) return field.fault(fmt::format("`{}` has to name one member: it decides", field.name));
  const yaml::Member& member = field.node.members.front();
  const Field kind{member.value, fmt::format("{}.{}", field.name, member.key), field.faults};
  const auto word = kind.word(kinds);
  if (!word) return;
  method.names = static_cast<ExtensionMethod::Names>(*word);
  if (method.names == ExtensionMethod::Names::none) return;
  if (member.key.empty() || member.key == "_meta") return kind.fault(fmt::format("`{}` cannot name what is asked for", kind.name));
  method.member = member.key;
}

}  // namespace

std::vector<ExtensionMethod> read_extension_methods(const Field& field) {
  std::vector<ExtensionMethod> methods;
  if (!field.node.is_mapping()) {
    field.wrong("a mapping of methods to what their member names");
    return methods;
  }
  for (const yaml::Member& each : field.node.members) {
    if (const std::string_view fault = fault_of(each.key); !fault.empty()) {
      field.faults.add(each.key_mark, fmt::format("{} {}", yaml::ticked(each.key), fault));
      continue;
    }
    ExtensionMethod method{.method = each.key};
    read_member(Field{each.value, fmt::format("{}.{}", field.name, each.key), field.faults}, method);
    methods.push_back(std::move(method));
  }
  return methods;
}

}  // namespace callgate::config
