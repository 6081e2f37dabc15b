#pragma once

#include <cstddef>
#include <cstdlib>
#include <memory>
#include <new>
#include <span>
#include <type_traits>

namespace callgate {

/// A stack of plain values that keeps its memory: `std::vector` without the
/// initialising and with a push that inlines to a compare and a store. For inner
/// loops. Threads: one.
template <class T>
class Pile {
  static_assert(std::is_trivially_copyable_v<T> && std::is_trivially_destructible_v<T> && alignof(T) <= alignof(std::max_align_t));

 public:
  std::size_t size() const { return size_; }
  std::size_t capacity() const { return capacity_; }
  bool empty() const { return size_ == 0; }
  void clear() { size_ = 0; }
  /// Takes values from the end away; pre: `size` is not above the present one.
  void cut_to(std::size_t size) { size_ = size; }

  T& push(const T& value) {
    if (size_ == capacity_) [[unlikely]] grow();
    T& place = values_[size_++];
    place = value;
    return place;
  }
  T& back() { return values_[size_ - 1]; }
  T& operator[](std::size_t index) { return values_[index]; }
  std::span<const T> view() const { return {values_.get(), size_}; }
  std::span<T> from(std::size_t first) { return {values_.get() + first, size_ - first}; }

 private:
  [[gnu::noinline]] void grow() {
    const std::size_t capacity = capacity_ == 0 ? 32 : capacity_ * 2;
    // What is large is moved by the kernel: there are never two of it, and what is not used yet takes up nothing.
    void* larger = std::realloc(values_.get(), capacity * sizeof(T));
    if (larger == nullptr) throw std::bad_alloc();
    [[maybe_unused]] const T* moved = values_.release();
    values_.reset(static_cast<T*>(larger));
    capacity_ = capacity;
  }
  struct Free {
    void operator()(T* values) const { std::free(values); }
  };

  std::unique_ptr<T[], Free> values_;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
};

}  // namespace callgate
