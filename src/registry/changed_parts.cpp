#include "registry/changed_parts.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <optional>
#include <unordered_map>
#include <vector>

#include "base/characters.hpp"

namespace callgate::registry {
namespace {

constexpr std::size_t context_bytes = 120;   ///< of what is the same, on each side of a difference
constexpr std::size_t most_edits = 400;      ///< words that differ; beyond, one part that differs
constexpr std::size_t longest_word = 32;     ///< bytes; a longer run is several words

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); }

/// Runs of letters and digits, and every other character by itself.
std::vector<std::string_view> words_of(std::string_view text) {
  std::vector<std::string_view> words;
  while (!text.empty()) {
    std::size_t size = 0;
    while (size < text.size() && size < longest_word && is_letter(text[size])) ++size;
    if (size == 0) size = first_character(text).size;
    words.push_back(text.substr(0, size));
    text.remove_prefix(size);
  }
  return words;
}

using Numbers = std::vector<std::uint32_t>;

/// Words as numbers: equal words have equal ones.
Numbers numbered(const std::vector<std::string_view>& words, std::unordered_map<std::string_view, std::uint32_t>& known) {
  Numbers numbers;
  numbers.reserve(words.size());
  for (const std::string_view word : words) numbers.push_back(known.emplace(word, static_cast<std::uint32_t>(known.size())).first->second);
  return numbers;
}

/// Words `before_begin` to `before_end` became words `after_begin` to `after_end`.
struct Edit {
  std::size_t before_begin, before_end, after_begin, after_end;
};

/// The shortest script between two texts, by E. W. Myers, "An O(ND) Difference
/// Algorithm and Its Variations" (1986), greedy and forward.
class Script {
 public:
  Script(const Numbers& before, const Numbers& after) : before_(before), after_(after) {}

  std::vector<Edit> edits() {
    while (first_ < std::min(before_.size(), after_.size()) && before_[first_] == after_[first_]) ++first_;
    before_end_ = before_.size();
    after_end_ = after_.size();
    while (before_end_ > first_ && after_end_ > first_ && before_[before_end_ - 1] == after_[after_end_ - 1]) --before_end_, --after_end_;
    if (before_end_ == first_ || after_end_ == first_) return {{first_, before_end_, first_, after_end_}};
    if (const auto steps = search()) return walk_back(*steps);
    return {{first_, before_end_, first_, after_end_}};
  }

 private:
  using Index = std::ptrdiff_t;

  /// The furthest word of `before` on each diagonal after so many edits, kept
  /// for the way back. The number of edits, if there are not too many.
  std::optional<Index> search() {
    const auto rows = static_cast<Index>(before_end_ - first_);
    const auto columns = static_cast<Index>(after_end_ - first_);
    for (Index edits = 0; edits <= static_cast<Index>(most_edits); ++edits) {
      std::vector<Index> reached(static_cast<std::size_t>(2 * edits + 1), 0);
      for (Index diagonal = -edits; diagonal <= edits; diagonal += 2) {
        Index row = edits == 0 ? 0 : start(edits, diagonal);
        while (row < rows && row - diagonal < columns && row - diagonal >= 0 && same(row, row - diagonal)) ++row;
        reached[static_cast<std::size_t>(diagonal + edits)] = row;
        if (row >= rows && row - diagonal >= columns) {
          reached_.push_back(std::move(reached));
          return edits;
        }
      }
      reached_.push_back(std::move(reached));
    }
    return std::nullopt;
  }

  bool same(Index row, Index column) const {
    return before_[first_ + static_cast<std::size_t>(row)] == after_[first_ + static_cast<std::size_t>(column)];
  }

  Index furthest(Index edits, Index diagonal) const { return reached_[static_cast<std::size_t>(edits)][static_cast<std::size_t>(diagonal + edits)]; }

  /// Whether diagonal is reached from the one above (a word more in `after`).
  bool comes_by_insertion(Index edits, Index diagonal) const {
    if (diagonal == -edits) return true;
    return diagonal != edits && furthest(edits - 1, diagonal - 1) < furthest(edits - 1, diagonal + 1);
  }

  Index start(Index edits, Index diagonal) const {
    return comes_by_insertion(edits, diagonal) ? furthest(edits - 1, diagonal + 1) : furthest(edits - 1, diagonal - 1) + 1;
  }

  std::vector<Edit> walk_back(Index edits) const {
    std::vector<Edit> found;
    Index diagonal = static_cast<Index>(before_end_) - static_cast<Index>(after_end_);
    for (; edits > 0; --edits) {
      const bool inserted = comes_by_insertion(edits, diagonal);
      const Index from = inserted ? diagonal + 1 : diagonal - 1;
      const auto row = first_ + static_cast<std::size_t>(furthest(edits - 1, from));
      const auto column = first_ + static_cast<std::size_t>(furthest(edits - 1, from) - from);
      found.push_back(inserted ? Edit{row, row, column, column + 1} : Edit{row, row + 1, column, column});
      diagonal = from;
    }
    std::ranges::reverse(found);
    return found;
  }

  const Numbers& before_;
  const Numbers& after_;
  std::size_t first_ = 0;
  std::size_t before_end_ = 0;
  std::size_t after_end_ = 0;
  std::vector<std::vector<Index>> reached_;
};

/// Where words stand in their text, with the end of the text behind the last.
std::vector<std::size_t> places_of(const std::vector<std::string_view>& words) {
  std::vector<std::size_t> places{0};
  for (const std::string_view word : words) places.push_back(places.back() + word.size());
  return places;
}

struct Span {
  std::size_t begin, end;
};

/// The text with `changed` in it whole, and of the rest what stands beside them.
std::string cut(std::string_view text, const std::vector<Span>& changed) {
  std::string out;
  std::size_t at = 0;
  const auto is_inside = [&](std::size_t i) { return i < text.size() && (static_cast<unsigned char>(text[i]) & 0xC0U) == 0x80U; };
  const auto leave_out = [&](std::size_t begin, std::size_t end) {
    while (is_inside(begin)) ++begin;
    while (end > begin && is_inside(end)) --end;
    out.append(text.substr(at, begin - at));
    fmt::format_to(std::back_inserter(out), "{}… ({} bytes the same) …{}", at == 0 && begin == 0 ? "" : " ", end - begin, end == text.size() ? "" : " ");
    at = end;
  };
  for (const Span& each : changed) {
    const std::size_t after_last = at == 0 && (out.empty() && each.begin != 0) ? 0 : at + context_bytes;
    const std::size_t begin = std::min(after_last, each.begin);
    // A sign that takes as much room as what it leaves out is of no use.
    if (each.begin > begin + 2 * context_bytes) leave_out(begin, each.begin - context_bytes);
    out.append(text.substr(at, each.end - at));
    at = each.end;
  }
  if (text.size() > at + 2 * context_bytes) leave_out(at + context_bytes, text.size());
  return out.append(text.substr(at));
}

}  // namespace

ChangedParts changed_parts(std::string_view before, std::string_view after) {
  const auto before_words = words_of(before);
  const auto after_words = words_of(after);
  std::unordered_map<std::string_view, std::uint32_t> known;
  const Numbers before_numbers = numbered(before_words, known);
  const Numbers after_numbers = numbered(after_words, known);
  const auto before_places = places_of(before_words);
  const auto after_places = places_of(after_words);
  std::vector<Span> before_spans;
  std::vector<Span> after_spans;
  for (const Edit& each : Script(before_numbers, after_numbers).edits()) {
    before_spans.push_back({before_places[each.before_begin], before_places[each.before_end]});
    after_spans.push_back({after_places[each.after_begin], after_places[each.after_end]});
  }
  return {cut(before, before_spans), cut(after, after_spans)};
}

}  // namespace callgate::registry
