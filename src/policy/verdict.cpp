#include "policy/verdict.hpp"

#include <array>
#include <cstddef>

namespace callgate::policy {
namespace {

constexpr std::array<std::string_view, 9> spelled_verdicts = {
    "unknown_tool", "hide", "quarantined", "fault", "deny", "invalid_arguments", "rate_limited", "require_approval", "allow",
};

}  // namespace

std::string_view word(Verdict verdict) { return spelled_verdicts.at(static_cast<std::size_t>(verdict)); }

std::optional<Verdict> verdict_of(std::string_view word) {
  for (std::size_t i = 0; i < spelled_verdicts.size(); ++i) {
    if (spelled_verdicts[i] == word) return static_cast<Verdict>(i);
  }
  return std::nullopt;
}

}  // namespace callgate::policy
