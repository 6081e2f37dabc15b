#include "mcp/discovery.hpp"

#include <algorithm>
#include <array>
#include <deque>
#include <vector>

#include <fmt/format.h>

#include "mcp/splice.hpp"

namespace callgate::mcp {

namespace {

void add_kept(std::string& members, std::string_view key_text, std::string_view value_text) {
  members += fmt::format("{}{}:{}", members.empty() ? "" : ",", key_text, value_text);
}

std::string carried_extensions(json::Value extensions) {
  std::string kept;
  for (const json::Member member : extensions.members()) {
    if (is_carried_extension(member.key.string())) add_kept(kept, member.key.text(), member.value.text());
  }
  return '{' + kept + '}';
}

bool carries_all(json::Value extensions) {
  for (const json::Member member : extensions.members()) {
    if (!is_carried_extension(member.key.string())) return false;
  }
  return true;
}

/// The capabilities that are shown; nothing where they are all of them.
std::optional<std::string> shown_capabilities(json::Value capabilities, const HiddenOfServer& hidden) {
  std::string kept;
  bool all = true;
  for (const json::Member member : capabilities.members()) {
    const bool is_hidden = (hidden.tools && member.key.equals("tools")) || (hidden.prompts && member.key.equals("prompts")) || (hidden.resources && member.key.equals("resources"));
    const bool cut = member.key.equals("extensions") && member.value.is_object() && !carries_all(member.value);
    all = all && !is_hidden && !cut;
    if (!is_hidden) add_kept(kept, member.key.text(), cut ? carried_extensions(member.value) : member.value.text());
  }
  if (all) return std::nullopt;
  return '{' + kept + '}';
}

}  // namespace

bool is_carried_extension(std::string_view name) {
  // Apps are resources and tools with members of their own: they need no further method.
  constexpr std::array<std::string_view, 2> carried{"io.modelcontextprotocol/tasks", "io.modelcontextprotocol/ui"};
  return std::ranges::find(carried, name) != carried.end();
}

std::string instructions_of(const Message& discovered) {
  const auto text = discovered.result ? discovered.result.find("instructions") : std::nullopt;
  return text && text->is_string() ? text->string() : std::string();
}

std::string with_list_changed(std::string_view capability, json::Value value) {
  const bool is_list = capability == "tools" || capability == "prompts" || capability == "resources";
  const std::string text(value.text());
  if (!is_list || !value.is_object()) return text;
  const auto flag = value.find("listChanged");
  if (!flag) return R"({"listChanged":true)" + std::string(value.size() == 0 ? "" : ",") + text.substr(1);
  if (flag->is_boolean() && flag->boolean()) return text;
  const auto at = static_cast<std::size_t>(flag->text().data() - value.text().data());
  return text.substr(0, at) + "true" + text.substr(at + flag->text().size());
}

std::optional<std::string> with_list_changed(const Message& answer) {
  const auto capabilities = answer.result ? answer.result.find("capabilities") : std::nullopt;
  if (!capabilities || !capabilities->is_object()) return std::nullopt;
  std::deque<std::string> texts;  // edits hold views of them
  std::vector<Edit> edits;
  for (const json::Member member : capabilities->members()) {
    std::string text = with_list_changed(member.key.string(), member.value);
    if (text == member.value.text()) continue;
    texts.push_back(std::move(text));
    edits.push_back(replace(member.value, texts.back()));
  }
  if (edits.empty()) return std::nullopt;
  return splice(answer.bytes(), edits);
}

std::string shown_discovery(const Message& discovered, const HiddenOfServer& hidden) {
  std::vector<Edit> edits;
  const auto capabilities = discovered.result.find("capabilities");
  const auto shown = capabilities && capabilities->is_object() ? shown_capabilities(*capabilities, hidden) : std::nullopt;
  if (shown) edits.push_back(replace(*capabilities, *shown));
  if (hidden.instructions) {
    if (const auto gone = remove_member(discovered.result, "instructions")) edits.push_back(*gone);
  }
  const auto scope = discovered.result.find("cacheScope");
  if (scope && hidden.depends_on_caller) edits.push_back(replace(*scope, R"("private")"));
  const auto ttl = discovered.result.find("ttlMs");
  const auto ms = ttl ? ttl->as_int64() : std::nullopt;
  // As for lists: no longer than a changed policy may take to be seen.
  if (ttl && hidden.depends_on_caller && (!ms || *ms > 1000)) edits.push_back(replace(*ttl, "1000"));
  return splice(discovered.bytes(), edits);
}

}  // namespace callgate::mcp
