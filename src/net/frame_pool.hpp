#pragma once

#include <array>
#include <cstddef>
#include <new>
#include <utility>

namespace callgate::net {

/// Memory for coroutine frames: one call makes some twenty of them, of a few
/// sizes. Frames that ended are kept in lists by size, for the next call.
/// Threads: each has lists of its own; a frame ends on the thread it began on.
class FramePool {
 public:
  static void* take(std::size_t bytes) {
    if constexpr (!pooled) return ::operator new(bytes);
    const std::size_t size_class = (bytes + step - 1) / step;
    if (size_class >= classes) return ::operator new(bytes);
    List& list = of_this_thread().lists[size_class];
    if (list.head == nullptr) return ::operator new(size_class * step);
    --list.kept;
    return std::exchange(list.head, list.head->next);
  }

  static void give(void* frame, std::size_t bytes) noexcept {
    if constexpr (!pooled) return ::operator delete(frame);
    const std::size_t size_class = (bytes + step - 1) / step;
    if (size_class >= classes) return ::operator delete(frame);
    List& list = of_this_thread().lists[size_class];
    if (list.kept >= most_kept) return ::operator delete(frame);
    ++list.kept;
    list.head = new (frame) Free{list.head};
  }

 private:
  // Under a sanitizer every frame is its own piece of the heap, so that a use after its end is seen.
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
  static constexpr bool pooled = false;
#else
  static constexpr bool pooled = true;
#endif
  static constexpr std::size_t step = 64;
  static constexpr std::size_t classes = 33;     ///< frames over 2 KiB go to the heap
  static constexpr std::size_t most_kept = 128;  ///< of each size
  struct Free {
    Free* next;
  };
  struct List {
    Free* head = nullptr;
    std::size_t kept = 0;
  };
  struct Lists {
    std::array<List, classes> lists{};
    ~Lists() {
      for (List& list : lists) {
        while (list.head != nullptr) ::operator delete(std::exchange(list.head, list.head->next));
      }
    }
  };
  static Lists& of_this_thread() {
    thread_local Lists mine;
    return mine;
  }
};

}  // namespace callgate::net
