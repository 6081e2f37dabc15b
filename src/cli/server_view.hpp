#pragma once

#include <ostream>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cli/server_classes.hpp"
#include "store/pins.hpp"
#include "store/rows.hpp"

/// How `callgate server` shows what the store holds. Texts of servers are made
/// visible: nothing in them moves the terminal.
namespace callgate::cli {

/// One pinned list of a server.
struct ServerList {
  store::ListKey key;
  store::PinnedList list;
};

/// A tool of a list: pinned, offered or both.
struct ToolRow {
  std::string_view name;
  std::string_view state;  ///< `known`, `quarantined` or `unknown`
  const store::Definition* pinned = nullptr;
  const store::Definition* offered = nullptr;
};
std::vector<ToolRow> tool_rows(const ServerList& list);  ///< by name

/// What the tools of one list are said to be, in the order of its rows; of a
/// changed tool by its pinned definition.
struct RowClasses {
  std::vector<classify::Classification> tools;
  std::vector<std::string> lapsed;  ///< overrides that hold no more, a sentence each
};
RowClasses row_classes(const ServerList& list, const ClassRules& rules);

std::string server_json(const store::Server& server, std::span<const ServerList> lists);
/// `classes` are those of each list.
std::string tools_json(std::span<const ServerList> lists, std::span<const RowClasses> classes);
void write_server(std::ostream& out, const store::Server& server, std::span<const ServerList> lists);
void write_tools(std::ostream& out, std::span<const ServerList> lists, std::span<const RowClasses> classes);

/// A line for each tool that no client is shown, and why.
void write_left_out(std::ostream& out, const ServerList& list);

/// `  (2 definitions wait for server pin)` or nothing.
std::string waiting_text(std::span<const ServerList> lists);

}  // namespace callgate::cli
