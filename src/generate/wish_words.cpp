#include "generate/wish_words.hpp"

#include <algorithm>

namespace callgate::generate {
namespace {

constexpr std::size_t max_words = 400;

bool is_blank(char c) { return c == ' ' || c == '\n' || c == '\t' || c == '\r'; }
bool is_operator(char c) { return c == '<' || c == '>' || c == '=' || c == '!'; }
bool is_stop(char c) { return c == ',' || c == ';'; }

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c | 0x20 : c);
  return out;
}

class Cutter {
 public:
  explicit Cutter(std::string_view text) : text_(text) {}

  std::vector<WishWord> cut() {
    while (at_ < text_.size() && words_.size() < max_words) {
      const char c = text_[at_];
      if (is_blank(c)) {
        ++at_;
      } else if (is_stop(c)) {
        end_last();
        ++at_;
      } else if (c == '"' || c == '\'' || c == '`') {
        quoted(c);
      } else if (is_operator(c)) {
        take([](char each) { return is_operator(each); });
      } else {
        take([](char each) { return !is_blank(each) && !is_stop(each) && !is_operator(each); });
        strip_full_stop();
      }
    }
    return std::move(words_);
  }

 private:
  void end_last() {
    if (!words_.empty()) words_.back().ends = true;
  }

  template <class Fits>
  void take(Fits fits) {
    const std::size_t first = at_;
    while (at_ < text_.size() && fits(text_[at_])) ++at_;
    words_.push_back({std::string(text_.substr(first, at_ - first)), lower(text_.substr(first, at_ - first))});
  }

  void quoted(char mark) {
    const std::size_t end = std::min(text_.find(mark, at_ + 1), text_.size());
    const std::string_view inner = text_.substr(at_ + 1, end - at_ - 1);
    words_.push_back({std::string(inner), lower(inner), true});
    at_ = std::min(end + 1, text_.size());
  }

  /// A full stop or a colon at the end of a word belongs to the sentence.
  void strip_full_stop() {
    WishWord& word = words_.back();
    while (word.text.size() > 1 && (word.text.back() == '.' || word.text.back() == ':' || word.text.back() == '!')) {
      word.text.pop_back();
      word.lower.pop_back();
      word.ends = true;
    }
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::vector<WishWord> words_;
};

}  // namespace

std::vector<WishWord> words_of_wish(std::string_view sentence) { return Cutter(sentence).cut(); }

}  // namespace callgate::generate
