#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "store/rows.hpp"

namespace callgate::store {

/// The grants, revoked ones included. Among those not revoked a name is unique.
class Grants {
 public:
  virtual ~Grants() = default;

  virtual Result<void> add(const Grant& grant) = 0;  ///< `conflict` where the name is taken
  /// By id, else by the name of one that is not revoked.
  virtual Result<std::optional<Grant>> find(std::string_view id_or_name) = 0;
  virtual Result<std::vector<Grant>> list() = 0;  ///< oldest first
  /// The old token is good for nothing from the next look at the table on.
  /// False where there is no such grant or it is revoked.
  virtual Result<bool> rotate(std::string_view id, const TokenHash& token_hash, std::int64_t now_ms) = 0;
  virtual Result<bool> revoke(std::string_view id, std::int64_t now_ms) = 0;
};

}  // namespace callgate::store
