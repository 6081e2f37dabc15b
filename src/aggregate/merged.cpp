#include "aggregate/merged.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "base/json.hpp"
#include "mcp/handshake.hpp"
#include "mcp/splice.hpp"

namespace callgate::aggregate {

namespace {

constexpr std::size_t longest_reason = 300;
/// Stands in front of each line of a server's own words, whose lines could pass for another server's otherwise.
constexpr std::string_view quote = "> ";
constexpr json::Limits own_limits{.max_depth = 512, .check_number_range = false};

/// How long the line break is that the text begins with, in any of the forms that some reader takes for one; 0: it is none.
std::size_t break_at(std::string_view text) {
  if (text.starts_with("\r\n")) return 2;
  if (text.starts_with("\xC2\x85")) return 2;
  if (text.starts_with("\xE2\x80\xA8") || text.starts_with("\xE2\x80\xA9")) return 3;
  return std::string_view("\n\r\v\f\x1C\x1D\x1E").contains(text.front()) ? 1 : 0;
}

void append_quoted_lines(std::string& out, std::string_view words) {
  out += quote;
  while (!words.empty()) {
    const std::size_t size = break_at(words);
    if (size != 0) out += fmt::format("\n{}", quote);
    else out += words.front();
    words.remove_prefix(std::max<std::size_t>(size, 1));
  }
}

/// The member of `_meta` that names who is missing; empty where nobody is.
std::string reasons_of(std::span<const Missing> missing) {
  std::string reasons;
  for (const Missing& each : missing)
    reasons += fmt::format("{}{}:{}", reasons.empty() ? "" : ",", json::quoted(each.server), json::quoted(std::string_view(each.why).substr(0, longest_reason)));
  return reasons.empty() ? reasons : fmt::format(R"("dev.callgate/missing":{{{}}})", reasons);
}

}  // namespace

std::string merged_discovery(std::string_view id_text, std::span<const Introduction> servers, std::span<const Missing> missing) {
  const std::string instructions = merged_instructions(servers);
  const std::string reasons = reasons_of(missing);
  return fmt::format(R"({{"jsonrpc":"2.0","id":{},"result":{{"resultType":"complete","supportedVersions":["{}"],"capabilities":{}{}{},"ttlMs":0,"cacheScope":"private",)"
                     R"("_meta":{{"io.modelcontextprotocol/serverInfo":{{"name":"callgate","version":"{}"}}{}{}}}}}}})",
                     id_text, mcp::word(mcp::latest_revision), merged_capabilities(servers).text(), instructions.empty() ? "" : R"(,"instructions":)", instructions,
                     CALLGATE_VERSION, reasons.empty() ? "" : ",", reasons);
}

std::string Capabilities::text() const {
  // One that is not there yet may have tools, and says so when it comes.
  std::string text = R"({"tools":{"listChanged":true})";
  if (prompts) text += R"(,"prompts":{"listChanged":true})";
  if (resources) text += subscribe ? R"(,"resources":{"subscribe":true,"listChanged":true})" : R"(,"resources":{"listChanged":true})";
  if (completions) text += R"(,"completions":{})";
  if (logging) text += R"(,"logging":{})";
  if (tasks) text += R"(,"tasks":{"list":{},"cancel":{},"requests":{"tools":{"call":{}}}})";
  if (tasks_extension) text += R"(,"extensions":{"io.modelcontextprotocol/tasks":{}})";
  return text + '}';
}

Capabilities merged_capabilities(std::span<const Introduction> servers) {
  Capabilities all;
  for (const Introduction& each : servers) {
    json::Document document;
    if (!json::parse(each.capabilities, own_limits, document)) continue;
    const json::Value said = document.root();
    all.prompts = all.prompts || mcp::has_capability(said, "prompts");
    all.resources = all.resources || mcp::has_capability(said, "resources");
    all.completions = all.completions || mcp::has_capability(said, "completions");
    all.logging = all.logging || mcp::has_capability(said, "logging");
    all.tasks = all.tasks || mcp::has_capability(said, "tasks");
    const auto extensions = said.find("extensions");
    all.tasks_extension = all.tasks_extension || (extensions && mcp::has_capability(*extensions, "io.modelcontextprotocol/tasks"));
    const auto resources = said.find("resources");
    const auto subscribe = resources ? resources->find("subscribe") : std::nullopt;
    all.subscribe = all.subscribe || (subscribe && subscribe->is_boolean() && subscribe->boolean());
  }
  return all;
}

bool has_lists(std::string_view capabilities, mcp::MethodId list) {
  json::Document document;
  if (!json::parse(capabilities, own_limits, document)) return false;
  const bool tools = list == mcp::MethodId::tools_list;
  const bool prompts = list == mcp::MethodId::prompts_list;
  const bool tasks = list == mcp::MethodId::tasks_list;
  return mcp::has_capability(document.root(), tools ? "tools" : prompts ? "prompts" : tasks ? "tasks" : "resources");
}

std::string merged_instructions(std::span<const Introduction> servers) {
  std::string text;
  for (const Introduction& each : servers) {
    if (each.instructions.empty()) continue;
    text += fmt::format("{}{}:\n", text.empty() ? "" : "\n\n", each.slug);
    append_quoted_lines(text, each.instructions);
  }
  return text.empty() ? text : json::quoted(text);
}

std::string renamed_items(const mcp::ListPage& page, const Rename& rename) {
  std::string out;
  for (const mcp::ListItem& item : page.items) {
    if (!item.fault.empty()) continue;
    const std::optional<std::string> name = rename(item);
    const auto key = item.definition.find(page.shape.key);
    if (!name || !key) continue;
    if (!out.empty()) out += ',';
    const std::string_view text = item.definition.text();
    if (item.key.view() == *name) {
      out += text;
      continue;
    }
    const std::size_t at = key->offset() - item.definition.offset();
    out += text.substr(0, at);
    json::append_quoted(out, *name);
    out += text.substr(at + key->text().size());
  }
  return out;
}

std::string merged_list(std::string_view id_text, std::string_view array, std::string_view items, std::span<const Missing> missing, mcp::Era era) {
  std::string text = fmt::format(R"({{"jsonrpc":"2.0","id":{},"result":{{)", id_text);
  // Another caller may see another list, and the next one may have what is missing now.
  if (era == mcp::Era::modern) text += R"("resultType":"complete","ttlMs":0,"cacheScope":"private",)";
  text += fmt::format(R"("{}":[{}])", array, items);
  const std::string reasons = reasons_of(missing);
  if (!reasons.empty()) text += fmt::format(R"(,"_meta":{{{}}})", reasons);
  return text + "}}";
}

}  // namespace callgate::aggregate
