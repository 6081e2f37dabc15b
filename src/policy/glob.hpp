#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace callgate::policy {

/// A pattern of `*` (any characters, also none) and `?` (one character); every
/// other character stands for itself. Matches whole texts, byte for byte; a
/// character is one of UTF-8.
class Glob {
 public:
  explicit Glob(std::string_view pattern);

  static bool is_glob(std::string_view text) { return text.find_first_of("*?") != std::string_view::npos; }

  bool matches(std::string_view text) const {
    // Most globs that do not match differ in their first bytes.
    return text.size() >= least_bytes_ && (head(text) & head_mask_) == head_ && matches_slowly(text);
  }
  std::size_t literals() const { return literals_; }        ///< characters that stand for themselves; more = nearer
  const std::string& pattern() const { return pattern_; }  ///< `**` written as `*`: equal patterns match the same

 private:
  static std::uint64_t head(std::string_view text);
  bool matches_slowly(std::string_view text) const;

  std::uint64_t head_ = 0;
  std::uint64_t head_mask_ = 0;
  std::size_t least_bytes_ = 0;
  std::size_t literals_ = 0;
  std::string pattern_;
};

}  // namespace callgate::policy
