#include "limits/counters.hpp"

#include <algorithm>

namespace callgate::limits {

std::uint64_t Taken::remaining() const {
  std::uint64_t least = UINT64_MAX;
  for (std::size_t i = 0; i < size_; ++i) least = std::min(least, part(i).remaining);
  return least;
}

void Taken::add(Part part) {
  if (size_ < few_.size()) {
    few_[size_] = part;
  } else {
    more_.push_back(part);
  }
  ++size_;
}

}  // namespace callgate::limits
