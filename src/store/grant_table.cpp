#include "store/grant_table.hpp"

#include <algorithm>

#include <cstring>

#include "base/random.hpp"

namespace callgate::store {
namespace {

std::uint64_t place_of(const TokenHash& hash) {
  std::uint64_t first = 0;
  std::memcpy(&first, hash.data(), sizeof first);
  return first;
}

std::string_view view(const TokenHash& hash) { return {reinterpret_cast<const char*>(hash.data()), hash.size()}; }

}  // namespace

TokenHash hash_token(std::string_view token) { return sha256(token); }

std::string new_token() { return std::string(token_prefix) + random_token(32); }

GrantTable::GrantTable(std::vector<Grant> grants) : grants_(std::move(grants)) {
  std::erase_if(grants_, [](const Grant& grant) { return grant.revoked_ms.has_value(); });
  for (std::size_t i = 0; i < grants_.size(); ++i) places_.emplace(place_of(grants_[i].token_hash), i);
}

bool GrantTable::is_live(std::string_view id, std::int64_t now_ms) const {
  const auto found = std::ranges::find(grants_, id, &Grant::id);
  return found != grants_.end() && !found->expired(now_ms);
}

const Grant* GrantTable::find(std::string_view token, std::int64_t now_ms) const {
  // What the place of a hash tells by its timing is of no use to a guesser: it
  // depends on SHA-256 of the guess.
  const TokenHash hash = hash_token(token);
  const auto place = places_.find(place_of(hash));
  if (place == places_.end()) return nullptr;
  const Grant& grant = grants_[place->second];
  if (!constant_time_equal(view(hash), view(grant.token_hash))) return nullptr;
  return grant.expired(now_ms) ? nullptr : &grant;
}

Result<bool> GrantWatch::refresh() {
  Store::Version now = seen_;
  const auto changed = store_.changed(now);
  if (!changed) return std::unexpected(changed.error());
  if (!*changed) return false;
  auto grants = store_.grants().list();
  if (!grants) return std::unexpected(grants.error());
  table_ = std::make_shared<const GrantTable>(std::move(*grants));
  seen_ = now;  // only now: after a failed read the next refresh tries again
  return true;
}

}  // namespace callgate::store
