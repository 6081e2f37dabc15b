#include "policy/glob_index.hpp"

#include <algorithm>

namespace callgate::policy {

void GlobIndex::Ends::add(std::string_view text, std::uint32_t number) {
  numbers[std::string(text)].push_back(number);
  const auto place = std::ranges::lower_bound(sizes, text.size());
  if (place == sizes.end() || *place != text.size()) sizes.insert(place, text.size());
}

void GlobIndex::add(std::string_view pattern, std::uint32_t number) {
  const std::size_t first = pattern.find_first_of("*?");
  const std::size_t last = pattern.find_last_of("*?");
  if (first > 0) return starts_.add(pattern.substr(0, first), number);
  if (last + 1 < pattern.size()) return ends_.add(pattern.substr(last + 1), number);
  anywhere_.push_back(number);
}

}  // namespace callgate::policy
