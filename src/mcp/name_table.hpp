#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/ascii_case.hpp"

namespace callgate::mcp {

/// A fixed set of short names, looked up by exact bytes. Names of one length
/// lie side by side, so a lookup compares with the few of the same length only.
/// The answer is the name's position in the list that the table was made from.
template <std::size_t N>
class NameTable {
 public:
  static constexpr std::size_t max_size = 63;

  consteval explicit NameTable(const std::array<std::string_view, N>& names) {
    std::size_t next = 0;
    for (std::size_t size = 0; size <= max_size; ++size) {
      first_[size] = static_cast<std::uint8_t>(next);
      for (std::size_t i = 0; i < N; ++i) {
        if (names[i].size() != size) continue;
        names_[next] = names[i];
        words_[next] = ascii::short_word(names[i]);
        place_[next++] = static_cast<std::int16_t>(i);
      }
    }
    first_[max_size + 1] = static_cast<std::uint8_t>(next);
    if (next != N) throw "a name is longer than max_size";
  }

  /// The position of `name`, or −1.
  constexpr int find(std::string_view name) const {
    if (name.size() > max_size) return -1;
    const std::uint64_t word = ascii::short_word(name);
    for (std::size_t i = first_[name.size()]; i != first_[name.size() + 1]; ++i) {
      if (words_[i] == word && (name.size() <= sizeof word || names_[i] == name)) return place_[i];
    }
    return -1;
  }

 private:
  static_assert(N < 256);
  std::array<std::string_view, N> names_{};
  std::array<std::uint64_t, N> words_{};  ///< of their first bytes: they tell most names of a length apart
  std::array<std::int16_t, N> place_{};
  std::array<std::uint8_t, max_size + 2> first_{};
};

}  // namespace callgate::mcp
