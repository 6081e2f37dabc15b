// What the gateway process does while it runs: taking up what changed, keeping
// counters and records, ending.
#include <algorithm>
#include <map>

#include <fmt/format.h>
#include <malloc.h>

#include "cli/gateway_process.hpp"
#include "cli/starting_policy.hpp"

namespace callgate::cli {

namespace {

namespace fs = std::filesystem;

/// From the signal on, for calls in flight. 30 s are promised for all of the end, and whoever started the process may
/// kill it then. Behind this come a second for the last errors, two for a client or a shared store that takes nothing,
/// and 3.5 for children that do not want to end.
constexpr net::Duration time_to_finish = std::chrono::seconds(23);
/// So long no call has come when nobody is held to be in the middle of many.
constexpr net::Duration quiet = std::chrono::milliseconds(200);
/// A process that is called now and then takes its memory anew each time.
constexpr net::Duration between_trims = std::chrono::seconds(10);
/// A line of the log that goes into a pipe whole, also where every character of it is escaped.
constexpr std::size_t most_in_a_line = 1800;

/// A policy of many rules, as lines of the log: whoever reads that slowly holds up no call.
void print_policy(Log& log, std::string_view server, std::string_view text) {
  while (!text.empty()) {
    std::string_view piece = text.substr(0, most_in_a_line);
    if (piece.size() < text.size()) {
      const std::size_t line = piece.rfind('\n');
      std::size_t end = line == std::string_view::npos ? piece.size() : line + 1;
      while (end > 1 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;  // within a character of UTF-8
      piece = piece.substr(0, end);
    }
    log.info("policy_text", {{"server", server}, {"text", piece}});
    text.remove_prefix(piece.size());
  }
}

}  // namespace

void GatewayProcess::take_up(const fs::path& file, How how) {
  const fs::path journals = journal_options(config_).directory;
  std::error_code unknown;
  // One that was taken away must not either; `run` begins one for each server and policy.
  if (command_ == config::Command::serve && how == How::instead && !fs::exists(file, unknown)) {
    const TakenUp all = count_journals(journals, counters_, limits::Moment::of(clock_));
    if (all.counted > 0 || all.unreadable > 0)
      log_.warn("counters_missing", {{"file", file.string()}, {"counted_from_journals", all.counted}, {"unreadable", all.unreadable}});
    return;
  }
  const auto found = take_up_counters(file, journals, counters_, limits::Moment::of(clock_), how);
  if (!found) {
    // A file that was cut off must not make limits start anew.
    std::error_code ignored;
    fs::rename(file, file.string() + ".damaged", ignored);
    const TakenUp all = count_journals(journals, counters_, limits::Moment::of(clock_));
    log_.error("counters_unreadable", {{"file", file.string()}, {"fault", found.error().message}, {"counted_from_journals", all.counted}});
  } else if (found->counted > 0 || found->unreadable > 0 || !found->journal_found) {
    log_.warn("counters_taken_from_journal", {{"counted", found->counted}, {"unreadable", found->unreadable}, {"journal_found", found->journal_found}});
  }
}

/// What goes on after this process. The client of `run` has its session as long as its pipe.
void GatewayProcess::open_what_goes_on() {
  if (shared_ || command_ != config::Command::serve) return;
  sessions_ = std::make_unique<session::StoredSessions>(loop_, clock_, log_, config_.data / "sessions.db", session::StoredSessions::Options{.most = config_.limits.sessions});
  rounds_ = std::make_unique<session::StoredRounds>(loop_, clock_, log_, config_.data / "rounds.db");
}

session::SessionStore& GatewayProcess::session_store() {
  if (shared_) return shared_->sessions();
  return sessions_ ? static_cast<session::SessionStore&>(*sessions_) : no_sessions_;
}

session::RoundStore& GatewayProcess::round_store() {
  if (shared_) return shared_->rounds();
  return rounds_ ? static_cast<session::RoundStore&>(*rounds_) : memory_rounds_;
}

/// Where it fails, an older file and the journal hold all calls between them.
Result<void> GatewayProcess::keep_counters() {
  if (shared_) return {};
  // The place is that of records that are written: numbers of lost ones are used again.
  if (journal_->has_unwritten()) [[maybe_unused]] const auto written = journal_->flush();
  const JournalPlace place{.instance = journal_->instance(), .seq = journal_->last_seq()};
  const auto kept = cli::keep_counters(counters_place_->file(), counters_, place, limits::Moment::of(clock_));
  if (!kept) log_.error("counters_not_kept", {{"fault", kept.error().message}});
  kept_seq_ = place.seq;
  return kept;
}

/// Records over their time go, one chain a turn, so that no call waits for more
/// than a few files.
void GatewayProcess::expire_records(std::uint64_t turn) {
  // A clock that is wrong at the start of a machine is mostly right an hour later.
  const auto grace = std::min<std::chrono::milliseconds>(std::chrono::hours(1), config_.audit.keep / 100);
  if (std::chrono::milliseconds(500) * turn < grace) return;
  const auto between = std::clamp<std::int64_t>(config_.audit.keep / std::chrono::seconds(5), 1, 1200);  // ten looks in its time
  if (!more_expired_ && turn % static_cast<std::uint64_t>(between) != 0) return;
  // What the counters' file holds needs no record any more.
  if (!std::exchange(more_expired_, false)) [[maybe_unused]] const auto kept = keep_counters();
  const auto needed = kept_places(config_.data / "counters");
  if (!needed) return log_.warn("records_not_removed", {{"fault", needed.error().message}});
  const auto gone = retention_->step(*journal_, *needed);
  if (!gone) return log_.warn("records_not_removed", {{"fault", gone.error().message}});
  if (!*gone) return;
  more_expired_ = true;
  log_.info("records_removed", {{"instance", (*gone)->removal.instance}, {"segments", (*gone)->segments.size()}, {"through", (*gone)->removal.seq}});
}

/// What calls took and left is kept for the next ones (main.cpp), as long as there are any. Most gateways wait most of the time.
void GatewayProcess::give_memory_back() {
  const net::Instant now = loop_.now();
  if (lean_since_ == last_decision_ || now - last_decision_ < quiet || now < next_trim_) return;
  lean_since_ = last_decision_;
  next_trim_ = now + between_trims;
  ::malloc_trim(0);
}

bool GatewayProcess::config_is_to_be_read(Look look) {
  using enum config::FileWatch::Found;
  const auto found = config_watch_.look(flags_.config_file);
  if (found == restless)
    log_.warn("config_being_written", {{"file", flags_.config_file.string()}, {"effect", "the last good configuration stays in force until the file rests"}});
  if (found == unchanged) return config_waits_ || look == Look::everything;
  return found == settled || look == Look::everything;
}

/// The servers of a changed file or store are served from now on. `registered`: those of the store may be others.
void GatewayProcess::reload_config(Look look, bool registered) {
  if (command_ != config::Command::serve) return;
  registered_waits_ = registered_waits_ || registered;
  // What was refused for a server of the store may be right without it.
  config_waits_ = config_waits_ || (registered && config_refused_);
  if (config_is_to_be_read(look)) read_config(look);
  // Neither a file that is being written nor one that is refused holds them back.
  serve_registered();
}

/// A faulty configuration leaves the last good one in force.
void GatewayProcess::read_config(Look look) {
  const config::FileStamp stamp = config::FileStamp::of(flags_.config_file);
  auto read = read_again(started_);
  // Written to meanwhile, or since it was found at rest: the next look finds it changed.
  if (config::FileStamp::of(flags_.config_file) != stamp || (look != Look::everything && !config_watch_.has_seen(stamp))) return;
  // Whoever registers a server, or asks for a reload, says that its policy is there.
  using enum gateway::Policies::Young;
  const auto young = look == Look::everything || config_watch_.has_taken(stamp) ? as_it_is : waits;
  const auto served = serve_read(read, young);
  // A policy that is being written is no fault of what names it: the next look tries all of it again.
  config_waits_ = !served && served.error().kind == ErrorKind::conflict;
  if (config_waits_) return;
  config_watch_.taken(stamp);
  config_refused_ = !served;
  if (config_refused_) return tell_refused(served.error());
  file_config_ = std::move(read->config);
  registered_waits_ = false;
}

Result<void> GatewayProcess::serve_read(const Result<config::RunFlags>& read, gateway::Policies::Young young) {
  if (!read) return std::unexpected(read.error());
  if (!read->from_store) return serve_from_now_on(read->config, young);
  auto all = with_registered(read->config, *store_);
  return all ? serve_from_now_on(std::move(*all), young) : std::unexpected(all.error());
}

/// Servers that are registered or removed, beside those of the last good file.
void GatewayProcess::serve_registered() {
  if (!registered_waits_ || !flags_.from_store) return;
  auto all = with_registered(file_config_, *store_);
  const auto served = all ? serve_from_now_on(std::move(*all), gateway::Policies::Young::as_it_is) : std::unexpected(all.error());
  if (!served && served.error().kind == ErrorKind::conflict) return;
  registered_waits_ = false;
  registered_refused_ = !served;
  if (registered_refused_) tell_refused(served.error());
}

void GatewayProcess::tell_refused(const Error& why) {
  log_.error("config_refused", {{"fault", why.message}, {"effect", "the last good configuration stays in force"}});
}

Result<void> GatewayProcess::serve_from_now_on(config::Config fresh, gateway::Policies::Young young) {
  const auto tell_keys = [&] {
    for (const std::string& key : keys_for_next_start(config_, fresh))
      log_.warn("config_key_waits", {{"key", key}, {"effect", "counts from the next start"}});
  };
  if (fresh.servers == config_.servers) {
    tell_keys();
    return {};
  }
  for (const config::Server& server : fresh.servers) {
    if (server.policy.empty()) return fail(ErrorKind::invalid, fmt::format("server `{}` has no policy", server.name));
    if (awaits_policy(server)) {
      log_.info("policy_awaited", {{"server", server.name}, {"effect", "every call is refused until one is made from the tools that the server lists"}});
    } else if (auto loaded = policies_.load(server.policy, young); !loaded) return std::unexpected(loaded.error());
    if (auto pins = read_reviewed(server); !pins) return std::unexpected(pins.error());
  }
  tell_keys();
  config_.servers = std::move(fresh.servers);
  gates_->serve(config_.servers);
  if (aggregate_) aggregate_->router().servers_changed();
  log_.info("servers_changed", {{"servers", config_.servers.size()}});
  return {};
}

/// One that is there, however it came there, is one to be read like any other.
bool GatewayProcess::awaits_policy(const config::Server& server) const {
  std::error_code unknown;
  return server.policy_is_made && !policies_.find(server.policy) && !fs::exists(server.policy, unknown);
}

/// The tools of this server were read.
void GatewayProcess::make_policy(const config::Server& server) {
  if (!server.policy_is_made) return;
  if (policies_.find(server.policy)) return static_cast<void>(unmade_.erase(server.name));
  const auto failed = [&](const std::string& why) {
    std::string& told = unmade_[server.name];
    if (std::exchange(told, why) != why) log_.error("policy_not_made", {{"server", server.name}, {"fault", why}, {"effect", "every call is refused"}});
  };
  // INVARIANT: a file that is there stays as it is; what is in it counts, or nothing does.
  auto young = gateway::Policies::Young::waits;
  if (awaits_policy(server)) {
    const auto made = make_starting_policy(server, *store_);
    if (!made && made.error().kind != ErrorKind::conflict) return failed(made.error().message);
    if (made) {
      young = gateway::Policies::Young::as_it_is;
      log_.info("policy_made", {{"server", server.name}, {"file", server.policy.string()}, {"effect", made->effect}});
      print_policy(log_, server.name, made->text);
    }
  }
  if (!policies_.is_as_read(server.policy)) return;  // once it is mended it is taken up like any other
  const auto loaded = policies_.load(server.policy, young);
  if (!loaded && loaded.error().kind == ErrorKind::conflict) return;  // somebody is writing it
  if (!loaded) return failed(loaded.error().message);
  unmade_.erase(server.name);
  if (gateway::Gate* gate = gates_->find(server.name)) gate->announce_list_change();
}

/// Where that could not be done when the tools were read: the disk was full, say.
void GatewayProcess::make_missing_policies() {
  std::erase_if(unmade_, [this](const auto& each) { return gates_->find(each.first) == nullptr; });
  for (const auto& gate : gates_->all()) {
    if (gate->server().policy_is_made && gate->tools().known(mcp::Era::legacy).table) make_policy(gate->server());
  }
}

void GatewayProcess::end_sessions_of_lost_grants() {
  if (config_.auth != config::Auth::grants) return;
  const auto table = grants_->table();
  std::map<std::string, bool, std::less<>> known;
  const auto may_stay = [&](std::string_view grant) {
    const auto found = known.find(grant);
    return found != known.end() ? found->second : known.emplace(grant, table->is_live(grant, grants_clock_.wall_ms()) && !(shared_ && shared_->grants().overruled(grant))).first->second;
  };
  for (const auto& gate : gates_->all()) gate->end_sessions(may_stay);
  if (aggregate_) aggregate_->router().end_sessions(may_stay);
}

void GatewayProcess::take_up_grants() {
  const auto changed = grants_->refresh();
  if (!changed || !*changed) return;
  load_grant_policies();
  end_sessions_of_lost_grants();
}

/// What others change is taken up here, and they are told what this gateway judges by.
void GatewayProcess::join_others() {
  shared_->grants().on_change([this](const Result<void>& changed) {
    if (changed) take_up_grants();
    else end_sessions_of_lost_grants();
    if (!changed) log_.error("shared_grants_not_written", {{"fault", changed.error().message}, {"effect", "grants that others revoked or rotated are refused here"}});
  });
  shared_->tell_policies([this] { return policy_versions(); });
}

gateway::Peers::Versions GatewayProcess::policy_versions() const {
  gateway::Peers::Versions versions;
  for (const auto& gate : gates_->all()) {
    if (const auto policy = gate->policy()) versions.emplace("server `" + gate->name() + '`', policy->hash());
  }
  for (const store::Grant& grant : grants_->table()->grants()) {
    if (const auto policy = policies_.find(grant.policy)) versions.emplace("grant `" + grant.id + '`', policy->hash());
  }
  return versions;
}

/// `whole`: a policy that this process has just put in place itself.
void GatewayProcess::look_for_changes(Look look, const fs::path& whole) {
  const store::Store::Version before = store_seen_;
  const bool store_changed = [this] {
    const auto changed = store_->changed(store_seen_);
    return changed && *changed;
  }();
  // Pins that this process wrote are those that it judged by, and what a person accepts here is told where that is done.
  const bool others_wrote = store_seen_.others_wrote_since(before);
  reload_config(look, flags_.from_store && store_changed);
  using Policies = gateway::Policies;
  if (policies_.refresh(look == Look::settled ? Policies::Look::settled : Policies::Look::at_once, whole)) {
    for (const auto& gate : gates_->all()) gate->announce_list_change();
    // What was refused may have been for one of these.
    config_waits_ = config_waits_ || config_refused_;
    registered_waits_ = registered_waits_ || registered_refused_;
  }
  if (look == Look::everything) make_missing_policies();
  gates_->test_policies();
  take_up_grants();
  for (const auto& gate : gates_->all()) {
    if (others_wrote) gate->tools().pins_changed();
    gate->tools().look_at_reviewed();
  }
  gates_->clear_away();
}

net::Task<void> GatewayProcess::every_second() {
  for (std::uint64_t second = 0;; ++second) {
    co_await loop_.sleep(std::chrono::milliseconds(500));
    look_for_changes(Look::settled);
    parts_->questions.expire(approval::Moment::of(clock_));
    journal_->tick();
    if (second % 120 == 0) {
      for (const auto& gate : gates_->all()) gate->reap_idle(loop_.now());
      if (aggregate_) aggregate_->router().reap_idle(loop_.now());
    }
    // The next start reads again what came since: ten seconds, or under much load so many records that it takes a moment.
    if (second % 20 == 19 || journal_->last_seq() - kept_seq_ > 100'000) [[maybe_unused]] const auto kept = keep_counters();
    if (second % 20 == 9) make_missing_policies();
    expire_records(second);
    give_memory_back();
    if (second % 10 == 9) end_sessions_of_lost_grants();  // some expired
  }
}

/// What nobody waits for is written with the next decision, or a little later.
net::Task<void> GatewayProcess::write_outcomes() {
  for (;;) {
    co_await outcomes_.wait(net::Loop::forever);
    co_await loop_.sleep(std::chrono::milliseconds(20));
    if (journal_->has_unwritten()) [[maybe_unused]] const auto written = journal_->flush();
  }
}

net::Task<void> GatewayProcess::serve_stdio() {
  co_await stdio_->run();
  if (shared_) co_await shared_->leave();
  loop_.stop();
}

bool GatewayProcess::busy() const {
  return (server_ && server_->busy_connections() != 0) || (stdio_ && stdio_->busy());
}

net::Task<void> GatewayProcess::stop_gently() {
  log_.info("stopping");
  const net::Instant until = loop_.now() + time_to_finish;
  if (server_ && config_.reuse_port) co_await server_->leave_port();
  if (server_) server_->stop();
  if (stdio_) stdio_->stop();
  for (const auto& gate : gates_->all()) gate->stop();
  if (aggregate_) aggregate_->router().stop();
  while (busy() && loop_.now() < until) co_await loop_.sleep(std::chrono::milliseconds(50));
  // Whoever waits for a server that does not answer hears so before its connection ends.
  if (busy()) gates_->give_up();
  for (int waited = 0; busy() && waited < 20; ++waited) co_await loop_.sleep(std::chrono::milliseconds(50));
  if (stdio_) co_await stdio_->drained();
  if (shared_) co_await shared_->leave();
  loop_.stop();
}

}  // namespace callgate::cli
