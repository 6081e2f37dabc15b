#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/error.hpp"
#include "store/store.hpp"

namespace callgate::store {

/// The hash under which a token is stored and looked up.
TokenHash hash_token(std::string_view token);

/// What a new token looks like: `cg_` and 32 random bytes in base64url.
inline constexpr std::string_view token_prefix = "cg_";
std::string new_token();

/// All live grants as one immutable value, for the path of a call: no disk, no
/// lock. Threads: any.
class GrantTable {
 public:
  explicit GrantTable(std::vector<Grant> grants);  ///< revoked ones are left out
  GrantTable(const GrantTable&) = delete;
  GrantTable& operator=(const GrantTable&) = delete;

  /// The grant of this token; null where the token is unknown, revoked or
  /// expired. Hashes are compared in constant time (S28). Valid while the table
  /// lives.
  const Grant* find(std::string_view token, std::int64_t now_ms) const;

  /// Whether the grant of this id may call now.
  bool is_live(std::string_view id, std::int64_t now_ms) const;

  std::size_t size() const { return grants_.size(); }
  const std::vector<Grant>& grants() const { return grants_; }

 private:
  std::vector<Grant> grants_;
  std::unordered_map<std::uint64_t, std::size_t> places_;  ///< by the first bytes of the hash
};

/// Keeps a GrantTable up to date with the store. While the store cannot be read
/// the last table stands, and `refresh` says what is wrong.
/// Threads: one calls refresh; the tables may be used anywhere.
class GrantWatch {
 public:
  explicit GrantWatch(Store& store) : store_(store) {}

  /// Reads the grants again if the store changed; true if it did. Cheap where
  /// nothing changed: call it from a timer of a second or less.
  Result<bool> refresh();
  std::shared_ptr<const GrantTable> table() const { return table_; }  ///< never null

 private:
  Store& store_;
  Store::Version seen_;
  std::shared_ptr<const GrantTable> table_ = std::make_shared<const GrantTable>(std::vector<Grant>{});
};

}  // namespace callgate::store
