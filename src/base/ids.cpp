#include "base/ids.hpp"

#include <algorithm>

namespace callgate {
namespace {

constexpr std::string_view alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
constexpr std::uint64_t max_ms = (std::uint64_t{1} << 48U) - 1;

/// Adds one to a big-endian number; false where it overflows.
bool increment(std::array<std::uint8_t, 10>& number) {
  for (auto digit = number.rbegin(); digit != number.rend(); ++digit) {
    if (++*digit != 0) return true;
  }
  return false;
}

}  // namespace

Ulid::Ulid(std::uint64_t wall_ms, const std::array<std::uint8_t, 10>& random) {
  for (std::size_t i = 0; i < 10; ++i) text_[i] = alphabet[(wall_ms >> (45 - 5 * i)) & 31U];
  // Five random bytes are eight characters.
  for (std::size_t half = 0; half < 2; ++half) {
    std::uint64_t bits = 0;
    for (std::size_t i = 0; i < 5; ++i) bits = (bits << 8U) | random[half * 5 + i];
    for (std::size_t i = 0; i < 8; ++i) text_[10 + half * 8 + i] = alphabet[(bits >> (35 - 5 * i)) & 31U];
  }
}

bool is_ulid(std::string_view text) {
  return text.size() == Ulid::text_size && text[0] <= '7' &&
         std::ranges::all_of(text, [](char c) { return alphabet.find(c) != std::string_view::npos; });
}

Ulid IdSource::next_ulid(std::int64_t wall_ms) {
  const std::uint64_t ms = std::min(static_cast<std::uint64_t>(std::max<std::int64_t>(wall_ms, 0)), max_ms);
  if (ms > last_ms_) {
    last_ms_ = ms;
    pool_.fill(random_);
  } else if (!increment(random_)) {
    ++last_ms_;
    pool_.fill(random_);
  }
  return {last_ms_, random_};
}

}  // namespace callgate
