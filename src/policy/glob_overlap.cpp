#include "policy/glob_overlap.hpp"

#include <algorithm>
#include <cstddef>
#include <deque>
#include <string_view>
#include <vector>

namespace callgate::policy {
namespace {

using Characters = std::vector<std::string_view>;

Characters characters(std::string_view pattern) {
  Characters all;
  for (std::size_t at = 0; at < pattern.size();) {
    std::size_t end = at + 1;
    while (end < pattern.size() && (static_cast<unsigned char>(pattern[end]) & 0xc0) == 0x80) ++end;
    all.push_back(pattern.substr(at, end - at));
    at = end;
  }
  return all;
}

/// Looks for a way through both patterns at once, shorter ones first.
class Search {
 public:
  Search(std::string_view a, std::string_view b) : a_(characters(a)), b_(characters(b)), reached_((a_.size() + 1) * (b_.size() + 1)) {}

  std::optional<std::string> run() {
    reached_[0].length = 0;
    next_.push_back(0);
    while (!next_.empty()) {
      const std::size_t at = next_.front();
      next_.pop_front();
      const std::size_t i = at / width();
      const std::size_t j = at % width();
      if (i == a_.size() && j == b_.size()) return text_to(at);
      go_on(at, i, j);
    }
    return std::nullopt;
  }

 private:
  struct Place {
    std::size_t length = std::string_view::npos;  ///< characters read on the shortest way here; npos: none is known
    std::size_t from = 0;
    std::string_view character;  ///< the last of them; empty where the last step read none
  };

  std::size_t width() const { return b_.size() + 1; }
  static bool is(const Characters& all, std::size_t at, std::string_view what) { return at < all.size() && all[at] == what; }

  void go_on(std::size_t from, std::size_t i, std::size_t j) {
    if (is(a_, i, "*")) reach(from, i + 1, j, {});
    if (is(b_, j, "*")) reach(from, i, j + 1, {});
    if (i == a_.size() || j == b_.size()) return;
    const bool any_a = a_[i] == "*" || a_[i] == "?";
    const bool any_b = b_[j] == "*" || b_[j] == "?";
    if (!any_a && !any_b && a_[i] != b_[j]) return;
    const std::string_view character = !any_a ? a_[i] : !any_b ? b_[j] : "x";
    reach(from, i + (a_[i] == "*" ? 0 : 1), j + (b_[j] == "*" ? 0 : 1), character);
  }

  /// What costs no character comes first.
  void reach(std::size_t from, std::size_t i, std::size_t j, std::string_view character) {
    const std::size_t at = i * width() + j;
    const std::size_t length = reached_[from].length + (character.empty() ? 0 : 1);
    if (length >= reached_[at].length) return;
    reached_[at] = {length, from, character};
    if (character.empty()) next_.push_front(at);
    else next_.push_back(at);
  }

  std::string text_to(std::size_t at) const {
    std::vector<std::string_view> read;
    for (; at != 0; at = reached_[at].from) read.push_back(reached_[at].character);
    std::string text;
    for (auto each = read.rbegin(); each != read.rend(); ++each) text += *each;
    return text;
  }

  Characters a_;
  Characters b_;
  std::vector<Place> reached_;
  std::deque<std::size_t> next_;
};

/// Up to the first `*` or `?` nothing else can stand there.
bool begin_alike(std::string_view a, std::string_view b) {
  const std::size_t both = std::min({a.find_first_of("*?"), b.find_first_of("*?"), a.size(), b.size()});
  return a.substr(0, both) == b.substr(0, both);
}

}  // namespace

std::optional<std::string> matched_by_both(const Glob& a, const Glob& b) {
  if (!begin_alike(a.pattern(), b.pattern())) return std::nullopt;
  return Search(a.pattern(), b.pattern()).run();
}

}  // namespace callgate::policy
