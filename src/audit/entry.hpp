#pragma once

#include <string_view>

#include "audit/search.hpp"
#include "base/json.hpp"

/// One line of a journal as an entry: what searching and following share.
namespace callgate::audit {

inline constexpr json::Limits entry_limits{.max_depth = 8, .max_keys = 1024};

/// Everything but the outcome, which is a record of its own.
Entry read_entry(json::Value root, std::string_view line);
/// Pre: `outcome` is the member of that name.
Entry::Outcome read_outcome(json::Value outcome, std::string_view line);

/// Whether the record `root`, read as `entry`, is one that is asked for; `limit` aside.
bool fits(const Query& query, const Entry& entry, json::Value root);

}  // namespace callgate::audit
