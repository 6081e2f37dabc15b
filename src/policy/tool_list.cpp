#include "policy/tool_list.hpp"

#include <algorithm>
#include <unordered_map>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/json.hpp"
#include "base/yaml.hpp"
#include "policy/argument_types.hpp"
#include "schema/schema.hpp"

namespace callgate::policy {
namespace {

constexpr std::string_view shape = "a list of tools is `{\"tools\": [...]}` or the array alone";

std::optional<json::Value> find_tools(json::Value root) {
  if (root.is_array()) return root;
  if (!root.is_object()) return std::nullopt;
  if (const auto result = root.find("result"); result && result->is_object()) root = *result;
  const auto tools = root.find("tools");
  if (!tools || !tools->is_array()) return std::nullopt;
  return tools;
}

/// Empty where it has none.
std::string name_of(json::Value value) {
  const auto name = value.is_object() ? value.find("name") : std::nullopt;
  return name && name->is_string() ? name->string() : std::string();
}

KnownTool read_tool(std::string name, json::Value value) {
  KnownTool tool{.name = std::move(name)};
  const auto schema = value.find("inputSchema");
  if (!schema) return tool;
  tool.arguments = type_of_schema(*schema);
  auto compiled = schema::Schema::compile(*schema);
  if (compiled) {
    tool.input_schema = std::move(*compiled);
  } else {
    tool.schema_fault = fmt::format("{} at `{}`", compiled.error().message, compiled.error().where);
  }
  return tool;
}

}  // namespace

Result<ToolList> ToolList::parse(std::string json, const ClassesOf& classes_of) {
  // A list of whatever was pinned: definitions may be 520 levels deep, and some more stand around them.
  constexpr json::Limits limits{.max_depth = 528, .max_keys = 4'000'000, .check_number_range = false};
  const auto document = json::OwnedDocument::parse(std::move(json), limits);
  if (!document) {
    return fail(document.error().kind, fmt::format("not JSON: {}; {}", document.error().message, shape), document.error().where);
  }
  const auto tools = find_tools((*document)->root());
  if (!tools) return fail(ErrorKind::invalid, fmt::format("no `tools` in it: {}", shape));
  ToolList list;
  const json::Value root = (*document)->root();
  if (const auto server = root.is_object() ? root.find("server") : std::nullopt; server && server->is_string()) list.server_ = server->string();
  std::vector<json::Value> definitions;
  std::vector<std::string> names;
  std::unordered_map<std::string_view, std::size_t> counts;
  for (const json::Value value : tools->elements()) names.push_back(name_of(value));
  for (const std::string& name : names) ++counts[name];
  if (!names.empty() && counts[""] == names.size()) return fail(ErrorKind::invalid, fmt::format("no tool of the list has a name: {}", shape));
  std::size_t index = 0;
  for (const json::Value value : tools->elements()) {
    std::string& name = names[index++];
    if (name.empty()) {
      list.left_out_.push_back(fmt::format("entry {} of the list has no name, so it is no tool that can be called", index));
    } else if (const std::size_t times = counts[name]; times > 1) {
      std::string said = fmt::format("tool {} is in the list {} times, so it is refused", yaml::ticked(name), times);
      if (std::ranges::find(list.left_out_, said) == list.left_out_.end()) list.left_out_.push_back(std::move(said));
    } else {
      list.by_name_.emplace(name, list.tools_.size());
      list.tools_.push_back(read_tool(name, value));
      definitions.push_back(value);
    }
  }
  if (!classes_of) return list;
  const std::vector<ToolClass> classes = classes_of(definitions);
  for (std::size_t i = 0; i < classes.size() && i < list.tools_.size(); ++i) list.tools_[i].is = classes[i];
  return list;
}

const KnownTool* ToolList::find(std::string_view name) const {
  const auto found = by_name_.find(std::string(name));
  return found == by_name_.end() ? nullptr : &tools_[found->second];
}

ToolFacts ToolList::facts(std::string_view name) const {
  const KnownTool* tool = find(name);
  if (tool == nullptr) return {};
  return {.state = ToolFacts::State::known, .input_schema = tool->input_schema.get(), .schema_fault = tool->schema_fault, .is = tool->is, .server = server_};
}

}  // namespace callgate::policy
