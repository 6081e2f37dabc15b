#include "generate/policy_patch.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "generate/yaml_writer.hpp"

namespace callgate::generate {
namespace {

std::string expect_text(const std::string& tests) {
  return tests.empty() ? std::string() : "expect:\n" + tests;
}

std::string tests_anew(const yaml::Node& old, const std::vector<bool>& keeps) {
  std::string text;
  for (std::size_t i = 0; i < old.items.size(); ++i) {
    if (i >= keeps.size() || keeps[i]) text += fmt::format("  - {}\n", yaml_flow(old.items[i]));
  }
  return text;
}

}  // namespace

std::string PolicyPatch::write(const std::vector<bool>& keeps, const std::string& tests, bool& comments_kept) const {
  std::string text = heading_text() + spliced(keeps, tests);
  comments_kept = same(text);
  return comments_kept ? text : heading_text() + anew(keeps, tests);
}

bool PolicyPatch::same(std::string_view text) const {
  const yaml::Parsed parsed = yaml::parse(text, "policy");
  if (!parsed.root || !parsed.faults.empty() || !parsed.root->is_mapping()) return false;
  for (const yaml::Member& each : file_.members) {
    if (each.key == "expect" || each.key == "tools") continue;
    const yaml::Member* now = parsed.root->find(each.key);
    if (now == nullptr || json_of(now->value) != json_of(each.value)) return false;
  }
  const yaml::Member* before = file_.find("tools");
  const yaml::Member* after = parsed.root->find("tools");
  if (before == nullptr) return true;
  return std::ranges::all_of(before->value.members, [&](const yaml::Member& each) {
    if (body_of_tool(each.key) != nullptr) return true;
    const yaml::Member* now = after == nullptr ? nullptr : after->value.find(each.key);
    return now != nullptr && json_of(now->value) == json_of(each.value);
  });
}

std::string PolicyPatch::heading_text() const {
  std::string out;
  for (std::string_view rest = heading_; !rest.empty();) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    out += fmt::format("# {}\n", rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return out;
}

const RuleBody* PolicyPatch::body_of_tool(std::string_view tool) const {
  const auto found = std::ranges::find(bodies_, tool, [](const auto& each) { return std::string_view(each.first); });
  return found == bodies_.end() ? nullptr : &found->second;
}

std::string PolicyPatch::spliced(const std::vector<bool>& keeps, const std::string& tests) const {
  auto pieces = yaml_pieces(text_, file_, 1);
  if (!pieces) return {};
  for (const yaml::Member& each : file_.members) {
    if (each.key == "tools") replace_tools(*pieces->find("tools"), each);
    if (each.key == "expect") replace_tests(*pieces->find("expect"), each, keeps, tests);
  }
  if (file_.find("tools") == nullptr && !bodies_.empty()) pieces->entries.push_back({"tools", "\ntools:\n" + new_rules(2)});
  if (file_.find("expect") == nullptr && !tests.empty()) pieces->entries.push_back({"expect", "\nexpect:\n" + tests});
  return pieces->text();
}

void PolicyPatch::replace_tools(YamlPieces::Piece& piece, const yaml::Member& member) const {
  auto rules = yaml_pieces(piece.text, member.value, member.key_mark.line);
  if (!rules || rules->indent == 0) {
    piece.text = "tools:\n" + rules_anew(member.value);
    return;
  }
  for (const auto& [tool, body] : bodies_) {
    if (YamlPieces::Piece* old = rules->find(tool)) old->text = rule_lines(tool, body, rules->indent);
    else rules->entries.push_back({tool, rule_lines(tool, body, rules->indent)});
  }
  piece.text = rules->text();
}

void PolicyPatch::replace_tests(YamlPieces::Piece& piece, const yaml::Member& member, const std::vector<bool>& keeps, const std::string& tests) const {
  auto items = yaml_pieces(piece.text, member.value, member.key_mark.line);
  if (!items || items->indent != 2) {
    piece.text = expect_text(tests_anew(member.value, keeps) + tests);
    return;
  }
  std::vector<YamlPieces::Piece> kept;
  for (std::size_t i = 0; i < items->entries.size(); ++i) {
    if (i >= keeps.size() || keeps[i]) kept.push_back(std::move(items->entries[i]));
  }
  items->entries = std::move(kept);
  if (!tests.empty()) items->entries.push_back({{}, tests});
  piece.text = items->entries.empty() ? items->tail : items->text();
}

std::string PolicyPatch::new_rules(std::size_t indent) const {
  std::string text;
  for (const auto& [tool, body] : bodies_) text += rule_lines(tool, body, indent);
  return text;
}

std::string PolicyPatch::rules_anew(const yaml::Node& old) const {
  std::string text;
  for (const yaml::Member& each : old.members) {
    const RuleBody* body = body_of_tool(each.key);
    text += body != nullptr ? rule_lines(each.key, *body, 2) : fmt::format("  {}: {}\n", yaml_string(each.key), yaml_flow(each.value));
  }
  for (const auto& [tool, body] : bodies_) {
    if (old.find(tool) == nullptr) text += rule_lines(tool, body, 2);
  }
  return text;
}

std::string PolicyPatch::anew(const std::vector<bool>& keeps, const std::string& tests) const {
  std::string text;
  const yaml::Node none;
  for (const yaml::Member& each : file_.members) {
    if (each.key == "tools") text += "tools:\n" + rules_anew(each.value);
    else if (each.key != "expect") text += fmt::format("{}: {}\n", yaml_string(each.key), yaml_flow(each.value));
  }
  if (file_.find("tools") == nullptr && !bodies_.empty()) text += "tools:\n" + new_rules(2);
  const yaml::Member* old = file_.find("expect");
  return text + expect_text(tests_anew(old == nullptr ? none : old->value, keeps) + tests);
}

}  // namespace callgate::generate
