#include "cli/gateway_process.hpp"

#include <algorithm>
#include <csignal>
#include <map>
#include <optional>

#include <fmt/format.h>
#include <unistd.h>

#include "admin/api.hpp"
#include "admin/token.hpp"
#include "cli/admin_client.hpp"
#include "cli/admin_front.hpp"
#include "cli/counters_file.hpp"
#include "cli/counters_place.hpp"
#include "cli/data_folder.hpp"
#include "cli/directory.hpp"
#include "cli/listed_tools.hpp"
#include "cli/policy_files.hpp"
#include "cli/ready_line.hpp"
#include "cli/reload.hpp"
#include "cli/server_command.hpp"
#include "config/text_file.hpp"
#include "gateway/http_front.hpp"
#include "gateway/stdio_front.hpp"
#include "limits/memory_counters.hpp"
#include "net/child.hpp"
#include "net/signals.hpp"
#include "registry/pin_file.hpp"
#include "store/grant_table.hpp"

namespace callgate::cli {

namespace {

namespace fs = std::filesystem;

Exit say(std::ostream& err, const Error& error, Exit exit) {
  err << "callgate: " << (error.where.empty() ? "" : error.where + ": ") << error.message << '\n';
  return exit;
}

audit::JournalOptions journal_options(const config::Config& config) {
  const fs::path folder = config.audit.folder.empty() ? config.data / "journal" : config.audit.folder;
  audit::JournalOptions options{.directory = folder.string(), .segment_bytes = config.audit.segment_bytes};
  options.sync = config.audit.sync == config::Sync::none ? audit::Sync::none : config.audit.sync == config::Sync::each ? audit::Sync::each : audit::Sync::batch;
  options.signing_key = (config.data / "keys" / "journal.key").string();
  return options;
}

/// A server's reviewed definitions, if it has any: a gate does not start with a faulty file.
Result<void> read_reviewed(const config::Server& server) {
  if (server.pins.empty()) return {};
  const auto text = config::read_text(server.pins, config::Writers::owner_only, gateway::max_reviewed_bytes);
  if (!text) return std::unexpected(text.error());
  const auto file = registry::PinFile::parse(*text, server.pins.string());
  return file ? Result<void>{} : std::unexpected(file.error());
}

/// Everything that lives as long as the process does, in the order in which it
/// is built; destroyed the other way round.
class GatewayProcess {
 public:
  GatewayProcess(StartedBy started, const config::RunFlags& flags, std::ostream& err)
      : started_(std::move(started)), command_(started_.command), flags_(flags), err_(err), config_(flags.config) {}
  GatewayProcess(const GatewayProcess&) = delete;
  GatewayProcess& operator=(const GatewayProcess&) = delete;
  /// Also after a start that failed.
  ~GatewayProcess() {
    std::error_code ignored;
    if (!socket_.empty()) fs::remove(socket_, ignored);
  }

  Exit run();

 private:
  Exit prepare();
  Exit load_policies();
  Exit open_journal();
  Exit open_local_door(const net::ServerLimits& limits);
  Exit open_doors();
  Exit announce();
  Result<net::Address> listen(net::HttpServer& server, const config::Endpoint& endpoint);
  net::Task<void> every_second();
  net::Task<void> serve_stdio();
  net::Task<void> stop_gently();
  enum class Look : std::uint8_t { only_if_changed, at_all };
  void look_for_changes(Look look);
  void reload_config(Look look);
  Result<void> serve_from_now_on(config::Config fresh);
  void load_grant_policies();
  void end_sessions_of_lost_grants();
  Exit restore_counters();
  void take_up(const fs::path& file, How how);
  void keep_counters();
  bool busy() const;

  StartedBy started_;
  config::Command command_;
  const config::RunFlags& flags_;
  std::ostream& err_;
  config::Config config_;
  SystemClock clock_;
  FdLog log_{clock_};
  Metrics metrics_;
  IdSource approval_ids_;
  std::optional<ServeLock> lock_;
  net::Loop loop_;
  std::unique_ptr<store::Store> store_;
  std::optional<store::GrantWatch> grants_;
  store::Store::Version store_seen_;
  config::FileStamp config_seen_;
  std::optional<CountersPlace> counters_place_;
  gateway::Policies policies_{log_};
  limits::MemoryCounters counters_;
  approval::Desk desk_{[this](std::int64_t wall_ms) { return approval_ids_.next(wall_ms); }};
  std::optional<audit::DigestKey> digest_key_;
  std::unique_ptr<audit::Journal> journal_;
  std::optional<gateway::Parts> parts_;
  std::unique_ptr<gateway::Gates> gates_;
  std::unique_ptr<Directory> directory_;
  std::unique_ptr<admin::Api> api_;
  std::unique_ptr<gateway::HttpFront> front_;
  std::unique_ptr<AdminFront> admin_front_;
  std::unique_ptr<AdminFront> local_front_;
  std::unique_ptr<net::HttpServer> server_;
  std::unique_ptr<net::HttpServer> admin_server_;
  std::unique_ptr<net::HttpServer> local_server_;
  std::unique_ptr<gateway::StdioFront> stdio_;
  fs::path socket_;
  net::Address bound_;
  std::optional<net::Address> admin_bound_;
  bool stopping_ = false;
  net::TaskGroup tasks_;
};

Exit GatewayProcess::prepare() {
  if (auto kept = keep_ready_fd(flags_); !kept) return say(err_, kept.error(), Exit::usage);
  const auto closed = take_data_folder(config_.data);
  if (!closed) return say(err_, closed.error(), Exit::unavailable);
  if (*closed) log_.warn("data_folder_closed", {{"folder", config_.data.string()}, {"why", "others could read it; its mode is 0700 now"}});
  if (command_ == config::Command::serve) {
    auto lock = ServeLock::take(config_.data, std::chrono::seconds(5));
    if (!lock) return say(err_, lock.error(), Exit::unavailable);
    lock_.emplace(std::move(*lock));
  }
  auto store = store::open(config_.data, {.now_ms = clock_.wall_ms()});
  if (!store) return say(err_, store.error(), Exit::unavailable);
  store_ = std::move(*store);
  grants_.emplace(*store_);
  if (auto seen = store_->changed(store_seen_); !seen) return say(err_, seen.error(), Exit::unavailable);
  if (flags_.from_store) {
    auto servers = store_->servers().list();
    if (!servers) return say(err_, servers.error(), Exit::unavailable);
    for (const std::string& name : add_registered(config_, *servers))
      log_.warn("registered_server_left_out", {{"server", name}, {"why", "the configuration file has one of this name"}});
    if (config_.servers.empty())
      return say(err_, {ErrorKind::not_found, "no server is registered: add one with `callgate server add NAME …`, or name one with `--upstream URL` or `-- CMD…`", {}}, Exit::usage);
  }
  return Exit::ok;
}

Exit GatewayProcess::load_policies() {
  Exit exit = Exit::ok;
  policies_.hold_against([this](const fs::path& policy) { return listed_tools(config_, *store_, policy); });
  for (const config::Server& server : config_.servers) {
    if (server.policy.empty()) {
      // Flags and file were asked for one before: this one is registered.
      const std::string remedy = fmt::format("server `{0}` has no policy: name one with `callgate server policy {0} FILE`", server.name);
      exit = std::max(exit, say(err_, {ErrorKind::invalid, remedy, {}}, Exit::usage));
    } else if (auto text = config::read_text(server.policy, config::Writers::owner_only); !text) {
      exit = std::max(exit, say(err_, text.error(), exit_of(text.error())));
    } else if (auto loaded = policies_.load(server.policy); !loaded) {
      err_ << loaded.error().message << '\n';
      exit = std::max(exit, Exit::refused);
    }
    if (auto pins = read_reviewed(server); !pins) exit = std::max(exit, say(err_, pins.error(), Exit::refused));
  }
  if (auto refreshed = grants_->refresh(); !refreshed) return say(err_, refreshed.error(), Exit::unavailable);
  load_grant_policies();
  return exit;
}

/// A grant whose policy cannot be loaded is denied everything until it can.
void GatewayProcess::load_grant_policies() {
  auto grants = store_->grants().list();
  if (!grants) return;
  for (const store::Grant& grant : *grants) {
    if (grant.policy.empty() || grant.revoked_ms) continue;
    if (auto loaded = policies_.load(grant.policy); !loaded)
      log_.error("grant_policy_refused", {{"grant", grant.name}, {"fault", loaded.error().message}});
  }
}

Exit GatewayProcess::open_journal() {
  auto key = audit::DigestKey::open((config_.data / "keys" / "args-digest.key").string());
  if (!key) return say(err_, key.error(), Exit::unavailable);
  digest_key_.emplace(std::move(*key));
  auto journal = audit::Journal::open(journal_options(config_), clock_, log_);
  if (!journal) return say(err_, journal.error(), Exit::unavailable);
  journal_ = std::move(*journal);
  loop_.at_turn_end([this] {
    if (journal_->has_unwritten()) [[maybe_unused]] const auto written = journal_->flush();
  });
  return Exit::ok;
}

Result<net::Address> GatewayProcess::listen(net::HttpServer& server, const config::Endpoint& endpoint) {
  const std::string host = endpoint.host == "localhost" ? "127.0.0.1" : endpoint.host;
  const auto address = net::Address::numeric(host, endpoint.port);
  if (!address) return fail(ErrorKind::invalid, fmt::format("cannot listen on `{}`: give an IP address", endpoint.host));
  return server.listen(*address);
}

/// The socket file by which commands reach this process.
Exit GatewayProcess::open_local_door(const net::ServerLimits& limits) {
  const fs::path run = config_.data / "run";
  if (auto made = make_private_folder(run); !made) return say(err_, made.error(), Exit::unavailable);
  if (const std::size_t dead = remove_dead_sockets(config_.data); dead > 0) log_.info("dead_sockets_removed", {{"count", dead}});
  socket_ = run / (journal_->instance() + ".sock");
  local_front_ = std::make_unique<AdminFront>(*api_, admin::Door::local_socket);
  local_server_ = std::make_unique<net::HttpServer>(loop_, *local_front_, limits);
  // Named once it listens: a socket that refuses is a dead gateway's for sure.
  const fs::path unnamed = run / (journal_->instance() + ".new");
  auto local = net::Address::unix_path(unnamed.string());
  auto bound = local ? local_server_->listen(*local) : Result<net::Address>(std::unexpected(local.error()));
  if (!bound) return say(err_, bound.error(), Exit::unavailable);
  std::error_code fault;
  fs::rename(unnamed, socket_, fault);
  if (fault) return say(err_, {ErrorKind::unavailable, fmt::format("`{}` cannot be made: {}", socket_.string(), fault.message()), {}}, Exit::unavailable);
  return Exit::ok;
}

Exit GatewayProcess::open_doors() {
  parts_.emplace(gateway::Parts{loop_, clock_, log_, metrics_, config_, *journal_, *digest_key_, counters_, desk_, *store_, policies_});
  gates_ = std::make_unique<gateway::Gates>(*parts_);
  directory_ = std::make_unique<Directory>(*parts_, *gates_, flags_.config_file.empty() ? "flags" : "file");
  auto token = admin::load_or_make_token(config_.data);
  if (!token) return say(err_, token.error(), Exit::unavailable);
  session::AccessList admin_access(config_);
  if (config_.admin_listen) admin_access.accept_listener(*config_.admin_listen);
  api_ = std::make_unique<admin::Api>(admin::Api::Parts{desk_, *directory_, *directory_, metrics_, clock_},
                                      admin::Guard(std::move(*token), std::move(admin_access)));
  const net::ServerLimits admin_limits{.body = admin::Api::max_body, .connections = 256, .connections_per_address = 64};

  if (const Exit exit = open_local_door(admin_limits); exit != Exit::ok) return exit;
  if (config_.admin_listen) {
    admin_front_ = std::make_unique<AdminFront>(*api_, admin::Door::listener);
    admin_server_ = std::make_unique<net::HttpServer>(loop_, *admin_front_, admin_limits);
    auto admin = listen(*admin_server_, *config_.admin_listen);
    if (!admin) return say(err_, admin.error(), Exit::unavailable);
    admin_bound_ = *admin;
  }
  if (command_ == config::Command::run) {
    stdio_ = std::make_unique<gateway::StdioFront>(*parts_, *gates_->all().front(), STDIN_FILENO, STDOUT_FILENO);
    return Exit::ok;
  }
  front_ = std::make_unique<gateway::HttpFront>(*parts_, *gates_, session::Authenticator(config_.auth, &*grants_), session::AccessList(config_));
  net::ServerLimits limits{.body = config_.limits.body, .connections_per_address = config_.limits.connections_per_address};
  server_ = std::make_unique<net::HttpServer>(loop_, *front_, limits);
  for (const config::Endpoint& endpoint : config_.listen) {
    auto address = listen(*server_, endpoint);
    if (!address) return say(err_, address.error(), Exit::unavailable);
    if (bound_.size == 0) bound_ = *address;
  }
  return Exit::ok;
}

Exit GatewayProcess::announce() {
  Ready ready{.url = {}, .servers = {}, .admin = {}, .pid = getpid()};
  if (command_ == config::Command::serve) {
    ready.url = config_.public_url.empty() ? fmt::format("http://{}", bound_.text()) : config_.public_url;
    for (const auto& gate : gates_->all())
      ready.servers.emplace_back(gate->name(), gates_->only() != nullptr ? ready.url + "/mcp" : ready.url + "/mcp/" + gate->name());
    if (admin_bound_) ready.admin = "http://" + admin_bound_->text();
    log_.info("ready", {{"url", ready.url}, {"servers", gates_->all().size()}});
  }
  if (auto told = tell_ready(flags_, ready_line(ready)); !told) return say(err_, told.error(), Exit::unavailable);
  return Exit::ok;
}

void GatewayProcess::take_up(const fs::path& file, How how) {
  const fs::path journals = journal_options(config_).directory;
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

Exit GatewayProcess::restore_counters() {
  const fs::path folder = config_.data / "counters";
  if (auto made = make_private_folder(folder); !made) return say(err_, made.error(), Exit::unavailable);
  auto place = CountersPlace::take(folder, command_ == config::Command::serve ? "serve" : counters_stem(config_.servers.front()));
  if (!place) return say(err_, place.error(), Exit::unavailable);
  counters_place_ = std::move(*place);
  if (counters_place_->shared())
    log_.warn("limits_count_apart", {{"server", config_.servers.front().name}, {"why", "another `callgate run` for this server and policy is alive"}});
  take_up(counters_place_->file(), How::instead);
  for (const fs::path& file : counters_place_->left_behind()) take_up(file, How::beside);
  // From here on this process's journal holds what the file does not.
  keep_counters();
  counters_place_->remove_left_behind();
  return Exit::ok;
}

void GatewayProcess::keep_counters() {
  const JournalPlace place{.instance = journal_->instance(), .seq = journal_->last_seq()};
  if (const auto kept = cli::keep_counters(counters_place_->file(), counters_, place, limits::Moment::of(clock_)); !kept)
    log_.error("counters_not_kept", {{"fault", kept.error().message}});
}

/// The servers of a changed file or store are served from now on; a faulty
/// configuration leaves the last good one in force.
void GatewayProcess::reload_config(Look look) {
  if (command_ != config::Command::serve) return;
  const config::FileStamp stamp = flags_.config_file.empty() ? config::FileStamp{} : config::FileStamp::of(flags_.config_file);
  if (look == Look::only_if_changed && stamp == config_seen_) return;
  config_seen_ = stamp;
  auto fresh = read_again(started_, *store_);
  auto served = fresh ? serve_from_now_on(std::move(*fresh)) : std::unexpected(fresh.error());
  if (!served) log_.error("config_refused", {{"fault", served.error().message}, {"effect", "the last good configuration stays in force"}});
}

Result<void> GatewayProcess::serve_from_now_on(config::Config fresh) {
  for (const std::string& key : keys_for_next_start(config_, fresh))
    log_.warn("config_key_waits", {{"key", key}, {"effect", "counts from the next start"}});
  if (fresh.servers == config_.servers) return {};
  for (const config::Server& server : fresh.servers) {
    if (server.policy.empty()) return fail(ErrorKind::invalid, fmt::format("server `{}` has no policy", server.name));
    if (auto loaded = policies_.load(server.policy); !loaded) return std::unexpected(loaded.error());
    if (auto pins = read_reviewed(server); !pins) return std::unexpected(pins.error());
  }
  config_.servers = std::move(fresh.servers);
  gates_->serve(config_.servers);
  log_.info("servers_changed", {{"servers", config_.servers.size()}});
  return {};
}

void GatewayProcess::end_sessions_of_lost_grants() {
  if (config_.auth != config::Auth::grants) return;
  const auto table = grants_->table();
  std::map<std::string, bool, std::less<>> known;
  const auto may_stay = [&](std::string_view grant) {
    const auto found = known.find(grant);
    return found != known.end() ? found->second : known.emplace(grant, table->is_live(grant, clock_.wall_ms())).first->second;
  };
  for (const auto& gate : gates_->all()) gate->end_sessions(may_stay);
}

void GatewayProcess::look_for_changes(Look look) {
  const bool store_changed = [this] {
    const auto changed = store_->changed(store_seen_);
    return changed && *changed;
  }();
  const bool registered = flags_.from_store && store_changed;
  reload_config(registered ? Look::at_all : look);
  if (policies_.refresh()) {
    for (const auto& gate : gates_->all()) gate->announce_list_change();
  }
  if (auto changed = grants_->refresh(); changed && *changed) {
    load_grant_policies();
    end_sessions_of_lost_grants();
  }
  for (const auto& gate : gates_->all()) {
    if (store_changed) gate->tools().pins_changed();
    gate->tools().look_at_reviewed();
  }
  gates_->clear_away();
}

net::Task<void> GatewayProcess::every_second() {
  for (std::uint64_t second = 0;; ++second) {
    co_await loop_.sleep(std::chrono::milliseconds(500));
    look_for_changes(Look::only_if_changed);
    desk_.expire(approval::Moment::of(clock_));
    journal_->tick();
    if (second % 120 == 0) {
      for (const auto& gate : gates_->all()) gate->reap_idle();
    }
    if (second % 20 == 19) keep_counters();
    if (second % 10 == 9) end_sessions_of_lost_grants();  // some expired
  }
}

net::Task<void> GatewayProcess::serve_stdio() {
  co_await stdio_->run();
  loop_.stop();
}

bool GatewayProcess::busy() const {
  return (server_ && server_->busy_connections() != 0) || (stdio_ && stdio_->busy());
}

net::Task<void> GatewayProcess::stop_gently() {
  log_.info("stopping");
  if (server_) server_->stop();
  if (stdio_) stdio_->stop();
  for (const auto& gate : gates_->all()) gate->stop();
  for (int waited = 0; busy() && waited < 600; ++waited) co_await loop_.sleep(std::chrono::milliseconds(50));
  if (stdio_) co_await stdio_->drained();
  loop_.stop();
}

Exit GatewayProcess::run() {
  for (const auto step : {&GatewayProcess::prepare, &GatewayProcess::load_policies, &GatewayProcess::open_journal}) {
    if (const Exit exit = (this->*step)(); exit != Exit::ok) return exit;
  }
  config_seen_ = flags_.config_file.empty() ? config::FileStamp{} : config::FileStamp::of(flags_.config_file);
  if (const Exit exit = restore_counters(); exit != Exit::ok) return exit;
  if (const Exit exit = open_doors(); exit != Exit::ok) return exit;
  net::Signals signals(loop_, {SIGTERM, SIGINT, SIGHUP}, [this](int signal) {
    if (signal == SIGHUP) return look_for_changes(Look::at_all);
    if (!std::exchange(stopping_, true)) tasks_.spawn(stop_gently());
  });
  gates_->start();
  if (stdio_) tasks_.spawn(serve_stdio());
  tasks_.spawn(every_second());
  if (const Exit exit = announce(); exit != Exit::ok) return exit;
  loop_.run();
  keep_counters();
  std::error_code ignored;
  fs::remove(socket_, ignored);
  // Connections, streams and children end before the journal they write to.
  tasks_.cancel();
  server_.reset();
  admin_server_.reset();
  local_server_.reset();
  stdio_.reset();
  gates_.reset();
  [[maybe_unused]] const auto written = journal_->flush();
  net::await_reaped(std::chrono::seconds(5));
  return Exit::ok;
}

}  // namespace

Exit gateway_command(config::Command command, std::span<const std::string_view> args, std::ostream& out, std::ostream& err) {
  const config::ProcessEnvironment environment;
  const config::ParsedFlags parsed = config::parse_run_flags(command, args, environment);
  for (const Error& fault : parsed.faults) say(err, fault, Exit::usage);
  if (!parsed.flags) return parsed.usage ? Exit::usage : parsed.unreadable ? Exit::unavailable : Exit::refused;
  if (parsed.flags->help) {
    out << (command == config::Command::run ?
R"(callgate run: stand between one stdio client and one server

  callgate run --policy FILE -- COMMAND [ARG…]         a server started as a child process
  callgate run --policy FILE --upstream URL            a server reached by Streamable HTTP

  --header 'NAME: VALUE'   sent to the server; secrets by ${env:NAME} or ${file:PATH}
  --name NAME              what the server is called in pins and records (default: default)
  --data DIR               journal, pins, counters (default: $XDG_DATA_HOME/callgate)
  --audit DIR              journals elsewhere
  --ready-file FILE, --ready-fd N   get one JSON line once calls are taken

example: callgate run --policy memory.yaml -- npx -y @modelcontextprotocol/server-memory
)" :
R"(callgate serve: stand in front of servers, for clients that speak Streamable HTTP

  callgate serve --policy FILE --listen HOST:PORT --upstream URL
  callgate serve --policy FILE --listen HOST:PORT -- COMMAND [ARG…]
  callgate serve --config callgate.yaml                many servers, each at /mcp/<server>

  --listen HOST:PORT       port 0 takes a free one
  --auth none|grants       none is for loopback only; elsewhere clients need a grant's token
  --public-url URL         the address that clients see; needed off loopback
  --host NAME              one more name that clients may use in `Host`; may stand several times
  --admin HOST:PORT        the admin API
  --header 'NAME: VALUE'   sent to the server; secrets by ${env:NAME} or ${file:PATH}
  --ready-file FILE, --ready-fd N   get one JSON line once calls are taken
  --name NAME, --data DIR, --audit DIR   as in `callgate run --help`

example: callgate serve --policy p.yaml --listen 127.0.0.1:8808 --upstream http://127.0.0.1:9000/mcp
)");
    return Exit::ok;
  }
  return GatewayProcess({.command = command, .args = {args.begin(), args.end()}}, *parsed.flags, err).run();
}

}  // namespace callgate::cli
