#pragma once

#include <functional>

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
#include "registry/tool_table.hpp"
#include "session/session_store.hpp"
#include "store/store.hpp"

namespace callgate::gateway {

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
  store::Store& store;
  Policies& policies;
  /// Says how bad a call of a tool can get; empty: of none is anything known.
  std::function<registry::Risk(const registry::Tool&)> risk_of;
};

}  // namespace callgate::gateway
