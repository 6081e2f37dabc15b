#include <algorithm>
#include <bitset>
#include <charconv>
#include <string>

#include "generate/example.hpp"

namespace callgate::generate {
namespace {

constexpr std::size_t max_repeats = 256;
constexpr unsigned max_groups = 16;

using Class = std::bitset<128>;

void add_range(Class& set, char first, char last) {
  for (int c = first; c <= last; ++c) set.set(static_cast<std::size_t>(c & 0x7F));
}

/// Walks a pattern once and writes one text for it. Always takes the first
/// alternative and the fewest repetitions.
class Walker {
 public:
  Walker(std::string_view pattern, std::size_t fill) : pattern_(pattern), fill_(fill) {}

  std::optional<std::string> run() {
    std::string out = alternatives(0);
    if (failed_ || at_ != pattern_.size()) return std::nullopt;
    return out;
  }

 private:
  bool more() const { return at_ < pattern_.size() && !failed_; }
  bool eat(char c) {
    if (!more() || pattern_[at_] != c) return false;
    ++at_;
    return true;
  }

  std::string alternatives(unsigned depth) {
    std::string first = sequence(depth);
    while (eat('|')) sequence(depth);
    return first;
  }

  std::string sequence(unsigned depth) {
    std::string out;
    while (more() && pattern_[at_] != '|' && pattern_[at_] != ')') {
      const std::string one = atom(depth);
      repeat(out, one);
    }
    return out;
  }

  /// What may stand more often does so until `fill` is used up.
  void repeat(std::string& out, const std::string& one) {
    std::size_t least = 1;
    bool open = false;
    if (eat('*')) {
      least = 0;
      open = true;
    } else if (eat('+')) {
      open = true;
    } else if (eat('?')) {
      least = 0;
    } else if (more() && pattern_[at_] == '{') {
      const auto counted = count(open);
      if (!counted) return fail();
      least = *counted;
    }
    eat('?');
    std::size_t times = least;
    if (open && !one.empty()) {
      times += (fill_ + one.size() - 1) / one.size();
      fill_ = 0;
    }
    if (times * std::max<std::size_t>(one.size(), 1) > max_repeats * 4) return fail();
    for (std::size_t i = 0; i < times; ++i) out += one;
  }

  /// `{n}`, `{n,}`, `{n,m}`.
  std::optional<std::size_t> count(bool& open) {
    const std::size_t end = pattern_.find('}', at_);
    if (end == std::string_view::npos) return std::nullopt;
    const std::string_view inner = pattern_.substr(at_ + 1, end - at_ - 1);
    at_ = end + 1;
    std::size_t least = 0;
    const auto [rest, problem] = std::from_chars(inner.data(), inner.data() + inner.size(), least);
    if (problem != std::errc{} || least > max_repeats) return std::nullopt;
    open = rest != inner.data() + inner.size();
    return least;
  }

  std::string atom(unsigned depth) {
    const char c = pattern_[at_++];
    if (c == '^' || c == '$') return {};
    if (c == '.') return "a";
    if (c == '[') return one_of(class_in_brackets());
    if (c == '\\') return escaped();
    if (c != '(') return std::string(1, c);
    if (depth >= max_groups) fail();
    if (eat('?') && !eat(':')) fail();  // look-around and flags
    std::string inner = failed_ ? std::string() : alternatives(depth + 1);
    if (!eat(')')) fail();
    return inner;
  }

  std::string escaped() {
    if (!more()) return failure();
    const char c = pattern_[at_++];
    if (c == 'd') return "1";
    if (c == 'w' || c == 'S' || c == 'D') return "a";
    if (c == 's') return " ";
    if (c == 'W') return "-";
    if (c == 'b' || c == 'A' || c == 'z') return {};
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    return letter ? failure() : std::string(1, c);
  }

  Class class_in_brackets() {
    Class set;
    const bool negated = eat('^');
    for (bool first = true; more() && (first || pattern_[at_] != ']'); first = false) {
      if (pattern_[at_] == '\\' && at_ + 1 < pattern_.size()) {
        add_escape(set, pattern_[at_ + 1]);
        at_ += 2;
        continue;
      }
      const char low = pattern_[at_++];
      if (static_cast<unsigned char>(low) >= 0x80) continue;
      if (at_ + 1 < pattern_.size() && pattern_[at_] == '-' && pattern_[at_ + 1] != ']') {
        add_range(set, low, pattern_[at_ + 1]);
        at_ += 2;
      } else {
        add_range(set, low, low);
      }
    }
    if (!eat(']')) fail();
    return negated ? ~set : set;
  }

  static void add_escape(Class& set, char c) {
    if (c == 'd' || c == 'w') add_range(set, '0', '9');
    if (c == 'w') {
      add_range(set, 'a', 'z');
      add_range(set, 'A', 'Z');
      add_range(set, '_', '_');
    } else if (c == 's') {
      add_range(set, ' ', ' ');
    } else if (c != 'd') {
      add_range(set, c, c);
    }
  }

  std::string one_of(const Class& set) {
    constexpr std::string_view liked = "a1A_-b2BzZ ./:@";
    for (const char c : liked) {
      if (set.test(static_cast<std::size_t>(c))) return {c};
    }
    for (std::size_t c = 0x21; c < 0x7F; ++c) {
      if (set.test(c)) return {static_cast<char>(c)};
    }
    return failure();
  }

  void fail() { failed_ = true; }
  std::string failure() {
    fail();
    return {};
  }

  std::string_view pattern_;
  std::size_t fill_;
  std::size_t at_ = 0;
  bool failed_ = false;
};

}  // namespace

std::optional<std::string> text_for_pattern(std::string_view pattern, std::size_t fill) {
  if (pattern.size() > 1024 || fill > max_repeats * 2) return std::nullopt;
  return Walker(pattern, fill).run();
}

}  // namespace callgate::generate
