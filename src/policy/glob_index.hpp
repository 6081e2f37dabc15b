#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace callgate::policy {

/// Finds the few of many patterns that could match a name: by the plain text
/// they start with, else by the one they end with. Fill, then ask from any thread.
class GlobIndex {
 public:
  /// Pre: `number` is larger than those before.
  void add(std::string_view pattern, std::uint32_t number);

  /// Calls `visit(number)` for every pattern that may match, in no order.
  template <class Visit>
  void for_candidates(std::string_view name, Visit visit) const {
    for (const std::uint32_t number : anywhere_) visit(number);
    for (const std::size_t size : starts_.sizes) {
      if (size > name.size()) break;
      starts_.visit(name.substr(0, size), visit);
    }
    for (const std::size_t size : ends_.sizes) {
      if (size > name.size()) break;
      ends_.visit(name.substr(name.size() - size), visit);
    }
  }

 private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
  };
  struct Ends {
    std::vector<std::size_t> sizes;  ///< ascending
    std::unordered_map<std::string, std::vector<std::uint32_t>, Hash, std::equal_to<>> numbers;

    void add(std::string_view text, std::uint32_t number);
    template <class Visit>
    void visit(std::string_view text, Visit& visit) const {
      const auto found = numbers.find(text);
      if (found == numbers.end()) return;
      for (const std::uint32_t number : found->second) visit(number);
    }
  };

  Ends starts_;
  Ends ends_;
  std::vector<std::uint32_t> anywhere_;  ///< patterns with a wildcard at both ends
};

}  // namespace callgate::policy
