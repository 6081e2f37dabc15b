#include "approval/question.hpp"

#include <array>
#include <cstddef>

namespace callgate::approval {
namespace {

/// In the order of State.
constexpr std::array<std::string_view, 6> kWords{"waiting", "approved", "denied",
                                                 "expired", "used",     "withdrawn"};

}  // namespace

std::string_view word(State state) { return kWords[static_cast<std::size_t>(state)]; }

std::optional<State> state_of(std::string_view word) {
  for (std::size_t i = 0; i < kWords.size(); ++i) {
    if (kWords[i] == word) return static_cast<State>(i);
  }
  return std::nullopt;
}

}  // namespace callgate::approval
