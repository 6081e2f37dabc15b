#include "classify/inflection.hpp"

namespace callgate::classify {
namespace {

bool is_vowel(char c) { return c == 'a' || c == 'e' || c == 'i' || c == 'o' || c == 'u'; }

bool ends_in_consonant_y(std::string_view word) {
  return word.size() > 1 && word.back() == 'y' && !is_vowel(word[word.size() - 2]);
}

bool takes_es(std::string_view word) {
  return word.ends_with('s') || word.ends_with('x') || word.ends_with('z') || word.ends_with("ch") || word.ends_with("sh");
}

std::size_t vowel_groups(std::string_view word) {
  std::size_t groups = 0;
  bool before = false;
  for (const char c : word) {
    const bool vowel = is_vowel(c);
    if (vowel && !before) ++groups;
    before = vowel;
  }
  return groups;
}

/// One syllable that ends consonant, vowel, consonant: `stop`, `put`, `trim`.
bool doubles_its_end(std::string_view word) {
  if (word.size() < 3 || vowel_groups(word) != 1) return false;
  const char last = word.back();
  return !is_vowel(last) && last != 'w' && last != 'x' && last != 'y' && is_vowel(word[word.size() - 2]) && !is_vowel(word[word.size() - 3]);
}

std::string with_s(std::string_view word) {
  if (ends_in_consonant_y(word)) return std::string(word.substr(0, word.size() - 1)) + "ies";
  return std::string(word) + (takes_es(word) ? "es" : "s");
}

std::string with_ending(std::string_view word, std::string_view ending) {
  std::string stem(word);
  if (doubles_its_end(word)) {
    stem += word.back();
  } else if (word.size() > 2 && word.back() == 'e' && !word.ends_with("ee")) {
    stem.pop_back();
  }
  return stem.append(ending);
}

}  // namespace

std::string third_person(std::string_view verb) { return with_s(verb); }
std::string gerund(std::string_view verb) { return with_ending(verb, "ing"); }

std::string past(std::string_view verb) {
  if (ends_in_consonant_y(verb)) return std::string(verb.substr(0, verb.size() - 1)) + "ied";
  return with_ending(verb, "ed");
}

std::string plural(std::string_view noun) {
  const std::size_t space = noun.rfind(' ');
  if (space == std::string_view::npos) return with_s(noun);
  return std::string(noun.substr(0, space + 1)) + with_s(noun.substr(space + 1));
}

}  // namespace callgate::classify
