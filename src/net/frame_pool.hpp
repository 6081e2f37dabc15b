#pragma once

#include <array>
#include <cstddef>
#include <new>
#include <utility>

namespace callgate::net {

namespace detail {

/// Pieces of memory that are free, by size, of one thread.
struct FreePieces {
  static constexpr std::size_t step = 64;
  static constexpr std::size_t classes = 33;     ///< what is over 2 KiB goes to the heap
  static constexpr std::size_t most_kept = 128;  ///< of each size
  struct Free {
    Free* next;
  };
  struct List {
    Free* head = nullptr;
    std::size_t kept = 0;
  };
  std::array<List, classes> lists{};
  bool ends = false;  ///< somebody empties them when the thread is over

  /// From then on nothing is kept.
  void end() {
    for (List& list : lists) {
      while (list.head != nullptr) ::operator delete(std::exchange(list.head, list.head->next));
      list.kept = most_kept;
    }
  }
};

/// Neither made nor destroyed, so that each use finds it without asking whether it is there yet.
inline constinit thread_local FreePieces free_pieces;

[[gnu::cold, gnu::noinline]] inline void end_free_pieces_with_thread() {
  struct End {
    ~End() { free_pieces.end(); }
  };
  thread_local const End end;
  free_pieces.ends = true;
}

}  // namespace detail

/// Memory for coroutine frames: one call makes some twenty of them, of a few
/// sizes. Frames that ended are kept in lists by size, for the next call.
/// Threads: each has lists of its own; a frame ends on the thread it began on.
class FramePool {
  using Pieces = detail::FreePieces;

 public:
  static void* take(std::size_t bytes) {
    if constexpr (!pooled) return ::operator new(bytes);
    const std::size_t size_class = (bytes + Pieces::step - 1) / Pieces::step;
    if (size_class >= Pieces::classes) return ::operator new(bytes);
    Pieces::List& list = detail::free_pieces.lists[size_class];
    if (list.head == nullptr) return ::operator new(size_class * Pieces::step);
    --list.kept;
    return std::exchange(list.head, list.head->next);
  }

  static void give(void* frame, std::size_t bytes) noexcept {
    if constexpr (!pooled) return ::operator delete(frame);
    const std::size_t size_class = (bytes + Pieces::step - 1) / Pieces::step;
    if (size_class >= Pieces::classes) return ::operator delete(frame);
    Pieces::List& list = detail::free_pieces.lists[size_class];
    if (list.kept >= Pieces::most_kept) return ::operator delete(frame);
    if (!detail::free_pieces.ends) [[unlikely]] detail::end_free_pieces_with_thread();
    ++list.kept;
    list.head = new (frame) Pieces::Free{list.head};
  }

 private:
  // Under a sanitizer every frame is its own piece of the heap, so that a use after its end is seen.
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
  static constexpr bool pooled = false;
#else
  static constexpr bool pooled = true;
#endif
};

}  // namespace callgate::net
