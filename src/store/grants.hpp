#pragma once

#include <cstdint>
#include <optional>
#include <span>
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
  /// Adds these, or puts them in the place of those with their ids, all or none:
  /// grants of another folder. One whose name is taken here gets its id's end with it.
  virtual Result<void> put(std::span<const Grant> grants) = 0;
  /// The old token is good for nothing from the next look at the table on. The
  /// change counts as later than any before, whatever the clock shows.
  /// False where there is no such grant or it is revoked.
  virtual Result<bool> rotate(std::string_view id, const TokenHash& token_hash, std::int64_t now_ms) = 0;
  virtual Result<bool> revoke(std::string_view id, std::int64_t now_ms) = 0;
};

}  // namespace callgate::store
