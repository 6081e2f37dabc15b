#include "cli/last_look.hpp"

#include <fmt/format.h>

#include <map>
#include <memory>

#include "base/sha256.hpp"
#include "cli/data_folder.hpp"
#include "config/text_file.hpp"
#include "registry/difference.hpp"
#include "registry/fingerprint.hpp"

namespace callgate::cli {
namespace {

constexpr std::size_t max_kept_bytes = std::size_t{64} << 20U;

using ToolsByName = std::map<std::string, json::Value, std::less<>>;

ToolsByName by_name(json::Value array) {
  ToolsByName tools;
  if (!array.is_array()) return tools;
  for (const json::Value each : array.elements()) {
    const auto name = each.is_object() ? each.find("name") : std::nullopt;
    if (name && name->is_string()) tools.emplace(name->string(), each);
  }
  return tools;
}

std::vector<Change> changes_between(const ToolsByName& before, const ToolsByName& now) {
  std::vector<Change> changes;
  for (const auto& [name, definition] : now) {
    const auto old = before.find(name);
    if (old == before.end()) {
      changes.push_back({Change::Kind::added, name, {}});
    } else if (registry::fingerprint(old->second) != registry::fingerprint(definition)) {
      changes.push_back({Change::Kind::changed, name, registry::difference(old->second, definition)});
    }
  }
  for (const auto& [name, definition] : before) {
    if (!now.contains(name)) changes.push_back({Change::Kind::removed, name, {}});
  }
  return changes;
}

}  // namespace

std::string_view word(Change::Kind kind) {
  switch (kind) {
    case Change::Kind::added: return "new";
    case Change::Kind::changed: return "changed";
    case Change::Kind::removed: return "gone";
  }
  return "";
}

Result<Drift> look_again(const std::filesystem::path& data, std::string_view server, std::string_view address, std::string_view tools) {
  const std::filesystem::path folder = data / "looks";
  if (auto made = make_private_folder(folder); !made) return std::unexpected(made.error());
  const std::filesystem::path file = folder / (sha256_hex(fmt::format("{}\n{}", server, address)).substr(0, 24) + ".json");
  auto now = json::OwnedDocument::parse(std::string(tools), registry::definition_limits);
  if (!now) return std::unexpected(now.error());
  Drift drift{.first = true};
  if (auto kept = config::read_text(file, config::Writers::owner_only, max_kept_bytes)) {
    if (auto before = json::OwnedDocument::parse(std::move(*kept), registry::definition_limits)) {
      drift.first = false;
      drift.changes = changes_between(by_name((*before)->root()), by_name((*now)->root()));
    }
  }
  if (auto written = config::write_text(file, tools); !written) return std::unexpected(written.error());
  return drift;
}

}  // namespace callgate::cli
