#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

/// Whether the name of an argument, a flag or a variable says that its value is a
/// secret, by the table `data/base/secrets.tsv`. Rather too often than once too seldom.
namespace callgate {

/// What is kept back under a name.
enum class KeptBack : std::uint8_t {
  nothing,
  text,  ///< numbers under it count something (`max_tokens`)
  all,
};

/// Immutable. Threads: any.
class SecretNames {
 public:
  static const SecretNames& built_in();

  /// A name that is too long to be looked at keeps all back.
  KeptBack of(std::string_view name) const;
  /// Whether a word begins as the tokens of a known service do, and is long enough for one.
  bool begins_as_secret(std::string_view word) const;

 private:
  SecretNames();
  struct Entry {
    std::string_view text;  ///< small letters and digits
    bool is_word = false;
    KeptBack keeps = KeptBack::all;
  };
  std::array<std::vector<Entry>, 128> entries_;  ///< by their first character
  std::vector<std::string_view> beginnings_;
};

}  // namespace callgate
