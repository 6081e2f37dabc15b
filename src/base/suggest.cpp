#include "base/suggest.hpp"

#include <algorithm>
#include <cstddef>
#include <vector>

namespace callgate {
namespace {

char folded(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }

/// Edits between two words: insert, delete, change, swap of neighbours each count one.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::vector<std::size_t>> edits(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
  for (std::size_t i = 0; i <= a.size(); ++i) edits[i][0] = i;
  for (std::size_t j = 0; j <= b.size(); ++j) edits[0][j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const char left = folded(a[i - 1]);
      const char right = folded(b[j - 1]);
      edits[i][j] = std::min({edits[i - 1][j] + 1, edits[i][j - 1] + 1, edits[i - 1][j - 1] + (left == right ? 0 : 1)});
      const bool swapped = i > 1 && j > 1 && left == folded(b[j - 2]) && folded(a[i - 2]) == right;
      if (swapped) edits[i][j] = std::min(edits[i][j], edits[i - 2][j - 2] + 1);
    }
  }
  return edits[a.size()][b.size()];
}

}  // namespace

std::string_view closest(std::string_view word, std::span<const std::string_view> candidates) {
  constexpr std::size_t longest = 40;  // keys are short; anything longer is no slip
  if (word.empty() || word.size() > longest) return {};
  std::size_t best = word.size() <= 4 ? 2 : 3;  // one more than may differ
  std::string_view found;
  for (const std::string_view candidate : candidates) {
    const std::size_t edits = distance(word, candidate);
    if (edits >= best || edits >= candidate.size()) continue;
    best = edits;
    found = candidate;
  }
  return found;
}

std::string did_you_mean(std::string_view word, std::span<const std::string_view> candidates) {
  const std::string_view found = closest(word, candidates);
  if (found.empty()) return {};
  return "; did you mean `" + std::string(found) + "`?";
}

}  // namespace callgate
