#pragma once

#include <algorithm>
#include <cstddef>

namespace callgate {

/// What may be spent on work that strangers choose the size of. Counted, so that the
/// same work ends at the same place on every machine. Once they are used up nothing is
/// spent any more: whoever asks takes the answer that is safe.
class Steps {
 public:
  explicit Steps(std::size_t left) : left_(left) {}
  /// False: they are used up.
  bool take(std::size_t steps) {
    left_ -= std::min(left_, steps);
    return left_ != 0;
  }
  void add(std::size_t steps) { left_ += steps; }
  bool used_up() const { return left_ == 0; }

 private:
  std::size_t left_;
};

}  // namespace callgate
