#pragma once

#include <memory>
#include <mutex>

#include "store/answers.hpp"
#include "store/database.hpp"
#include "store/grants.hpp"
#include "store/meta.hpp"
#include "store/pins.hpp"
#include "store/servers.hpp"

namespace callgate::store {

/// One database and its lock; each part of the store holds a reference and
/// takes the lock for each of its functions.
struct Connection {
  std::unique_ptr<Database> database;
  std::mutex mutex;
};

// The SQLite side of each interface; the connection must outlive it.
std::unique_ptr<Servers> sqlite_servers(Connection& connection);
std::unique_ptr<Grants> sqlite_grants(Connection& connection);
std::unique_ptr<Pins> sqlite_pins(Connection& connection);
std::unique_ptr<Answers> sqlite_answers(Connection& connection);
std::unique_ptr<Meta> sqlite_meta(Connection& connection);

}  // namespace callgate::store
