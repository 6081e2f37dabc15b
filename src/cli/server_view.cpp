#include "cli/server_view.hpp"

#include <fmt/format.h>
#include <fmt/ostream.h>

#include <algorithm>
#include <map>
#include <memory>

#include "base/json.hpp"
#include "cli/offline.hpp"
#include "cli/server_command.hpp"
#include "registry/difference.hpp"
#include "registry/fingerprint.hpp"

namespace callgate::cli {
namespace {

using registry::visible;

struct Counts {
  std::size_t pinned = 0;
  std::size_t quarantined = 0;
  std::size_t unknown = 0;
  std::size_t left_out = 0;
};

Counts counts_of(std::span<const ServerList> lists) {
  Counts counts;
  for (const ServerList& list : lists) {
    counts.left_out += list.list.left_out.size();
    for (const ToolRow& row : tool_rows(list)) {
      counts.pinned += row.pinned != nullptr ? 1 : 0;
      counts.quarantined += row.state == "quarantined" ? 1 : 0;
      counts.unknown += row.state == "unknown" ? 1 : 0;
    }
  }
  return counts;
}

std::string class_json(const classify::Classification& tool) {
  std::string text = fmt::format(R"(,"category":"{}","risk":"{}")", word(tool.category), word(tool.risk));
  if (tool.overridden) {
    text += fmt::format(R"(,"override":{{"judged":{{"category":"{}","risk":"{}"}},"reason":{}}})", word(tool.overridden->category), word(tool.overridden->risk),
                        json::quoted(tool.overridden->reason));
  }
  return text;
}

std::string tool_json(const ToolRow& row, const ServerList& list, const classify::Classification& is) {
  std::string text = fmt::format(R"({{"name":{},"state":{},"era":{},"address":{}{})", json::quoted(row.name), json::quoted(row.state),
                                 json::quoted(list.key.era), json::quoted(list.key.address), class_json(is));
  if (row.pinned != nullptr) {
    text += fmt::format(R"(,"fingerprint":{},"definition":{})", json::quoted(row.pinned->fingerprint), row.pinned->text);
  }
  if (row.offered != nullptr) {
    text += fmt::format(R"(,"offered":{},"offered_definition":{})", json::quoted(row.offered->fingerprint), row.offered->text);
  }
  return text + "}";
}

}  // namespace

std::vector<ToolRow> tool_rows(const ServerList& list) {
  std::map<std::string_view, ToolRow> rows;
  for (const store::Definition& each : list.list.pinned) rows[each.tool].pinned = &each;
  for (const store::Definition& each : list.list.offered) rows[each.tool].offered = &each;
  std::vector<ToolRow> sorted;
  for (auto& [name, row] : rows) {
    row.name = name;
    row.state = row.pinned == nullptr ? "unknown" : row.offered != nullptr ? "quarantined" : "known";
    sorted.push_back(row);
  }
  return sorted;
}

std::string server_json(const store::Server& server, std::span<const ServerList> lists) {
  const Counts counts = counts_of(lists);
  return fmt::format(
      R"({{"name":{},"transport":{},"address":{},"policy":{},"source":"store","created":{},"tools":{},"quarantined":{},"unknown":{},"left_out":{}}})",
      json::quoted(server.name), server.url.empty() ? "\"stdio\"" : "\"http\"", json::quoted(as_config(server).address()),
      json::quoted(server.policy), json::quoted(utc_text(server.created_ms)), counts.pinned, counts.quarantined, counts.unknown, counts.left_out);
}

RowClasses row_classes(const ServerList& list, const ClassRules& rules) {
  std::vector<std::unique_ptr<json::OwnedDocument>> documents;
  std::vector<json::Value> definitions;
  for (const ToolRow& row : tool_rows(list)) {
    const std::string& text = row.pinned != nullptr ? row.pinned->text : row.offered->text;
    auto read = json::OwnedDocument::parse(text, registry::definition_limits);
    // What cannot be read is judged as what cannot be told.
    if (!read) read = json::OwnedDocument::parse(fmt::format("{{\"name\":{}}}", json::quoted(row.name)));
    documents.push_back(std::move(*read));
    definitions.push_back(documents.back()->root());
  }
  ServerClasses judged = judge_tools(classify::Classifier(), definitions, rules);
  return {.tools = std::move(judged.tools), .lapsed = std::move(judged.lapsed)};
}

std::string tools_json(std::span<const ServerList> lists, std::span<const RowClasses> classes) {
  std::string body;
  for (std::size_t i = 0; i < lists.size(); ++i) {
    const auto rows = tool_rows(lists[i]);
    for (std::size_t k = 0; k < rows.size(); ++k) body += (body.empty() ? "" : ",") + tool_json(rows[k], lists[i], classes[i].tools[k]);
  }
  std::string left_out;
  for (const ServerList& list : lists) {
    for (const store::LeftOut& each : list.list.left_out) {
      left_out += fmt::format(R"({}{{"name":{},"era":{},"address":{},"reason":{}}})", left_out.empty() ? "" : ",", json::quoted(each.tool), json::quoted(list.key.era),
                              json::quoted(list.key.address), json::quoted(each.why));
    }
  }
  return fmt::format(R"({{"tools":[{}],"left_out":[{}]}})", body, left_out);
}

void write_server(std::ostream& out, const store::Server& server, std::span<const ServerList> lists) {
  fmt::print(out, "{}\n  {}: {}\n  policy: {}\n  added: {} UTC\n", server.name, server.url.empty() ? "command" : "url",
             visible(as_config(server).address()), server.policy.empty() ? "none, no gateway serves it" : visible(server.policy),
             minute_text(server.created_ms));
  for (const ServerList& list : lists) {
    const Counts counts = counts_of(std::span(&list, 1));
    fmt::print(out, "  {} list of {}: {} pinned, {} changed, {} new{}\n", list.key.era, visible(list.key.address), counts.pinned,
               counts.quarantined, counts.unknown, counts.left_out == 0 ? std::string() : fmt::format(", {} left out: see `callgate server tools {}`", counts.left_out, server.name));
  }
}

void write_tools(std::ostream& out, std::span<const ServerList> lists, std::span<const RowClasses> classes) {
  for (std::size_t i = 0; i < lists.size(); ++i) {
    fmt::print(out, "{} ({})\n", visible(lists[i].key.address), lists[i].key.era);
    const auto rows = tool_rows(lists[i]);
    std::size_t width = 0;
    for (const ToolRow& row : rows) width = std::max(width, row.name.size());
    for (std::size_t k = 0; k < rows.size(); ++k) {
      const ToolRow& row = rows[k];
      const classify::Classification& is = classes[i].tools[k];
      const store::Definition& shown = row.pinned != nullptr ? *row.pinned : *row.offered;
      fmt::print(out, "  {:{}}  {:11}  {:11}  {:8}  {}\n", row.name, width, row.state, word(is.category), word(is.risk), shown.fingerprint);
      if (!is.overridden) continue;
      fmt::print(out, "  {:{}}  by the configuration (judged {}, {}): {}\n", "", width, word(is.overridden->category), word(is.overridden->risk), visible(is.overridden->reason));
    }
    if (rows.empty()) out << "  no tools\n";
    write_left_out(out, lists[i]);
  }
}

void write_left_out(std::ostream& out, const ServerList& list) {
  for (const store::LeftOut& each : list.list.left_out) {
    if (each.tool.empty()) fmt::print(out, "  left out: {}\n", visible(each.why));
    else fmt::print(out, "  left out: `{}`: {}\n", visible(each.tool), visible(each.why));
  }
}

std::string waiting_text(std::span<const ServerList> lists) {
  const Counts counts = counts_of(lists);
  const std::size_t waiting = counts.quarantined + counts.unknown;
  if (waiting == 0) return {};
  return fmt::format("  ({} definition{} for `server pin`)", waiting, waiting == 1 ? " waits" : "s wait");
}

}  // namespace callgate::cli
