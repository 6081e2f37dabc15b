#include "base/folded_name.hpp"

#include <algorithm>
#include <array>

#include "base/characters.hpp"

namespace callgate {
namespace {

struct Fold {
  char32_t from;
  char to;
};

/// Letters that look like a Latin one, or are one with a stroke, dot or accent
/// that Unicode does not take apart into marks. Sorted.
constexpr std::array folds{
    Fold{0x0131, 'i'}, Fold{0x0142, 'l'}, Fold{0x017F, 's'}, Fold{0x0251, 'a'}, Fold{0x0261, 'g'}, Fold{0x0391, 'a'},
    Fold{0x0392, 'b'}, Fold{0x0395, 'e'}, Fold{0x0396, 'z'}, Fold{0x0397, 'h'}, Fold{0x0399, 'i'}, Fold{0x039A, 'k'},
    Fold{0x039C, 'm'}, Fold{0x039D, 'n'}, Fold{0x039F, 'o'}, Fold{0x03A1, 'p'}, Fold{0x03A4, 't'}, Fold{0x03A5, 'y'},
    Fold{0x03A7, 'x'}, Fold{0x03B1, 'a'}, Fold{0x03B9, 'i'}, Fold{0x03BA, 'k'}, Fold{0x03BD, 'v'}, Fold{0x03BF, 'o'},
    Fold{0x03C1, 'p'}, Fold{0x03C4, 't'}, Fold{0x03C5, 'u'}, Fold{0x03C7, 'x'}, Fold{0x0405, 's'}, Fold{0x0406, 'i'},
    Fold{0x0408, 'j'}, Fold{0x0410, 'a'}, Fold{0x0412, 'b'}, Fold{0x0415, 'e'}, Fold{0x041A, 'k'}, Fold{0x041C, 'm'},
    Fold{0x041D, 'h'}, Fold{0x041E, 'o'}, Fold{0x0420, 'p'}, Fold{0x0421, 'c'}, Fold{0x0422, 't'}, Fold{0x0425, 'x'},
    Fold{0x0430, 'a'}, Fold{0x0435, 'e'}, Fold{0x043A, 'k'}, Fold{0x043E, 'o'}, Fold{0x0440, 'p'}, Fold{0x0441, 'c'},
    Fold{0x0442, 't'}, Fold{0x0443, 'y'}, Fold{0x0445, 'x'}, Fold{0x0455, 's'}, Fold{0x0456, 'i'}, Fold{0x0458, 'j'},
    Fold{0x04BB, 'h'}, Fold{0x0501, 'd'}, Fold{0x051B, 'q'}, Fold{0x051D, 'w'}, Fold{0x212A, 'k'}, Fold{0x2170, 'i'},
};
static_assert(std::ranges::is_sorted(folds, {}, &Fold::from));

/// Blanks, combining marks, joiners, directions, selectors, tags: not seen.
constexpr std::array unseen{
    CharacterRange{0x0000, 0x0020}, CharacterRange{0x007F, 0x00A0}, CharacterRange{0x00AD, 0x00AD},   CharacterRange{0x0300, 0x036F},
    CharacterRange{0x061C, 0x061C}, CharacterRange{0x115F, 0x1160}, CharacterRange{0x17B4, 0x17B5},   CharacterRange{0x180B, 0x180F},
    CharacterRange{0x2000, 0x200F}, CharacterRange{0x2028, 0x202F}, CharacterRange{0x205F, 0x206F},   CharacterRange{0x3000, 0x3000},
    CharacterRange{0x3164, 0x3164}, CharacterRange{0xFE00, 0xFE0F}, CharacterRange{0xFEFF, 0xFEFF},   CharacterRange{0xFFA0, 0xFFA0},
    CharacterRange{0xE0000, 0xE0FFF},
};

/// U+00C0…U+00FF without their accents.
constexpr std::string_view latin1 = "aaaaaaaceeeeiiiidnooooo*ouuuuypsaaaaaaaceeeeiiiidnooooo/ouuuuypy";
static_assert(latin1.size() == 64);

bool is_unseen(char32_t c) {
  return std::ranges::any_of(unseen, [c](const CharacterRange& range) { return range.first <= c && c <= range.last; });
}

/// The ASCII character that `c` is taken for; 0 where there is none.
char ascii_twin(char32_t c) {
  if (c >= 0xFF01 && c <= 0xFF5E) c -= 0xFEE0;  // full-width forms
  if (c >= 0x1D400 && c <= 0x1D6A3) c = U'a' + (c - 0x1D400) % 26;  // mathematical letters
  if (c >= 0x1D7CE && c <= 0x1D7FF) c = U'0' + (c - 0x1D7CE) % 10;  // mathematical digits
  if (c >= 0x24B6 && c <= 0x24E9) c = U'a' + (c - 0x24B6) % 26;     // circled letters
  if (c >= U'A' && c <= U'Z') return static_cast<char>(c + 32);
  if (c == U'-' || c == U'.' || (c >= 0x2010 && c <= 0x2015)) return '_';
  if (c < 0x80) return static_cast<char>(c);
  if (c >= 0xC0 && c <= 0xFF) return latin1[c - 0xC0];
  const auto found = std::ranges::lower_bound(folds, c, {}, &Fold::from);
  return found != folds.end() && found->from == c ? found->to : '\0';
}

}  // namespace

std::string folded_name(std::string_view name) {
  std::string folded;
  while (!name.empty()) {
    const Character next = first_character(name);
    const char twin = next.broken ? '\0' : ascii_twin(next.code);
    if (next.broken || !is_unseen(next.code)) {
      if (twin != '\0') {
        folded += twin;
      } else {
        folded += name.substr(0, next.size);
      }
    }
    name.remove_prefix(next.size);
  }
  return folded;
}

std::string look_alike_key(std::string_view name) {
  std::string key;
  for (const char c : folded_name(name)) {
    if (c == '_') continue;
    key += c == '0' ? 'o' : c == '1' || c == 'i' || c == '|' ? 'l' : c;
  }
  return key;
}

}  // namespace callgate
