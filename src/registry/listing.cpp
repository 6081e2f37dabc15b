#include "registry/listing.hpp"

#include <fmt/format.h>

#include <iterator>

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

}  // namespace

std::string shown_name(json::Value definition) { return definition.is_object() ? shown_text(name_of(definition)) : std::string(); }

Listing read_listing(std::span<const json::Value> definitions) {
  ListingReader reader(definitions);
  while (reader.go_on()) {}
  return reader.finish();
}

bool ListingReader::go_on() {
  if (next_ == definitions_.size()) return false;
  const json::Value definition = definitions_[next_++];
  std::string name = name_of(definition);
  if (++counts_[name] == 1 && !name.empty()) {
    // Names that differ in their bytes and look the same.
    const auto [first, is_new] = looks_.emplace(look_alike_key(name), name);
    if (!is_new) look_alikes_.push_back({Drift::Kind::look_alike, shown_text(name), fmt::format("looks like `{}`", shown_text(first->second))});
  }
  if (!is_tool_name(name)) {
    report_bad_name(listing_.drift, name);
  } else {
    listing_.tools.push_back({std::move(name), fingerprint(definition), definition});
  }
  return true;
}

Listing ListingReader::finish() {
  std::erase_if(listing_.tools, [&](const Listed& tool) { return counts_[tool.name] > 1; });
  for (const auto& [name, count] : counts_) {
    if (count < 2 || !is_tool_name(name)) continue;
    listing_.drift.push_back({Drift::Kind::duplicate, name, fmt::format("listed {} times; all of them are refused", count)});
  }
  listing_.drift.insert(listing_.drift.end(), std::make_move_iterator(look_alikes_.begin()), std::make_move_iterator(look_alikes_.end()));
  return std::move(listing_);
}

}  // namespace callgate::registry
