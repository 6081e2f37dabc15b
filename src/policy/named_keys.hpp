#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.hpp"

namespace callgate::policy {

/// `key` as a reader that ignores letter case sees it: ASCII letters small, and
/// the two letters outside ASCII that fold into it (U+017F to s, U+212A to k).
std::string folded(std::string_view key);

/// The argument names that a rule speaks of, and the check that no object of a
/// call holds two keys of which a lenient server could take the other one
/// (`name` and `Name`): security.md of the design, S2.
class NamedKeys {
 public:
  /// With `any`, every name counts (the rule speaks of names by pattern).
  NamedKeys(std::vector<std::string> names, bool any);
  NamedKeys() : NamedKeys({}, false) {}
  void add(const std::vector<std::string>& names, bool any);

  /// JSON Pointer of the second of two such keys, at any depth; nothing where all is well.
  std::optional<std::string> clash(json::Value arguments) const;

 private:
  bool clash_below(json::Value value, std::string& pointer) const;
  bool clash_in(json::Value object, std::string& pointer) const;
  std::optional<json::Value> named_twin(json::Value object) const;
  static std::optional<json::Value> any_twin(json::Value object);

  bool any_;
  std::size_t longest_ = 0;  ///< bytes of the longest key that can fold to a name
  std::vector<std::string> names_;  ///< folded, sorted
};

}  // namespace callgate::policy
