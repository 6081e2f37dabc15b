#pragma once

#include <algorithm>
#include <cstring>
#include <memory>
#include <span>
#include <string_view>

namespace callgate::net {

/// Bytes that were read and not used yet. Grows on demand, never clears memory
/// that is about to be overwritten.
class Buffer {
 public:
  static constexpr std::size_t small = 4096;

  std::string_view view() const { return {data_.get(), size_}; }
  std::size_t size() const { return size_; }
  std::size_t capacity() const { return capacity_; }
  std::span<char> room() { return {data_.get() + size_, capacity_ - size_}; }
  void filled(std::size_t bytes) { size_ += bytes; }
  void clear() { size_ = 0; }

  /// Room for at least `bytes` in all; views into the buffer end here.
  void reserve(std::size_t bytes) {
    if (bytes <= capacity_) return;
    resize(bytes);
  }
  /// Drops the first `bytes` and gives back memory that a large message took.
  void consume(std::size_t bytes) {
    size_ -= bytes;
    if (size_ != 0) std::memmove(data_.get(), data_.get() + bytes, size_);
    if (capacity_ > 4 * small && size_ <= small) resize(small);
  }
  /// Takes `bytes` out from `at` on; what stands before them stays where it is.
  void cut(std::size_t at, std::size_t bytes) {
    size_ -= bytes;
    if (size_ != at) std::memmove(data_.get() + at, data_.get() + at + bytes, size_ - at);
  }

 private:
  void resize(std::size_t bytes) {
    auto larger = std::make_unique_for_overwrite<char[]>(bytes);
    if (size_ != 0) std::memcpy(larger.get(), data_.get(), size_);
    data_ = std::move(larger);
    capacity_ = bytes;
  }

  std::unique_ptr<char[]> data_;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
};

}  // namespace callgate::net
