#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "classify/lexicon.hpp"

/// Texts and names as words with their places. One pass, linear; bytes that
/// are no ASCII letters never join words to others.
namespace callgate::classify {

struct Token {
  std::uint32_t start = 0;
  std::uint32_t end = 0;
  const Entry* entry = nullptr;  ///< null: in no table
  bool sentence = false;    ///< the first word of a sentence
  bool clause = false;      ///< the first word after a sign that parts clauses
  bool joined = false;      ///< follows the word before it with a single blank or hyphen
  bool identifier = false;  ///< `get_user`, `getUser`, `get-user-by-id` or in backticks: a name, no word
  bool tool_like = false;   ///< an identifier with an underscore, or in backticks
  bool listed = false;      ///< stands after a comma or slash
  bool upper = false;       ///< all capitals, two letters or more
  bool quoted = false;      ///< directly within quotation marks
};

inline bool is_one_of(std::string_view word, std::span<const std::string_view> words) { return std::ranges::find(words, word) != words.end(); }

/// At most `limit` words of a running text, for descriptions.
std::vector<Token> words_of(std::string_view text, const Lexicon& lexicon, std::size_t limit);

/// The parts of an identifier: `_`, `-`, `.`, `/`, blanks, camelCase and digits part them.
std::vector<Token> parts_of(std::string_view name, const Lexicon& lexicon);

/// `text`'s letters in lower case, for a look into the tables; at most 64 bytes.
class LowerCase {
 public:
  explicit LowerCase(std::string_view text);
  std::string_view view() const { return {bytes_, size_}; }

 private:
  char bytes_[64];
  std::size_t size_ = 0;
};

/// The compound noun of two or three words that begins at `at`, and its length; or null.
struct Compound {
  const Noun* noun = nullptr;
  std::size_t words = 0;
};
Compound compound_at(std::string_view text, std::span<const Token> tokens, std::size_t at, const Lexicon& lexicon);

}  // namespace callgate::classify
