#include "generate/rule_body.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "generate/yaml_pieces.hpp"
#include "generate/yaml_writer.hpp"

namespace callgate::generate {

const std::string* part_of(const RuleBody& body, std::string_view key) {
  const auto found = std::ranges::find(body, key, [](const auto& each) { return std::string_view(each.first); });
  return found == body.end() ? nullptr : &found->second;
}

void take_out(RuleBody& body, std::string_view key) {
  std::erase_if(body, [key](const auto& each) { return each.first == key; });
}

RuleBody rule_body(const yaml::Node& rule) {
  RuleBody body;
  for (const yaml::Member& each : rule.members) body.emplace_back(each.key, json_of(each.value));
  return body;
}

std::string rule_lines(std::string_view tool, const RuleBody& body, std::size_t indent) {
  const std::string margin(indent, ' ');
  std::string text = fmt::format("{}{}:\n", margin, yaml_string(tool));
  for (const auto& [key, value] : body) text += fmt::format("{}  {}: {}\n", margin, key, yaml_flow(std::string_view(value)));
  return text;
}

}  // namespace callgate::generate
