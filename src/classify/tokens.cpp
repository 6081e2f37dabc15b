#include "classify/tokens.hpp"

#include <algorithm>
#include <string>

namespace callgate::classify {
namespace {

bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return is_upper(c) || is_lower(c) || (static_cast<unsigned char>(c) & 0x80U) != 0; }

/// What may stand within one written word of a text.
bool is_word_byte(char c) { return is_letter(c) || is_digit(c) || c == '_'; }

/// Punctuation above ASCII that parts clauses: U+2013, U+2014, U+2022, U+2026, U+2192.
bool is_wide_sign(std::string_view text, std::size_t at) {
  if (text.size() - at < 3 || static_cast<unsigned char>(text[at]) != 0xE2) return false;
  return static_cast<unsigned char>(text[at + 1]) == 0x80 || static_cast<unsigned char>(text[at + 1]) == 0x86;
}

class Reader {
 public:
  Reader(std::string_view text, const Lexicon& lexicon, std::size_t limit) : text_(text), lexicon_(lexicon), limit_(limit) {}

  std::vector<Token> read() {
    tokens_.reserve(std::min<std::size_t>(limit_, text_.size() / 5 + 4));
    while (at_ < text_.size() && tokens_.size() < limit_) {
      if (!is_wide_sign(text_, at_) && is_word_byte(text_[at_])) {
        take_word();
      } else {
        take_sign();
      }
    }
    return std::move(tokens_);
  }

 private:
  void take_word() {
    const std::size_t start = at_;
    bool inner_capital = false;
    bool underscore = false;
    while (at_ < text_.size() && is_word_byte(text_[at_]) && !is_wide_sign(text_, at_)) {
      underscore |= text_[at_] == '_';
      inner_capital |= at_ > start && is_upper(text_[at_]) && is_lower(text_[at_ - 1]);
      ++at_;
    }
    take_apostrophe();
    Token& made = tokens_.emplace_back(next_);
    made.start = static_cast<std::uint32_t>(start);
    made.end = static_cast<std::uint32_t>(at_);
    made.joined = start > 0 && start == last_end_ + 1 && (text_[start - 1] == ' ' || text_[start - 1] == '-');
    made.tool_like = underscore || ticks_;
    made.identifier = underscore || inner_capital || ticks_ || (at_ < text_.size() && text_[at_] == '(');
    const std::string_view word = text_.substr(start, at_ - start);
    made.upper = word.size() > 1 && std::ranges::all_of(word, [](char c) { return is_upper(c) || is_digit(c) || c == '_'; });
    if (!underscore) made.entry = lexicon_.find(LowerCase(word).view());
    last_end_ = at_;
    next_ = {};
  }

  /// `doesn't` is one word, `server's` is two.
  void take_apostrophe() {
    if (text_.size() - at_ >= 2 && text_[at_] == '\'' && text_[at_ + 1] == 't') at_ += 2;
  }

  void take_sign() {
    const char c = text_[at_];
    switch (c) {
      case '`': ticks_ = !ticks_; break;
      case '.':
      case '!':
      case '?': end_sentence_before_blank(); break;
      case '\n': take_line_end(); break;
      case ',':
      case '/':
      case '|': next_.listed = true; break;
      case '"':
      case '\'': next_.quoted = true; break;
      case ';':
      case ':':
      case '(':
      case ')': next_.clause = true; break;
      default: break;
    }
    if (is_wide_sign(text_, at_)) {
      next_.clause = true;
      at_ += 2;
    }
    ++at_;
    if (tokens_.empty()) next_.sentence = true;
  }

  void end_sentence_before_blank() {
    if (at_ + 1 < text_.size() && text_[at_ + 1] != ' ' && text_[at_ + 1] != '\n' && text_[at_ + 1] != '\r') return;
    next_.sentence = next_.clause = true;
    ticks_ = false;
  }

  /// A line ends a sentence where the next is empty, an item of a list or a heading.
  void take_line_end() {
    std::size_t next = at_ + 1;
    while (next < text_.size() && (text_[next] == ' ' || text_[next] == '\t' || text_[next] == '\r')) ++next;
    next_.clause = true;
    ticks_ = false;
    if (next >= text_.size()) return;
    const char c = text_[next];
    if (c == '\n' || c == '-' || c == '*' || c == '#' || is_digit(c) || is_upper(c)) next_.sentence = true;
  }

  std::string_view text_;
  const Lexicon& lexicon_;
  std::size_t limit_;
  std::vector<Token> tokens_;
  Token next_{.sentence = true, .clause = true};  ///< marks that wait for the next word
  std::size_t at_ = 0;
  std::size_t last_end_ = 0;
  bool ticks_ = false;
};

/// Whether a part of a name ends before byte `at`.
bool parts_before(std::string_view name, std::size_t at) {
  const char before = name[at - 1];
  const char c = name[at];
  if (is_lower(before) && is_upper(c)) return true;
  // `HTTPServer` is `HTTP` and `Server`; the plural `IDs` stays whole.
  if (!is_upper(before) || !is_upper(c) || at + 1 >= name.size() || !is_lower(name[at + 1])) return false;
  return name[at + 1] != 's' || (at + 2 < name.size() && is_lower(name[at + 2]));
}

}  // namespace

LowerCase::LowerCase(std::string_view text) {
  if (text.size() > sizeof bytes_) return;
  for (const char c : text) bytes_[size_++] = is_upper(c) ? static_cast<char>(c - 'A' + 'a') : c;
}

std::vector<Token> words_of(std::string_view text, const Lexicon& lexicon, std::size_t limit) {
  return Reader(text, lexicon, limit).read();
}

std::vector<Token> parts_of(std::string_view name, const Lexicon& lexicon) {
  std::vector<Token> parts;
  std::size_t start = 0;
  const auto close = [&](std::size_t end) {
    if (end > start) {
      parts.push_back({.start = static_cast<std::uint32_t>(start), .end = static_cast<std::uint32_t>(end),
                       .entry = lexicon.find(LowerCase(name.substr(start, end - start)).view())});
    }
  };
  for (std::size_t at = 0; at < name.size(); ++at) {
    const bool within = is_letter(name[at]) || is_digit(name[at]);
    if (!within) {
      close(at);
      start = at + 1;
    } else if (at > start && parts_before(name, at)) {
      close(at);
      start = at;
    }
  }
  close(name.size());
  return parts;
}

Compound compound_at(std::string_view text, std::span<const Token> tokens, std::size_t at, const Lexicon& lexicon) {
  if (tokens[at].entry == nullptr || !tokens[at].entry->begins_compound) return {};
  for (std::size_t words = std::min<std::size_t>(3, tokens.size() - at); words >= 2; --words) {
    std::string joined;
    for (std::size_t i = at; i < at + words; ++i) {
      if (i > at && (tokens[i].clause || tokens[i].listed)) joined += '\n';
      if (i > at) joined += ' ';
      joined += LowerCase(text.substr(tokens[i].start, tokens[i].end - tokens[i].start)).view();
    }
    if (const Noun* noun = lexicon.compound(joined)) return {noun, words};
  }
  return {};
}

}  // namespace callgate::classify
