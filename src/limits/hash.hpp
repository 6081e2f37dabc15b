#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>

namespace callgate::limits {

/// Folds two words into one: a multiplication to 128 bits whose halves are
/// joined (as wyhash does).
inline std::uint64_t fold(std::uint64_t a, std::uint64_t b) {
  __extension__ using Wide = unsigned __int128;
  const Wide product = Wide{a ^ 0x9e3779b97f4a7c15ULL} * Wide{b ^ 0xd6e8feb86659fd93ULL};
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64U);
}

/// Mixes a value into a hash. Not for hostile keys: those of counters are names
/// and ids that the gateway and its operator choose.
inline std::uint64_t mix(std::uint64_t hash, std::uint64_t value) { return fold(hash, value); }

/// The same for a text; its length counts, so texts one after another stay apart.
inline std::uint64_t mix(std::uint64_t hash, std::string_view text) {
  hash += text.size() * 0xa0761d6478bd642fULL;
  std::uint64_t words[2] = {};
  while (text.size() > 16) {
    std::memcpy(words, text.data(), 16);
    hash = fold(hash ^ words[0], words[1]);
    text.remove_prefix(16);
  }
  words[0] = words[1] = 0;
  if (text.size() >= 8) {
    std::memcpy(words, text.data(), 8);
    std::memcpy(words + 1, text.data() + text.size() - 8, 8);
  } else if (!text.empty()) {
    std::memcpy(words, text.data(), text.size());
  }
  return fold(hash ^ words[0], words[1]);
}

}  // namespace callgate::limits
