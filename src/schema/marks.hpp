#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace callgate::schema {

/// Which members or elements of one container a schema has looked at, by their
/// position: what `unevaluatedProperties` and `unevaluatedItems` ask for.
/// Up to 64 need no allocation.
class Marks {
 public:
  explicit Marks(std::size_t size) : more_(size > 64 ? (size - 1) / 64 : 0) {}

  void set(std::size_t i) { word(i / 64) |= bit(i); }
  bool test(std::size_t i) const { return ((i < 64 ? first_ : more_[i / 64 - 1]) & bit(i)) != 0; }
  void add(const Marks& other) {
    first_ |= other.first_;
    for (std::size_t i = 0; i < more_.size(); ++i) more_[i] |= other.more_[i];
  }

 private:
  static std::uint64_t bit(std::size_t i) { return std::uint64_t{1} << (i % 64); }
  std::uint64_t& word(std::size_t i) { return i == 0 ? first_ : more_[i - 1]; }

  std::uint64_t first_ = 0;
  std::vector<std::uint64_t> more_;
};

}  // namespace callgate::schema
