#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/json.hpp"
#include "registry/pins.hpp"
#include "store/store.hpp"

namespace callgate::registry {

/// A text that is known to be JSON.
inline std::unique_ptr<json::OwnedDocument> document(std::string text) {
  auto parsed = json::OwnedDocument::parse(std::move(text));
  return parsed ? std::move(*parsed) : throw std::runtime_error("test text is no JSON: " + parsed.error().message);
}

/// A store in memory and a server whose list the test writes.
struct World {
  std::unique_ptr<store::Store> store = store::open_in_memory().value();
  ListSource source{.key = {"valkey", "uvx valkey", "legacy"}};
  std::shared_ptr<const ToolTable> table;  ///< of the last `list`
  std::int64_t now_ms = 1000;

  /// What the gateway makes of this list; `tools` is a JSON array.
  Result<std::shared_ptr<const ToolTable>> try_list(const std::string& tools) {
    const auto read = document(tools);
    std::vector<json::Value> definitions;
    for (const json::Value tool : read->root().elements()) definitions.push_back(tool);
    return observe(store->pins(), source, definitions, now_ms, table.get());
  }
  const ToolTable& list(const std::string& tools) {
    table = try_list(tools).value();
    return *table;
  }

  /// Kinds and tools of the last list's drift: `added new, changed get`.
  std::string drift() const {
    std::string text;
    for (const Drift& each : table->drift()) {
      text += text.empty() ? "" : ", ";
      text += std::string(word(each.kind)) + " " + each.tool;
    }
    return text;
  }
  /// Names of the tools in the last table: `get, ?set` with `?` for quarantined.
  std::string tools() const {
    std::string text;
    for (const Tool& each : table->tools()) {
      text += text.empty() ? "" : ", ";
      text += (each.state == Tool::State::quarantined ? "?" : "") + each.name;
    }
    return text;
  }
};

/// The list of these tools.
inline std::string array(std::initializer_list<std::string> tools) {
  std::string text = "[";
  for (const std::string& each : tools) text += (text.size() > 1 ? "," : "") + each;
  return text + "]";
}

/// `{"name":NAME,"description":DESCRIPTION,"inputSchema":{"type":"object"}}`
inline std::string tool(const std::string& name, const std::string& description = "does it") {
  return R"({"name":)" + json::quoted(name) + R"(,"description":)" + json::quoted(description) +
         R"(,"inputSchema":{"type":"object"}})";
}

}  // namespace callgate::registry
