#pragma once

#include <string>
#include <string_view>

namespace callgate::policy {

/// `c`, of A to Z the small letter.
constexpr char small(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }

/// The value of a hexadecimal digit, or −1.
int hex_digit(char c);

/// Decodes `%XX` once; a `%` that starts no escape stands for itself, as servers read it.
std::string decoded(std::string_view text);

/// Whether `text` holds a `%XX`.
bool has_escape(std::string_view text);

}  // namespace callgate::policy
