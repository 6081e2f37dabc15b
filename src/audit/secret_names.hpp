#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

/// Whether an argument's name says that its value is a secret, by the table
/// `data/audit/secrets.tsv`. Rather too often than once too seldom.
namespace callgate::audit {

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

 private:
  SecretNames();
  struct Entry {
    std::string_view text;  ///< small letters and digits
    bool is_word = false;
    KeptBack keeps = KeptBack::all;
  };
  std::array<std::vector<Entry>, 128> entries_;  ///< by their first character
};

}  // namespace callgate::audit
