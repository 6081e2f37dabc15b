#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "mcp/methods.hpp"
#include "mcp/tool_list.hpp"

/// What several servers say, as one. Items of lists keep every byte but those of
/// their key; what stands around them is the gateway's own. Pure; any thread.
namespace callgate::aggregate {

/// What one server said of itself when it was opened.
struct Introduction {
  std::string_view slug;
  std::string_view capabilities;  ///< JSON text of an object
  std::string_view instructions;  ///< empty: none
};

/// Which capabilities the servers have between them, of those that are carried
/// here (protocol item 91).
struct Capabilities {
  bool prompts = false;
  bool resources = false;
  bool subscribe = false;
  bool completions = false;
  bool logging = false;
  bool tasks = false;            ///< 2025-11-25
  bool tasks_extension = false;  ///< 2026-07-28

  std::string text() const;  ///< JSON
};
Capabilities merged_capabilities(std::span<const Introduction> servers);

/// Whether a server that said this of itself has such lists.
bool has_lists(std::string_view capabilities, mcp::MethodId list);

/// The instructions of all, each under its server's slug, as a JSON string; empty: none has any. Every line that
/// is a server's begins with `> `, and none that is the gateway's.
std::string merged_instructions(std::span<const Introduction> servers);

/// A server whose part is missing, and why.
struct Missing {
  std::string server;
  std::string why;  ///< a sentence of the gateway's for the client
  std::string words = {};  ///< what the server said of it, for the log alone
};

/// The answer to server/discover (2026-07-28).
std::string merged_discovery(std::string_view id_text, std::span<const Introduction> servers, std::span<const Missing> missing);

/// The key by which clients know an item; nothing: it is left out.
using Rename = std::function<std::optional<std::string>(const mcp::ListItem&)>;

/// A page's items with their new keys, separated by commas, without brackets.
std::string renamed_items(const mcp::ListPage& page, const Rename& rename);

/// The answer to a list: `items` are all items. Those missing are named in
/// `_meta["dev.callgate/missing"]`.
std::string merged_list(std::string_view id_text, std::string_view array, std::string_view items, std::span<const Missing> missing, mcp::Era era);

}  // namespace callgate::aggregate
