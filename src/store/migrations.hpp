#pragma once

#include "base/error.hpp"
#include "store/database.hpp"

namespace callgate::store {

/// Brings a database to this version's tables, each step once and all of them
/// in one transaction. A database of a newer version is `unsupported`: it is
/// left as it is.
Result<void> migrate(Database& database, std::int64_t now_ms);

}  // namespace callgate::store
