#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace callgate::generate {

/// A word of a sentence.
struct WishWord {
  std::string text;     ///< as written, without quotes and punctuation
  std::string lower;    ///< in small letters
  bool quoted = false;  ///< stood in quotes or backticks: a name or value, never a word of the grammar
  bool ends = false;    ///< punctuation follows
};

/// The words of a sentence; operators (`<=`) are words of their own.
std::vector<WishWord> words_of_wish(std::string_view sentence);

}  // namespace callgate::generate
