#pragma once

#include <cstddef>
#include <deque>
#include <memory>
#include <span>
#include <string_view>

#include <sys/uio.h>

namespace callgate::net {

/// Bytes that wait to be written, in the order in which they came. Kept in pieces: nothing is copied for them to grow,
/// and each piece goes back as soon as all of it has left.
class Pieces {
 public:
  /// Of one piece at most, which is what a pipe holds.
  static constexpr std::size_t largest = std::size_t{64} << 10U;
  static constexpr std::size_t smallest = std::size_t{4} << 10U;

  bool empty() const { return size_ == 0; }
  std::size_t size() const { return size_; }
  /// Memory that is taken up.
  std::size_t capacity() const { return capacity_; }
  void append(std::string_view bytes);
  /// The first pieces as writev(2) takes them; how many of `parts` are filled.
  std::size_t front(std::span<iovec> parts) const;
  /// The first bytes have left.
  void drop(std::size_t bytes);
  void clear() { drop(size_); }

 private:
  struct Piece {
    std::unique_ptr<char[]> data;
    std::size_t capacity = 0;
    std::size_t begin = 0;
    std::size_t end = 0;
  };
  void add_piece(std::size_t wanted);

  std::deque<Piece> pieces_;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
};

}  // namespace callgate::net
