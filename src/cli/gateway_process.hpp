#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <ostream>

#include "admin/api.hpp"
#include "aggregate/aggregate.hpp"
#include "approval/memory_questions.hpp"
#include "audit/retention.hpp"
#include "cli/admin_front.hpp"
#include "cli/counters_file.hpp"
#include "cli/counters_place.hpp"
#include "cli/data_folder.hpp"
#include "cli/directory.hpp"
#include "cli/exit.hpp"
#include "cli/reload.hpp"
#include "cli/shared_state.hpp"
#include "cli/wish_worker.hpp"
#include "config/file_stamp.hpp"
#include "config/run_flags.hpp"
#include "gateway/http_front.hpp"
#include "gateway/stdio_front.hpp"
#include "limits/memory_counters.hpp"
#include "session/stored_rounds.hpp"
#include "session/stored_sessions.hpp"
#include "store/grant_table.hpp"

namespace callgate::cli {

/// `callgate run` and `callgate serve` once their flags are read: everything that
/// lives as long as the process does, in the order in which it is built;
/// destroyed the other way round. Threads: the loop's, and those of its parts.
class GatewayProcess {
 public:
  GatewayProcess(StartedBy started, const config::RunFlags& flags, std::ostream& err)
      : started_(std::move(started)), command_(started_.command), flags_(flags), err_(err), config_(flags.config) {}
  GatewayProcess(const GatewayProcess&) = delete;
  GatewayProcess& operator=(const GatewayProcess&) = delete;
  /// Also after a start that failed.
  ~GatewayProcess() {
    std::error_code ignored;
    if (!socket_.empty()) std::filesystem::remove(socket_, ignored);
  }

  /// Builds every part, hands each to the next, and runs until told to stop.
  /// Exit: ok after SIGTERM or the end of stdin; refused for faulty policies;
  /// unavailable where a port, folder or file cannot be had.
  Exit run();

 private:
  // gateway_process.cpp: how it is built, and ends
  Exit prepare();
  Exit load_policies();
  Exit open_journal();
  Exit open_local_door(const net::ServerLimits& limits);
  Exit open_doors();
  Exit announce();
  std::string approval_url(std::string_view approval) const;
  Result<net::Address> listen(net::HttpServer& server, const config::Endpoint& endpoint, net::Port port);
  // gateway_life.cpp: what it does while it runs
  net::Task<void> every_second();
  net::Task<void> write_outcomes();
  net::Task<void> serve_stdio();
  net::Task<void> stop_gently();
  enum class Look : std::uint8_t {
    settled,  ///< changed files, once they are written
    everything,
  };
  void look_for_changes(Look look, const std::filesystem::path& whole = {});
  void reload_config(Look look, bool registered);
  bool config_is_to_be_read(Look look);
  void read_config(Look look);
  Result<void> serve_read(const Result<config::RunFlags>& read, gateway::Policies::Young young);
  void tell_refused(const Error& why);
  Result<void> serve_from_now_on(config::Config fresh, gateway::Policies::Young young);
  void serve_registered();
  void load_grant_policies();
  bool awaits_policy(const config::Server& server) const;
  void make_policy(const config::Server& server);
  void make_missing_policies();
  void take_up_grants();
  void join_others();
  gateway::Peers::Versions policy_versions() const;
  void end_sessions_of_lost_grants();
  Exit restore_counters();
  Exit open_shared_state();
  void open_what_goes_on();
  session::SessionStore& session_store();
  session::RoundStore& round_store();
  void take_up(const std::filesystem::path& file, How how);
  Result<void> keep_counters();
  void expire_records(std::uint64_t turn);
  void give_memory_back();
  bool busy() const;

  StartedBy started_;
  config::Command command_;
  const config::RunFlags& flags_;
  std::ostream& err_;
  config::Config config_;
  SystemClock clock_;
  ExpiryClock grants_clock_{clock_};
  FdLog log_{clock_};
  Metrics metrics_;
  IdSource approval_ids_;
  std::optional<ServeLock> lock_;
  net::Loop loop_;
  net::Signal outcomes_{loop_};  ///< some are recorded and not written
  std::unique_ptr<store::Store> store_;
  std::optional<store::GrantWatch> grants_;
  store::Store::Version store_seen_;
  config::FileWatch config_watch_;
  bool config_waits_ = false;        ///< the file is to be read again, changed or not
  bool config_refused_ = false;      ///< as it is now
  bool registered_waits_ = false;    ///< the store's servers may be others than those that are served
  bool registered_refused_ = false;  ///< as they are now, beside the last good file
  config::Config file_config_{flags_.config};  ///< the last good one, without the store's servers
  std::optional<CountersPlace> counters_place_;
  gateway::Policies policies_{log_, metrics_};
  std::map<std::string, std::string> unmade_;  ///< why a server has no policy yet although its tools were read
  limits::MemoryCounters counters_;              ///< unless they are shared
  std::unique_ptr<SharedState> shared_;
  approval::Desk desk_{[this](std::int64_t wall_ms) { return approval_ids_.next(wall_ms); }};
  approval::MemoryQuestions questions_{desk_};   ///< unless they are shared
  session::NoSessionStore no_sessions_;          ///< of `run`
  std::unique_ptr<session::StoredSessions> sessions_;  ///< unless they are shared
  session::MemoryRounds memory_rounds_{clock_};        ///< of `run`
  std::unique_ptr<session::StoredRounds> rounds_;      ///< unless they are shared
  std::optional<audit::DigestKey> digest_key_;
  std::unique_ptr<audit::Journal> journal_;
  std::optional<audit::Retention> retention_;
  bool more_expired_ = false;
  std::uint64_t kept_seq_ = 0;  ///< up to where the counters were kept last
  net::Instant last_decision_;  ///< when it was put on record
  net::Instant lean_since_;     ///< the last one when memory was given back
  net::Instant next_trim_;      ///< not before
  std::optional<gateway::Parts> parts_;
  std::unique_ptr<gateway::Gates> gates_;
  std::unique_ptr<Directory> directory_;
  std::unique_ptr<WishWorker> wishes_;
  std::unique_ptr<admin::Api> api_;
  std::unique_ptr<admin::ApprovalPage> page_;
  std::unique_ptr<aggregate::Aggregate> aggregate_;  ///< null: not wanted
  std::unique_ptr<gateway::HttpFront> front_;
  std::unique_ptr<AdminFront> admin_front_;
  std::unique_ptr<AdminFront> local_front_;
  std::unique_ptr<net::HttpServer> server_;
  std::unique_ptr<net::HttpServer> admin_server_;
  std::unique_ptr<net::HttpServer> local_server_;
  std::unique_ptr<gateway::StdioFront> stdio_;
  std::filesystem::path socket_;
  net::Address bound_;                  ///< the first of them
  std::vector<std::string> listening_;  ///< all that agents are served at
  std::optional<net::Address> admin_bound_;
  bool stopping_ = false;
  net::TaskGroup tasks_;
};

/// How the journal of this configuration is kept.
audit::JournalOptions journal_options(const config::Config& config);

/// A server's reviewed definitions, if it has any, can be read: no gate starts with a faulty file.
Result<void> read_reviewed(const config::Server& server);

}  // namespace callgate::cli
