#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/rows.hpp"
#include "catalogue/blocks.hpp"

/// The sentences of `data/catalogue/sentences.tsv`. Threads: any.
namespace callgate::catalogue {

using Filling = std::pair<std::string_view, Inline>;

/// The sentence with its gaps filled in. Pre: the table has it, and every gap is filled.
Line say(std::string_view id, std::initializer_list<Filling> fillings = {});
/// Whether the table has such a sentence.
bool can_say(std::string_view id);
/// As plain text, gaps filled with their texts.
std::string plain(const Line& line);

/// All tables that the build put into the program.
std::span<const BuiltInTable> built_in_tables();

std::string_view article(std::string_view word);                      ///< `a` or `an`
std::string count_of(std::size_t count, std::string_view singular);   ///< "1 tool", "2 tools"
std::string listed(const std::vector<std::string>& names, std::string_view last = "and");  ///< "a, b and c"
/// The sentence with a piece of several words in its gap `{gap}`. Pre: it has that gap alone.
Line say_with(std::string_view id, std::string_view gap, const Line& filling);

}  // namespace callgate::catalogue
