#include "base/credentials.hpp"

#include <algorithm>
#include <array>
#include <bitset>

#include "base/letters.hpp"
#include "base/secret_names.hpp"

namespace callgate {
namespace {

constexpr std::string_view blanks = " \t\r\n";
/// A word of letters and digits that is no name: so long, and so often another kind of character behind one.
constexpr std::size_t shortest_mixed = 20;
constexpr std::size_t shortest_mixed_path = 32;
constexpr std::size_t changes_one_in = 4;
constexpr std::size_t fewest_different = 8;
/// Numbers under `token` and the like count something.
constexpr std::size_t longest_count = 7;
/// So far is looked for the end of a value or an authority that may be none: a hostile line costs no more than so often.
constexpr std::size_t looked_at = 512;

bool is_letter(char c) { return is_small(c) || is_large(c); }
bool is_name_character(char c) { return is_letter(c) || is_digit(c) || c == '_' || c == '-'; }
bool is_word_character(char c) { return is_name_character(c) || c == '+' || c == '%'; }
bool is_quote(char c) { return c == '"' || c == '\'' || c == '`'; }

std::string small(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = is_large(c) ? static_cast<char>(c | 0x20) : c;
  return out;
}

bool mixes_kinds(std::string_view word) {
  const auto kind = [](char c) { return is_digit(c) ? 1 : is_small(c) ? 2 : is_large(c) ? 3 : 0; };
  std::size_t changes = 0;
  std::bitset<256> seen;
  for (std::size_t i = 0; i < word.size(); ++i) {
    seen.set(static_cast<unsigned char>(word[i]));
    if (i > 0 && kind(word[i]) != 0 && kind(word[i - 1]) != 0 && kind(word[i]) != kind(word[i - 1])) ++changes;
  }
  return changes * changes_one_in >= word.size() && seen.count() >= fewest_different &&
         std::ranges::any_of(word, is_digit) && std::ranges::any_of(word, is_letter);
}

bool looks_like_credential(std::string_view word) {
  return SecretNames::built_in().begins_as_secret(word) || (word.size() >= shortest_mixed && mixes_kinds(word));
}

/// A variable or a placeholder: whoever reads it learns where the value comes from.
bool is_reference(std::string_view value) {
  if (value.size() > 3 && value.starts_with("${") && value.ends_with('}')) return value.find('}') == value.size() - 1;
  if (value.size() > 2 && value.front() == '<' && value.back() == '>') return true;
  return value.size() > 1 && value.front() == '$' &&
         std::ranges::all_of(value.substr(1), [](char c) { return is_large(c) || is_digit(c) || c == '_'; });
}

/// What an Authorization header says before the credential itself.
std::size_t scheme_length(std::string_view value) {
  static constexpr std::array<std::string_view, 4> schemes{"bearer ", "basic ", "token ", "apikey "};
  const std::string start = small(value.substr(0, 8));
  for (const std::string_view each : schemes) {
    if (!start.starts_with(each)) continue;
    return std::min(value.find_first_not_of(' ', each.size()), value.size());
  }
  return 0;
}

bool names_a_place(std::string_view name) {
  const std::string folded = small(name);
  return std::ranges::any_of(std::array<std::string_view, 4>{"file", "path", "dir", "folder"},
                             [&](std::string_view each) { return folded.ends_with(each); });
}

bool hides(std::string_view name, std::string_view value) {
  const KeptBack kept = SecretNames::built_in().of(name);
  if (kept == KeptBack::nothing || names_a_place(name)) return false;
  if (kept == KeptBack::text && value.size() <= longest_count && std::ranges::all_of(value, is_digit)) return false;
  value.remove_prefix(scheme_length(value));
  return !value.empty() && value != credential_mask && !is_reference(value);
}

/// Looks for credentials in one text and notes where they stand.
class Search {
 public:
  explicit Search(std::string_view text) : text_(text) {}

  void whole() { note(0, text_.size()); }
  /// `NAME=VALUE` or `Name: VALUE` as one argument: all behind the sign is the value.
  bool one_assignment() {
    std::size_t end = text_.find_first_not_of('-');
    if (end == std::string_view::npos) return false;
    const std::size_t begin = end;
    while (end < text_.size() && is_name_character(text_[end])) ++end;
    if (end == begin || end == text_.size() || (text_[end] != '=' && text_[end] != ':') ||
        text_.substr(end).starts_with("://"))
      return false;
    const std::size_t value = std::min(text_.find_first_not_of(' ', end + 1), text_.size());
    if (!hides(text_.substr(begin, end - begin), text_.substr(value))) return false;
    note(value + scheme_length(text_.substr(value)), text_.size());
    return true;
  }
  void anything() {
    for (std::size_t at = 0; at < text_.size();) at = is_name_character(text_[at]) ? name_at(at) : at + 1;
    for (std::size_t at = text_.find("://"); at != std::string_view::npos; at = text_.find("://", at + 3))
      user_at(at + 3);
    for (std::size_t at = 0; at < text_.size();)
      at = is_word_character(text_[at]) || text_[at] == '/' ? words_at(at) : at + 1;
  }
  Masked masked();

 private:
  struct Place {
    std::size_t begin;
    std::size_t end;
  };
  void note(std::size_t begin, std::size_t end) {
    if (begin < end) places_.push_back({begin, end});
  }
  std::size_t name_at(std::size_t begin);
  static std::size_t value_end(std::string_view text, std::size_t begin, std::string_view name, char sign);
  void user_at(std::size_t begin);
  std::size_t words_at(std::size_t begin);

  std::string_view text_;
  std::vector<Place> places_;
};

/// Where the value that begins there ends: at its quote, or where the next thing begins.
std::size_t Search::value_end(std::string_view text, std::size_t begin, std::string_view name, char sign) {
  if (begin > 0 && is_quote(text[begin - 1])) {
    // A quote behind a backslash is part of the value, unless the first one stood behind one as well.
    const bool escaped = begin > 1 && text[begin - 2] == '\\';
    std::size_t at = begin;
    while (at < text.size() && text[at] != text[begin - 1]) at += text[at] == '\\' && !escaped ? 2 : 1;
    return std::min(at, text.size());
  }
  // A header's value holds blanks and signs of its own.
  const std::string folded = small(name);
  if (sign == ':' && (folded.contains("authoriz") || folded.contains("cookie")))
    return std::min(text.find_first_of("\r\n\"'`", begin), text.size());
  std::size_t from =
      std::min(text.find_first_not_of(blanks, begin + scheme_length(text.substr(begin))), text.size());
  if (text.substr(from).starts_with("${")) from = std::min(text.find('}', from), text.size() - 1) + 1;
  return std::min(text.find_first_of(" \t\r\n\"'`&,;)]}", from), text.size());
}

/// A name, and the value that belongs to it. Answers where to go on.
std::size_t Search::name_at(std::size_t begin) {
  std::size_t end = begin;
  while (end < text_.size() && is_name_character(text_[end])) ++end;
  std::size_t at = end;
  while (at < text_.size() && (text_[at] == '\\' || is_quote(text_[at]))) ++at;
  while (at < text_.size() && text_[at] == ' ') ++at;
  const std::string_view name = text_.substr(begin, end - begin);
  if (SecretNames::built_in().of(name) == KeptBack::nothing) return end;
  const bool flag = text_[begin] == '-' && at > end && at < text_.size() && text_[at] != '-';
  const bool signs =
      at < text_.size() && (text_[at] == '=' || text_[at] == ':') && !text_.substr(at).starts_with("://");
  if (!flag && !signs) return end;
  std::size_t value = signs ? at + 1 : at;
  while (value < text_.size() && text_[value] == ' ') ++value;
  if (value < text_.size() && text_[value] == '\\') ++value;
  if (value < text_.size() && is_quote(text_[value])) ++value;
  const char sign = signs ? text_[at] : ' ';
  const std::string_view near = text_.substr(0, value + looked_at);
  std::size_t until = value_end(near, std::min(value, near.size()), name, sign);
  const auto without_escape = [&] { return until > value && text_[until - 1] == '\\' ? until - 1 : until; };  // of the quote behind it
  if (!hides(name, text_.substr(value, without_escape() - value))) return end;
  if (until == near.size()) until = value_end(text_, value, name, sign);
  until = without_escape();
  note(value + scheme_length(text_.substr(value, until - value)), until);
  return until;
}

/// What stands before the `@` of an authority, also where its password holds a slash.
void Search::user_at(std::size_t begin) {
  const std::string_view near = text_.substr(0, begin + looked_at);
  const std::size_t end = std::min(near.find_first_of(" \t\r\n\"'`<>", begin), near.size());
  const std::string_view whole = text_.substr(begin, end - begin);
  std::string_view authority = whole.substr(0, whole.find_first_of("/?#"));
  const std::size_t colon = authority.find(':');
  const bool port = colon != std::string_view::npos && colon + 1 < authority.size() &&
                    std::ranges::all_of(authority.substr(colon + 1), is_digit);
  if (!authority.contains('@') && colon != std::string_view::npos && !port && !authority.starts_with('['))
    authority = whole;
  const std::size_t at = authority.rfind('@');
  if (at == std::string_view::npos) return;
  const std::string_view user = authority.substr(0, at);
  if (user == credential_mask || is_reference(user)) return;
  note(begin, begin + at);
}

/// A word, or a path of words, by its looks. Answers where to go on.
std::size_t Search::words_at(std::size_t begin) {
  std::size_t end = begin;
  while (end < text_.size() && (is_word_character(text_[end]) || text_[end] == '/')) ++end;
  const std::string_view path = text_.substr(begin, end - begin);
  // What a digest of something public says is no secret.
  const std::string_view before = text_.substr(0, begin);
  if (before.ends_with("sha256:") || before.ends_with("sha512:")) return end;
  const bool relative =
      path.front() != '/' && !before.ends_with('.') && !before.ends_with('~') && !before.ends_with('@');
  const bool encoded = relative && path.contains('/') && path.size() >= shortest_mixed_path && mixes_kinds(path) &&
                       std::ranges::any_of(path, is_large) && std::ranges::any_of(path, is_small);
  if (encoded) {
    note(begin, end);
    return end;
  }
  for (std::size_t at = 0; at < path.size();) {
    const std::size_t slash = std::min(path.find('/', at), path.size());
    if (looks_like_credential(path.substr(at, slash - at))) note(begin + at, begin + slash);
    at = slash + 1;
  }
  return end;
}

Masked Search::masked() {
  std::ranges::sort(places_, {}, &Place::begin);
  Masked out;
  std::size_t done = 0;
  for (auto each = places_.begin(); each != places_.end();) {
    Place place = *each;
    for (; each != places_.end() && each->begin <= place.end; ++each) place.end = std::max(place.end, each->end);
    out.text.append(text_.substr(done, place.begin - done)).append(credential_mask);
    out.hidden.emplace_back(text_.substr(place.begin, place.end - place.begin));
    done = place.end;
  }
  out.text.append(text_.substr(done));
  return out;
}

bool is_flag(std::string_view word) { return word.starts_with("--") || (word.size() == 2 && word.front() == '-'); }

}  // namespace

Masked mask_credentials(std::string_view text) {
  Search search(text);
  search.anything();
  return search.masked();
}

std::vector<Masked> mask_arguments(std::span<const std::string> command) {
  std::vector<Masked> masked;
  std::string_view flag;  // the one that stands before, without a value of its own
  for (std::size_t i = 0; i < command.size(); ++i) {
    const std::string_view word = command[i];
    Search search(word);
    if (i > 0) {
      const bool valued = !flag.empty() && !is_flag(word) && hides(flag, word);
      if (valued)
        search.whole();
      else if (!search.one_assignment())
        search.anything();
    }
    flag = word.starts_with('-') && std::ranges::all_of(word, is_name_character) ? word : std::string_view();
    masked.push_back(search.masked());
  }
  return masked;
}

}  // namespace callgate
