#include "classify/phrase_matching.hpp"

#include <algorithm>
#include <array>
#include <vector>

namespace callgate::classify {
namespace {

constexpr std::size_t reach_before = 5;
constexpr std::size_t reach_behind = 6;
constexpr std::size_t clause_reach = 24;
constexpr std::size_t max_asked = 400;

constexpr std::array<std::string_view, 18> denials{"not", "no", "never", "without", "cannot", "can't", "don't", "doesn't", "won't", "isn't", "didn't", "nor", "neither", "avoid", "avoids", "non", "instead", "prevents"};
constexpr std::array<std::string_view, 12> refusals{"blocked", "refused", "rejected", "disabled", "disallowed", "prohibited", "forbidden", "denied", "filtered", "unsupported", "unavailable", "stripped"};
constexpr std::array<std::string_view, 8> pointers{"use", "see", "call", "instead", "using", "via", "prefer", "try"};

std::string_view word_at(std::string_view text, const Token& token) { return text.substr(token.start, token.end - token.start); }

bool is_word(std::string_view text, const Token& token, std::span<const std::string_view> words) {
  return is_one_of(LowerCase(word_at(text, token)).view(), words);
}

/// The number of words that the phrase takes at `at`, or 0.
std::size_t phrase_length_at(const Phrase& phrase, std::span<const Token> tokens, std::size_t at) {
  if (tokens.size() - at < phrase.steps.size()) return 0;
  for (std::size_t i = 0; i < phrase.steps.size(); ++i) {
    const Token& token = tokens[at + i];
    if (i > 0 && token.sentence) return 0;
    if (phrase.steps[i].empty()) continue;
    if (token.entry == nullptr || std::ranges::find(phrase.steps[i], token.entry->id) == phrase.steps[i].end()) return 0;
  }
  return phrase.steps.size();
}

}  // namespace

bool is_denied(std::span<const Token> tokens, std::string_view text, std::size_t at) {
  for (std::size_t back = 0; back < reach_before && at > back; ++back) {
    if (tokens[at - back].clause) break;
    if (is_word(text, tokens[at - back - 1], denials)) return true;
  }
  for (std::size_t i = at + 1; i < tokens.size() && i <= at + reach_behind && !tokens[i].sentence; ++i) {
    if (is_word(text, tokens[i], refusals)) return true;
  }
  return false;
}

bool is_of_another_tool(std::span<const Token> tokens, std::string_view text, std::size_t at, std::string_view own_name) {
  std::size_t begin = at;
  while (begin > 0 && at - begin < clause_reach && !tokens[begin].clause) --begin;
  std::size_t end = at + 1;
  while (end < tokens.size() && end < at + clause_reach && !tokens[end].clause) ++end;
  const auto clause = tokens.subspan(begin, end - begin);
  const bool other = std::ranges::any_of(clause, [&](const Token& token) {
    const std::string_view word = word_at(text, token);
    return token.tool_like && word.size() > 4 && word != own_name;
  });
  return other && std::ranges::any_of(clause, [&](const Token& token) { return is_word(text, token, pointers); });
}

void match_phrases(std::string_view text, std::span<const Token> tokens, std::string_view own_name, const Lexicon& lexicon,
                   const std::function<bool(const Phrase&, std::size_t, std::size_t)>& found) {
  std::vector<bool> settled(lexicon.meanings.size());
  std::size_t asked = 0;
  for (std::size_t at = 0; at < tokens.size(); ++at) {
    if (tokens[at].entry == nullptr) continue;
    for (const std::uint16_t index : tokens[at].entry->phrases) {
      const Phrase& phrase = lexicon.phrases[index];
      if (settled[phrase.meaning]) continue;
      const std::size_t length = phrase_length_at(phrase, tokens, at);
      if (length == 0) continue;
      if (phrase.deniable && ++asked <= max_asked && (is_denied(tokens, text, at) || is_of_another_tool(tokens, text, at, own_name))) continue;
      settled[phrase.meaning] = found(phrase, at, at + length);
    }
  }
}

}  // namespace callgate::classify
