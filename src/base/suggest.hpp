#pragma once

#include <span>
#include <string>
#include <string_view>

namespace callgate {

/// The candidate that a misspelt word most likely meant: at most two letters
/// (one for words up to four) wrong, missing, extra or swapped; letter case does
/// not count. Empty where none is near.
std::string_view closest(std::string_view word, std::span<const std::string_view> candidates);

/// "; did you mean `x`?" or nothing.
std::string did_you_mean(std::string_view word, std::span<const std::string_view> candidates);

}  // namespace callgate
