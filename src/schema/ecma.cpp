#include "schema/ecma.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <utility>

namespace callgate::schema {
namespace {

// ECMA-262 WhiteSpace and LineTerminator, and everything else, as members of a class.
constexpr std::string_view white_space =
    "\\t-\\r \\x{a0}\\x{1680}\\x{2000}-\\x{200a}\\x{2028}\\x{2029}\\x{202f}\\x{205f}\\x{3000}\\x{feff}";
constexpr std::string_view no_white_space =
    "\\x{0}-\\x{8}\\x{e}-\\x{1f}\\x{21}-\\x{9f}\\x{a1}-\\x{167f}\\x{1681}-\\x{1fff}\\x{200b}-\\x{2027}"
    "\\x{202a}-\\x{202e}\\x{2030}-\\x{205e}\\x{2060}-\\x{2fff}\\x{3001}-\\x{fefe}\\x{ff00}-\\x{10ffff}";
constexpr std::string_view no_line_end = "[^\\n\\r\\x{2028}\\x{2029}]";

constexpr std::array<std::pair<std::string_view, std::string_view>, 12> categories = {{{"Letter", "L"},
                                                                                       {"Uppercase_Letter", "Lu"},
                                                                                       {"Lowercase_Letter", "Ll"},
                                                                                       {"Mark", "M"},
                                                                                       {"Number", "N"},
                                                                                       {"Decimal_Number", "Nd"},
                                                                                       {"digit", "Nd"},
                                                                                       {"Punctuation", "P"},
                                                                                       {"punct", "P"},
                                                                                       {"Symbol", "S"},
                                                                                       {"Separator", "Z"},
                                                                                       {"Other", "C"}}};

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

std::optional<std::uint32_t> hex(std::string_view digits) {
  if (digits.empty() || digits.size() > 6) return std::nullopt;
  std::uint32_t value = 0;
  for (const char c : digits) {
    const bool decimal = c >= '0' && c <= '9';
    const char lower = static_cast<char>(c | 0x20);
    if (!decimal && (lower < 'a' || lower > 'f')) return std::nullopt;
    value = value * 16 + static_cast<std::uint32_t>(decimal ? c - '0' : lower - 'a' + 10);
  }
  return value;
}

/// `(?i)` and the like are not of ECMA-262: such a text is written for RE2.
bool has_inline_flags(std::string_view text) {
  for (std::size_t i = text.find("(?"); i != std::string_view::npos; i = text.find("(?", i + 2)) {
    const char next = i + 2 < text.size() ? text[i + 2] : '\0';
    if ((is_letter(next) && next != 'P') || next == '-') return true;
  }
  return false;
}

class Rewriter {
 public:
  explicit Rewriter(std::string_view text) : text_(text), own_dot_(!has_inline_flags(text)) {}

  std::string run() {
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c == '\\') {
        escape();
      } else if (in_class_) {
        in_class_ = c != ']';
        copy(1);
      } else if (c == '[') {
        open_class();
      } else if (c == '.' && own_dot_) {
        replace(1, no_line_end);
      } else if (rest().starts_with("(?<") && !rest().starts_with("(?<=") && !rest().starts_with("(?<!")) {
        replace(3, "(?P<");
      } else {
        copy(1);
      }
    }
    return std::move(out_);
  }

 private:
  std::string_view rest() const { return text_.substr(at_); }
  void copy(std::size_t n) { replace(n, rest().substr(0, n)); }
  void replace(std::size_t n, std::string_view with) {
    out_ += with;
    at_ += n;
  }

  void open_class() {
    if (rest().starts_with("[^]")) return replace(3, "(?s:.)");
    if (rest().starts_with("[]")) return replace(2, "[^\\x{0}-\\x{10ffff}]");
    in_class_ = true;
    copy(rest().starts_with("[^") ? 2 : 1);
  }

  void escape() {
    const char kind = rest().size() > 1 ? rest()[1] : '\0';
    if (kind == 's') return class_members(white_space);
    if (kind == 'S') return class_members(no_white_space);
    if (kind == 'u' && code_point()) return;
    if ((kind == 'p' || kind == 'P') && property()) return;
    if (kind == 'c' && rest().size() > 2 && is_letter(rest()[2])) {
      return replace(3, fmt::format("\\x{{{:x}}}", rest()[2] & 0x1f));
    }
    copy(rest().size() > 1 ? 2 : 1);
  }

  void class_members(std::string_view members) {
    if (in_class_) return replace(2, members);
    replace(2, fmt::format("[{}]", members));
  }

  bool code_point() {
    if (rest().starts_with("\\u{")) {
      const std::size_t end = rest().find('}');
      if (end == std::string_view::npos || !hex(rest().substr(3, end - 3))) return false;
      replace(end + 1, fmt::format("\\x{{{}}}", rest().substr(3, end - 3)));
      return true;
    }
    auto value = unit(0);
    if (!value) return false;
    std::size_t length = 6;
    if (const auto low = unit(6); *value >= 0xd800 && *value < 0xdc00 && low && *low >= 0xdc00 && *low < 0xe000) {
      value = 0x10000 + ((*value - 0xd800) << 10) + (*low - 0xdc00);
      length = 12;
    }
    replace(length, fmt::format("\\x{{{:x}}}", *value));
    return true;
  }

  /// The `\uXXXX` that stands `ahead` bytes further on.
  std::optional<std::uint32_t> unit(std::size_t ahead) const {
    const std::string_view here = rest().substr(std::min(ahead, rest().size()));
    if (here.size() < 6 || !here.starts_with("\\u")) return std::nullopt;
    return hex(here.substr(2, 4));
  }

  bool property() {
    const std::size_t end = rest().find('}');
    if (!rest().substr(2).starts_with('{') || end == std::string_view::npos) return false;
    std::string_view name = rest().substr(3, end - 3);
    const std::string_view full = name;
    for (const std::string_view prefix : {"General_Category=", "gc=", "Script=", "sc="}) {
      if (name.starts_with(prefix)) name.remove_prefix(prefix.size());
    }
    for (const auto& [longer, shorter] : categories) {
      if (name == longer) name = shorter;
    }
    if (name == full) return false;
    replace(end + 1, fmt::format("\\{}{{{}}}", rest()[1], name));
    return true;
  }

  std::string_view text_;
  std::string out_;
  std::size_t at_ = 0;
  bool in_class_ = false;
  bool own_dot_;
};

}  // namespace

std::string to_re2(std::string_view pattern) { return Rewriter(pattern).run(); }

}  // namespace callgate::schema
