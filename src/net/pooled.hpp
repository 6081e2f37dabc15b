#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <vector>

#include "net/frame_pool.hpp"

/// Lists and texts that live as long as one call: their memory comes from where
/// the frames of its coroutines come from, and goes back there.
///
/// Threads: such a list ends on the thread it began on, like a frame.
namespace callgate::net {

template <class T>
struct PoolAllocator {
  static_assert(alignof(T) <= __STDCPP_DEFAULT_NEW_ALIGNMENT__);
  using value_type = T;

  PoolAllocator() = default;
  template <class Other>
  PoolAllocator(const PoolAllocator<Other>&) noexcept {}

  // No piece of the pool is empty: a free one holds the way to the next.
  T* allocate(std::size_t count) { return static_cast<T*>(FramePool::take(std::max<std::size_t>(count, 1) * sizeof(T))); }
  void deallocate(T* piece, std::size_t count) noexcept { FramePool::give(piece, std::max<std::size_t>(count, 1) * sizeof(T)); }
  bool operator==(const PoolAllocator&) const = default;
};

template <class T>
using PooledList = std::vector<T, PoolAllocator<T>>;
using PooledText = std::basic_string<char, std::char_traits<char>, PoolAllocator<char>>;

}  // namespace callgate::net
