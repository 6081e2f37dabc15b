#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/random.hpp"

namespace callgate {

/// A ULID: 48 bits of Unix time in milliseconds and 80 random bits as 26
/// characters of Crockford's base 32; texts sort by time (github.com/ulid/spec).
/// A value of fixed size, so making one allocates nothing.
class Ulid {
 public:
  static constexpr std::size_t text_size = 26;

  Ulid() { text_.fill('0'); }
  Ulid(std::uint64_t wall_ms, const std::array<std::uint8_t, 10>& random);

  std::string_view text() const { return {text_.data(), text_.size()}; }
  std::string str() const { return std::string(text()); }
  auto operator<=>(const Ulid&) const = default;

 private:
  std::array<char, text_size> text_;
};

/// Whether `text` could be a ULID.
bool is_ulid(std::string_view text);

/// Makes ULIDs that grow strictly, also within one millisecond and when the wall
/// clock is set back. They name things; they are no secrets. Threads: one.
class IdSource {
 public:
  Ulid next_ulid(std::int64_t wall_ms);
  std::string next(std::int64_t wall_ms) { return next_ulid(wall_ms).str(); }

 private:
  RandomPool pool_;
  std::uint64_t last_ms_ = 0;
  std::array<std::uint8_t, 10> random_{};
};

}  // namespace callgate
