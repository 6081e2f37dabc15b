#include "classify/siblings.hpp"

#include <algorithm>
#include <optional>

#include "classify/tokens.hpp"

namespace callgate::classify {
namespace {

constexpr std::size_t max_siblings = 2000;
constexpr std::size_t max_name = 128;
/// A theme is what a quarter of the names and at least three are about.
constexpr std::size_t share = 4;
constexpr std::size_t at_least = 3;

struct Count {
  std::size_t names = 0;
  std::optional<Siblings::Theme> first;
};

void count_name(std::string_view name, const Lexicon& lexicon, std::vector<Count>& counts) {
  std::vector<bool> seen(counts.size());
  for (const Token& part : parts_of(name, lexicon)) {
    if (part.entry == nullptr || part.entry->noun == nothing) continue;
    for (const std::uint8_t family : lexicon.nouns[part.entry->noun].families) {
      if (seen[family]) continue;
      seen[family] = true;
      ++counts[family].names;
      auto& first = counts[family].first;
      if (!first || name < first->name) first = Siblings::Theme{family, name, part.start, part.end};
    }
  }
}

}  // namespace

Siblings::Siblings(std::span<const json::Value> definitions, const Lexicon& lexicon) {
  names_.reserve(std::min(definitions.size(), max_siblings));
  for (const json::Value& each : definitions.first(std::min(definitions.size(), max_siblings))) {
    const auto name = each.is_object() ? each.find("name") : std::nullopt;
    if (name && name->is_string() && name->raw_string().size() <= max_name) names_.push_back(name->string());
  }
  std::vector<Count> counts(lexicon.families.size());
  for (const std::string& name : names_) count_name(name, lexicon, counts);
  for (const Count& count : counts) {
    if (count.names >= at_least && count.names * share >= names_.size()) themes_.push_back(*count.first);
  }
  for (const std::string& name : names_) {
    for (const Token& part : parts_of(name, lexicon)) {
      if (part.entry != nullptr && part.entry->verb != nothing) verbs_.push_back(lexicon.verbs[part.entry->verb].lemma);
    }
  }
  std::ranges::sort(verbs_);
  verbs_.erase(std::ranges::unique(verbs_).begin(), verbs_.end());
}

bool Siblings::has(std::string_view lemma) const { return std::ranges::binary_search(verbs_, lemma); }

}  // namespace callgate::classify
