#include "policy/expression_place.hpp"

namespace callgate::policy {
namespace {

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

/// The bytes of a file, with line and column (in characters) of the next one.
class TextWalk {
 public:
  TextWalk(std::string_view text, yaml::Mark from) : text_(text) {
    while (mark_.line < from.line && place_ < text_.size()) step();
    while (mark_.line == from.line && mark_.column < from.column && place_ < text_.size()) step();
  }

  bool at_end() const { return place_ >= text_.size(); }
  char peek(std::size_t ahead = 0) const { return place_ + ahead < text_.size() ? text_[place_ + ahead] : '\0'; }
  yaml::Mark mark() const { return mark_; }

  void step() {
    const char c = text_[place_++];
    if (c == '\n') {
      mark_ = {mark_.line + 1, 1};
    } else if (place_ >= text_.size() || (static_cast<unsigned char>(text_[place_]) & 0xc0U) != 0x80U) {
      ++mark_.column;
    }
  }
  void skip_blanks() {
    while (!at_end() && is_blank(peek())) step();
  }
  void skip_line() {
    while (!at_end() && peek() != '\n') step();
  }

 private:
  std::string_view text_;
  std::size_t place_ = 0;
  yaml::Mark mark_;
};

/// Goes to where the scalar's first character stands.
char open_scalar(TextWalk& walk) {
  const char style = walk.peek();
  if (style == '"' || style == '\'') {
    walk.step();
  } else if (style == '|' || style == '>') {
    walk.skip_line();
    walk.skip_blanks();
  }
  return style;
}

/// Goes past one character of the scalar's text, `before` being the last one; false where the file has another one.
bool follow(TextWalk& walk, char c, char before, char style) {
  if (is_blank(c)) {
    if (walk.peek() == c && c != '\n') {
      walk.step();
      return true;
    }
    if (!is_blank(walk.peek())) return is_blank(before);  // it was skipped together with that
    walk.skip_blanks();
    return true;
  }
  // Line breaks and indentation that the text does not have.
  if (is_blank(walk.peek())) walk.skip_blanks();
  if (style == '"' && walk.peek() == '\\') walk.step();
  if (style == '\'' && walk.peek() == '\'') walk.step();
  if (walk.peek() != c) return false;
  walk.step();
  return true;
}

}  // namespace

yaml::Mark place_in_scalar(std::string_view text, const yaml::Node& scalar, std::size_t at) {
  TextWalk walk(text, scalar.mark);
  const char style = open_scalar(walk);
  for (std::size_t i = 0; i < at && i < scalar.text.size(); ++i) {
    if (!follow(walk, scalar.text[i], i > 0 ? scalar.text[i - 1] : '\n', style)) return scalar.mark;
  }
  if (at < scalar.text.size() && !is_blank(scalar.text[at])) walk.skip_blanks();
  return walk.mark();
}

}  // namespace callgate::policy
