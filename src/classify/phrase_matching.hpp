#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <string_view>

#include "classify/lexicon.hpp"
#include "classify/tokens.hpp"

/// Turns of words in a running text.
namespace callgate::classify {

/// Whether a "not", "without", "never" in the same clause, a few words before
/// `at`, or a "blocked", "refused" a few words behind denies what stands there.
bool is_denied(std::span<const Token> tokens, std::string_view text, std::size_t at);

/// Whether the clause around `at` speaks of another tool: it holds an identifier
/// other than `own_name` together with "use", "see", "call" or "instead".
bool is_of_another_tool(std::span<const Token> tokens, std::string_view text, std::size_t at, std::string_view own_name);

/// Calls `found(phrase, from, to)` for the phrases of the tables that stand in
/// the text, are not denied and are not said of another tool, until it answers
/// that the phrase's meaning is settled. Of a text that is stuffed with phrases
/// only the first few hundred are asked whether they are denied; the rest counts.
void match_phrases(std::string_view text, std::span<const Token> tokens, std::string_view own_name, const Lexicon& lexicon,
                   const std::function<bool(const Phrase&, std::size_t, std::size_t)>& found);

}  // namespace callgate::classify
