#include "cel/lexer.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>

namespace callgate::cel {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_hex(char c) { return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }
bool is_word_start(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool is_word(char c) { return is_word_start(c) || is_digit(c); }
bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f'; }
bool is_quote(char c) { return c == '"' || c == '\''; }

constexpr std::array<std::string_view, 4> keywords = {"true", "false", "null", "in"};
constexpr std::array<std::string_view, 17> reserved = {"as",  "break",  "const",   "continue",  "else",   "for", "function", "if",   "import",
                                                       "let", "loop",   "package", "namespace", "return", "var", "void",     "while"};
constexpr std::array<std::string_view, 6> long_signs = {"&&", "||", "==", "!=", "<=", ">="};
constexpr std::string_view short_signs = "<>!?:.,()[]{}+-*/%";

/// What to write for a sign that other languages have.
std::string_view remedy(char c) {
  switch (c) {
    case '=': return "write `==` to compare";
    case '&': return "write `&&`";
    case '|': return "write `||`";
    default: return "CEL has no such sign";
  }
}

}  // namespace

bool is_keyword(std::string_view word) { return std::ranges::find(keywords, word) != keywords.end(); }
bool is_reserved(std::string_view word) { return is_keyword(word) || std::ranges::find(reserved, word) != reserved.end(); }

void Lexer::skip_blanks() {
  for (;;) {
    while (place_ < text_.size() && is_blank(text_[place_])) ++place_;
    if (at(place_) != '/' || at(place_ + 1) != '/') return;
    while (place_ < text_.size() && text_[place_] != '\n' && text_[place_] != '\r') ++place_;
  }
}

Token Lexer::cut(Token::Kind kind, std::size_t end) {
  const Token token{kind, static_cast<std::uint32_t>(place_), static_cast<std::uint32_t>(end), text_.substr(place_, end - place_)};
  place_ = end;
  return token;
}

std::size_t Lexer::end_of_word(std::size_t from) const {
  while (is_word(at(from))) ++from;
  return from;
}

Checked<Token> Lexer::next() {
  skip_blanks();
  if (place_ == text_.size()) return cut(Token::Kind::end, place_);
  const char c = text_[place_];
  if (is_quote(c)) return quoted(0);
  if (is_word_start(c)) {
    // A prefix of a literal: r"…", b"…", rb"…", br"…".
    std::size_t prefix = 0;
    while (prefix < 2 && std::string_view("rRbB").find(at(place_ + prefix)) != std::string_view::npos) ++prefix;
    if (prefix > 0 && is_quote(at(place_ + prefix))) return quoted(prefix);
    return cut(Token::Kind::name, end_of_word(place_));
  }
  if (is_digit(c) || (c == '.' && is_digit(at(place_ + 1)))) return number();
  return c == '`' ? quoted_name() : sign();
}

Checked<Token> Lexer::number() {
  std::size_t end = place_;
  if (at(end) == '0' && (at(end + 1) == 'x' || at(end + 1) == 'X')) {
    end += 2;
    while (is_hex(at(end))) ++end;
  } else {
    while (is_digit(at(end))) ++end;
    if (at(end) == '.' && is_digit(at(end + 1))) {
      ++end;
      while (is_digit(at(end))) ++end;
    }
    if (at(end) == 'e' || at(end) == 'E') {
      const std::size_t sign = at(end + 1) == '+' || at(end + 1) == '-' ? 1 : 0;
      if (is_digit(at(end + 1 + sign))) end += 1 + sign;
      while (is_digit(at(end))) ++end;
    }
  }
  if (at(end) == 'u' || at(end) == 'U') ++end;
  if (const std::size_t word = end_of_word(end); word != end) {
    return refuse(place_, fmt::format("`{}` is no number: names do not begin with a digit", text_.substr(place_, word - place_)));
  }
  return cut(Token::Kind::number, end);
}

Checked<Token> Lexer::quoted(std::size_t prefix) {
  const std::string_view before = text_.substr(place_, prefix);
  const bool raw = before.find_first_of("rR") != std::string_view::npos;
  const bool bytes = before.find_first_of("bB") != std::string_view::npos;
  if (prefix == 2 && raw != bytes) return refuse(place_, fmt::format("`{}` is no prefix of a text", before));
  const std::size_t open = place_ + prefix;
  const char quote = text_[open];
  const bool triple = at(open + 1) == quote && at(open + 2) == quote;
  const std::size_t marks = triple ? 3 : 1;
  for (std::size_t end = open + marks; end < text_.size(); ++end) {
    const char c = text_[end];
    if (c == '\\' && !raw) {
      ++end;
    } else if (!triple && (c == '\n' || c == '\r')) {
      break;
    } else if (c == quote && (!triple || (at(end + 1) == quote && at(end + 2) == quote))) {
      return cut(bytes ? Token::Kind::bytes : Token::Kind::text, end + marks);
    }
  }
  return refuse(place_, fmt::format("this text has no end: close it with `{}`", text_.substr(open, marks)));
}

Checked<Token> Lexer::quoted_name() {
  std::size_t end = place_ + 1;
  while (is_word(at(end)) || std::string_view(".-/ ").find(at(end)) != std::string_view::npos) {
    if (end >= text_.size()) break;
    ++end;
  }
  if (at(end) != '`' || end == place_ + 1) {
    return refuse(place_, "a name in backticks holds letters, digits, `_`, `.`, `-`, `/` and blanks only: write `[\"…\"]` for any other");
  }
  Token token = cut(Token::Kind::quoted_name, end + 1);
  token.text = token.text.substr(1, token.text.size() - 2);
  return token;
}

Checked<Token> Lexer::sign() {
  for (const std::string_view sign : long_signs) {
    if (text_.substr(place_, 2) == sign) return cut(Token::Kind::sign, place_ + 2);
  }
  const char c = text_[place_];
  if (short_signs.find(c) != std::string_view::npos) return cut(Token::Kind::sign, place_ + 1);
  const bool shows = c > 0x20 && c < 0x7f;
  return refuse(place_, fmt::format("`{}` does not belong here: {}", shows ? c : '?', remedy(c)));
}

}  // namespace callgate::cel
