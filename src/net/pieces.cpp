#include "net/pieces.hpp"

#include <algorithm>
#include <cassert>
#include <cstring>

namespace callgate::net {

/// Short lines that pile up share pieces, larger the more of them there are.
void Pieces::add_piece(std::size_t wanted) {
  const std::size_t bytes = std::clamp(std::max(wanted, size_), smallest, largest);
  pieces_.push_back({.data = std::make_unique_for_overwrite<char[]>(bytes), .capacity = bytes});
  capacity_ += bytes;
}

void Pieces::append(std::string_view bytes) {
  while (!bytes.empty()) {
    if (pieces_.empty() || pieces_.back().end == pieces_.back().capacity) add_piece(bytes.size());
    Piece& last = pieces_.back();
    const std::size_t part = std::min(bytes.size(), last.capacity - last.end);
    std::memcpy(last.data.get() + last.end, bytes.data(), part);
    last.end += part;
    size_ += part;
    bytes.remove_prefix(part);
  }
}

std::size_t Pieces::front(std::span<iovec> parts) const {
  const std::size_t count = std::min(parts.size(), pieces_.size());
  for (std::size_t i = 0; i < count; ++i) parts[i] = {.iov_base = pieces_[i].data.get() + pieces_[i].begin, .iov_len = pieces_[i].end - pieces_[i].begin};
  return count;
}

void Pieces::drop(std::size_t bytes) {
  assert(bytes <= size_);
  size_ -= bytes;
  while (bytes != 0) {
    Piece& first = pieces_.front();
    const std::size_t part = std::min(bytes, first.end - first.begin);
    first.begin += part;
    bytes -= part;
    if (first.begin != first.end) continue;
    capacity_ -= first.capacity;
    pieces_.pop_front();
  }
}

}  // namespace callgate::net
