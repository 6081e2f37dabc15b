#include "registry/listing.hpp"

#include <fmt/format.h>

#include <map>

#include "base/folded_name.hpp"
#include "registry/difference.hpp"
#include "registry/fingerprint.hpp"
#include "registry/names.hpp"

namespace callgate::registry {
namespace {

/// A name as it may stand in logs, whatever it holds.
std::string shown_text(std::string_view name) { return visible(name.substr(0, 128)); }

std::string name_of(json::Value definition) {
  const auto name = definition.find("name");
  return name && name->is_string() ? name->string() : std::string();
}

void report_bad_name(std::vector<Drift>& drift, const std::string& name) {
  drift.push_back({Drift::Kind::bad_name, shown_text(name),
                   name.empty() ? "an entry of the list has no name"
                                : "the name is outside [A-Za-z0-9_.-]{1,128}; the tool is refused"});
}

/// Reports names that differ in their bytes and look the same.
void report_look_alikes(const std::vector<std::string>& names, std::vector<Drift>& drift) {
  std::map<std::string, std::string_view> first_of;
  for (const std::string& name : names) {
    const auto [first, is_new] = first_of.emplace(look_alike_key(name), name);
    if (is_new || first->second == name) continue;
    drift.push_back({Drift::Kind::look_alike, shown_text(name), fmt::format("looks like `{}`", shown_text(first->second))});
  }
}

}  // namespace

std::string shown_name(json::Value definition) { return definition.is_object() ? shown_text(name_of(definition)) : std::string(); }

Listing read_listing(std::span<const json::Value> definitions) {
  Listing listing;
  std::map<std::string, int> counts;
  std::vector<std::string> names;
  for (const json::Value& definition : definitions) {
    std::string name = name_of(definition);
    if (++counts[name] == 1 && !name.empty()) names.push_back(name);
    if (!is_tool_name(name)) {
      report_bad_name(listing.drift, name);
    } else {
      listing.tools.push_back({std::move(name), fingerprint(definition), definition});
    }
  }
  std::erase_if(listing.tools, [&](const Listed& tool) { return counts[tool.name] > 1; });
  for (const auto& [name, count] : counts) {
    if (count < 2 || !is_tool_name(name)) continue;
    listing.drift.push_back({Drift::Kind::duplicate, name, fmt::format("listed {} times; all of them are refused", count)});
  }
  report_look_alikes(names, listing.drift);
  return listing;
}

}  // namespace callgate::registry
