#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "approval/questions.hpp"
#include "audit/journal.hpp"
#include "audit/key_file.hpp"
#include "base/clock.hpp"
#include "base/log.hpp"
#include "base/metrics.hpp"
#include "config/config.hpp"
#include "gateway/policies.hpp"
#include "limits/counters.hpp"
#include "net/loop.hpp"
#include "net/reply_room.hpp"
#include "registry/pins.hpp"
#include "session/round_store.hpp"
#include "session/session_store.hpp"
#include "store/store.hpp"

namespace callgate::gateway {

/// Says what the tools of one server's list are, a little at a time. `definitions` outlive what is made of them.
using ClassesOf = std::function<std::unique_ptr<registry::Judging>(const config::Server& server, std::span<const json::Value> definitions)>;

/// So much of a turn goes to comparing lists, of all servers together; the rest of them waits for the next.
inline constexpr net::Duration comparing_a_turn = std::chrono::milliseconds(5);

/// What every part of the gateway works with; built by the command, outlives it all.
struct Parts {
  net::Loop& loop;
  const Clock& clock;
  Log& log;
  Metrics& metrics;
  const config::Config& config;
  audit::Journal& journal;
  audit::DigestKey& digest_key;
  limits::Counters& counters;
  approval::Questions& questions;
  session::SessionStore& sessions;
  session::RoundStore& rounds;
  store::Store& store;
  Policies& policies;
  /// Says what a server's tools are and how bad a call can get, once for each list
  /// that is read; empty: of none is anything known.
  ClassesOf classes_of = {};
  /// The page where a person answers that approval; empty, or an empty text: there is none.
  std::function<std::string(std::string_view approval)> approval_url = {};
  net::Duration keep_alive_every = std::chrono::seconds(20);  ///< a comment line on a subscription
  /// Between two readings of a server's list, whatever asks for them; calls wait for the last.
  net::Duration between_readings = std::chrono::milliseconds(250);
  std::shared_ptr<net::ReplyRoom> replies = std::make_shared<net::ReplyRoom>(net::ReplyRoom::most_for(config.limits.result));  ///< for large answers of all servers
  /// Hears that the tools of this server were read and pinned, before anybody who waits for them goes on; may be empty.
  std::function<void(const config::Server& server)> tools_read = {};
  /// What comparing lists has taken of a turn, in nanoseconds.
  std::shared_ptr<net::TurnShare> comparing = std::make_shared<net::TurnShare>(static_cast<std::size_t>(comparing_a_turn.count()));
};

}  // namespace callgate::gateway
