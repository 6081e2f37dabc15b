#pragma once

#include <cstdint>
#include <string_view>

#include "base/error.hpp"
#include "cel/notice.hpp"

namespace callgate::cel {

struct Token {
  enum class Kind : std::uint8_t {
    end,
    name,         ///< also the reserved words
    quoted_name,  ///< a name between backticks, without them
    number,
    text,         ///< a string literal with prefix and quotes
    bytes,        ///< the same with `b`
    sign,         ///< an operator or bracket
  };
  Kind kind = Kind::end;
  std::uint32_t begin = 0;
  std::uint32_t end = 0;
  std::string_view text;

  bool is(std::string_view sign) const { return kind == Kind::sign && text == sign; }
};

/// Cuts an expression into tokens (cel-spec, "Syntax"). Blanks and comments are
/// skipped. Pre: the text is UTF-8.
class Lexer {
 public:
  explicit Lexer(std::string_view text) : text_(text) {}
  Checked<Token> next();

 private:
  void skip_blanks();
  Token cut(Token::Kind kind, std::size_t end);
  Checked<Token> number();
  Checked<Token> quoted(std::size_t prefix);
  Checked<Token> quoted_name();
  Checked<Token> sign();
  std::size_t end_of_word(std::size_t from) const;
  char at(std::size_t place) const { return place < text_.size() ? text_[place] : '\0'; }

  std::string_view text_;
  std::size_t place_ = 0;
};

bool is_reserved(std::string_view word);  ///< words that cannot name a variable
bool is_keyword(std::string_view word);   ///< words that cannot name a member either

}  // namespace callgate::cel
