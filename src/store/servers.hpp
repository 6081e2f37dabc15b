#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "store/rows.hpp"

namespace callgate::store {

/// The servers that were registered by hand. Those of `callgate.yaml` are not
/// in here: one source per object.
class Servers {
 public:
  virtual ~Servers() = default;

  virtual Result<void> add(const Server& server) = 0;  ///< `conflict` where the name is taken
  virtual Result<std::optional<Server>> find(std::string_view name) = 0;
  virtual Result<std::vector<Server>> list() = 0;  ///< by name
  /// Names another policy for the server; false where there is none of this name.
  virtual Result<bool> set_policy(std::string_view name, std::string_view policy) = 0;
  /// Says anew how its tools are judged; false where there is none of this name.
  virtual Result<bool> set_classes(std::string_view name, bool trust_hints, std::string_view classes) = 0;
  /// Takes the server away with its pins and its unknown-tool answers, and
  /// revokes its grants: a later server of the same name must not inherit them.
  /// False where there is none.
  virtual Result<bool> remove(std::string_view name, std::int64_t now_ms) = 0;
};

}  // namespace callgate::store
