#include "cli/gateway_process.hpp"

#include <algorithm>
#include <csignal>

#include <fmt/format.h>
#include <unistd.h>

#include "admin/token.hpp"
#include "cli/admin_client.hpp"
#include "cli/listed_tools.hpp"
#include "cli/policy_files.hpp"
#include "cli/ready_line.hpp"
#include "cli/server_command.hpp"
#include "cli/tool_classes.hpp"
#include "config/checks.hpp"
#include "config/text_file.hpp"
#include "net/child.hpp"
#include "net/file_limit.hpp"
#include "net/signals.hpp"
#include "registry/pin_file.hpp"

namespace callgate::cli {

namespace {

namespace fs = std::filesystem;

/// What clients may have of the open files: the rest is for servers, the journal and the store.
std::size_t most_connections(std::size_t wanted) {
  const std::size_t files = net::file_limit();
  const std::size_t reserve = std::max<std::size_t>(files / 4, 128);
  return std::min(wanted, files > 2 * reserve ? files - reserve : std::max<std::size_t>(files / 2, 16));
}

}  // namespace

audit::JournalOptions journal_options(const config::Config& config) {
  const fs::path folder = config.audit.folder.empty() ? config.data / "journal" : config.audit.folder;
  audit::JournalOptions options{.directory = folder.string(), .segment_bytes = config.audit.segment_bytes};
  options.on_full = config.audit.on_full == config::OnFull::refuse ? audit::OnFull::refuse : audit::OnFull::refuse_medium;
  options.segment_age = std::max(config.audit.keep / 10, std::chrono::milliseconds(1));
  options.sync = config.audit.sync == config::Sync::none ? audit::Sync::none : config.audit.sync == config::Sync::each ? audit::Sync::each : audit::Sync::batch;
  options.signing_key = (config.data / "keys" / "journal.key").string();
  return options;
}

Result<void> read_reviewed(const config::Server& server) {
  if (server.pins.empty()) return {};
  const auto text = config::read_text(server.pins, config::Writers::owner_only, gateway::max_reviewed_bytes);
  if (!text) {
    Error error = text.error();
    if (error.kind == ErrorKind::not_found) error.message += fmt::format("; `callgate server pin {} --write` writes it, once the server was started without `pins:` and its tools were looked at", server.name);
    return std::unexpected(std::move(error));
  }
  const auto file = registry::PinFile::parse(*text, server.pins.string());
  return file ? Result<void>{} : std::unexpected(file.error());
}

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
    for (const LeftOut& each : add_registered(config_, *servers)) log_.warn("registered_server_left_out", {{"server", each.server}, {"why", each.why}});
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
    } else if (awaits_policy(server)) {
      log_.info("policy_awaited", {{"server", server.name}, {"effect", "every call is refused until one is made from the tools that the server lists"}});
    } else if (auto text = config::read_text(server.policy, config::Writers::owner_only); !text) {
      exit = std::max(exit, say(err_, text.error(), exit_of(text.error())));
    } else if (auto loaded = policies_.load(server.policy); !loaded) {
      err_ << loaded.error().message << '\n';
      exit = std::max(exit, Exit::refused);
    }
    if (auto pins = read_reviewed(server); !pins) exit = std::max(exit, say(err_, pins.error(), pins.error().kind == ErrorKind::invalid ? Exit::refused : exit_of(pins.error())));
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
  auto seals = audit::load_or_make_key((config_.data / "keys" / "approval-rounds.key").string());
  if (!seals) return say(err_, seals.error(), Exit::unavailable);
  questions_.seal_with(*seals);
  audit::remove_left_reserves(journal_options(config_).directory);
  auto journal = audit::Journal::open(journal_options(config_), clock_, log_);
  if (!journal) return say(err_, journal.error(), Exit::unavailable);
  journal_ = std::move(*journal);
  retention_.emplace(journal_options(config_).directory, config_.audit.keep, clock_);
  loop_.at_turn_end([this] {
    if (journal_->is_awaited()) {
      [[maybe_unused]] const auto written = journal_->flush();
      last_decision_ = loop_.now();
    } else if (journal_->has_unwritten()) {
      outcomes_.raise();
    }
  });
  return Exit::ok;
}

Result<net::Address> GatewayProcess::listen(net::HttpServer& server, const config::Endpoint& endpoint, net::Port port) {
  const std::string host = endpoint.host == "localhost" ? "127.0.0.1" : endpoint.host;
  const auto address = net::Address::numeric(host, endpoint.port);
  if (!address) return fail(ErrorKind::invalid, fmt::format("cannot listen on `{}`: give an IP address", endpoint.host));
  auto bound = server.listen(*address, port);
  if (!bound && bound.error().kind == ErrorKind::conflict && config_.reuse_port) {
    bound.error().message += port == net::Port::shared
                                 ? "; every gateway there needs `reuse_port: true` and the same user"
                                 : "; `reuse_port` shares no admin listener: give this gateway another (`--admin HOST:PORT`)";
  }
  return bound;
}

/// The socket file by which commands reach this process.
Exit GatewayProcess::open_local_door(const net::ServerLimits& limits) {
  const fs::path run = config_.data / "run";
  if (auto made = make_private_folder(run); !made) return say(err_, made.error(), Exit::unavailable);
  if (const std::size_t dead = remove_dead_sockets(config_.data); dead > 0) log_.info("dead_sockets_removed", {{"count", dead}});
  socket_ = run / (journal_->instance() + ".sock");
  local_front_ = AdminFront::local(*api_);
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
  parts_.emplace(gateway::Parts{loop_, clock_, log_, metrics_, config_, *journal_, *digest_key_, shared_ ? shared_->counters() : counters_,
                               shared_ ? shared_->questions() : questions_,
                               session_store(), round_store(), *store_, policies_, tool_classes(log_),
                               [this](std::string_view approval) { return approval_url(approval); }});
  parts_->tools_read = [this](const config::Server& server) { make_policy(server); };
  gates_ = std::make_unique<gateway::Gates>(*parts_);
  if (shared_) join_others();
  parts_->sessions.on_end([this](std::string_view session) {
    gates_->ended_elsewhere(session);
    if (aggregate_) aggregate_->router().ended_elsewhere(session);
  });
  parts_->sessions.ask_which_are_busy(
      [this](std::string_view session) { return gates_->is_busy(session) || (aggregate_ && aggregate_->router().is_busy(session)); });
  directory_ = std::make_unique<Directory>(*parts_, *gates_, flags_.config_file.empty() ? "flags" : "file");
  directory_->add_faults([this] {
    std::vector<std::string> faults = shared_ ? shared_->peers().differences() : std::vector<std::string>();
    for (const auto& [server, why] : unmade_) faults.push_back(fmt::format("`{}` has no policy, so every call is refused: {}", server, why));
    return faults;
  });
  auto token = admin::load_or_make_token(config_.data);
  if (!token) return say(err_, token.error(), Exit::unavailable);
  session::AccessList admin_access(config_);
  if (config_.admin_listen) admin_access.accept_listener(*config_.admin_listen);
  admin_access.accept_url(config_.admin_url);
  wishes_ = std::make_unique<WishWorker>(WishWorker::Parts{loop_, config_, *store_, policies_, log_, [this](const fs::path& policy) { look_for_changes(Look::settled, policy); }, model_endpoint(config::ProcessEnvironment())});
  api_ = std::make_unique<admin::Api>(admin::Api::Parts{parts_->questions, *directory_, *directory_, metrics_, clock_, *wishes_},
                                      admin::Guard(*token, admin_access));
  page_ = std::make_unique<admin::ApprovalPage>(admin::ApprovalPage::Parts{parts_->questions, clock_, log_, config_.admin_url},
                                                admin::Guard(std::move(*token), std::move(admin_access)));
  const net::ServerLimits admin_limits{.body = admin::Api::max_body, .connections = 256, .connections_per_address = 64};

  if (const Exit exit = open_local_door(admin_limits); exit != Exit::ok) return exit;
  if (config_.admin_listen) {
    admin_front_ = std::make_unique<AdminFront>(*api_, *page_);
    admin_server_ = std::make_unique<net::HttpServer>(loop_, *admin_front_, admin_limits);
    auto admin = listen(*admin_server_, *config_.admin_listen, net::Port::own);
    if (!admin) return say(err_, admin.error(), Exit::unavailable);
    admin_bound_ = *admin;
  }
  if (command_ == config::Command::run) {
    stdio_ = std::make_unique<gateway::StdioFront>(*parts_, *gates_->all().front(), STDIN_FILENO, STDOUT_FILENO);
    return Exit::ok;
  }
  front_ = std::make_unique<gateway::HttpFront>(*parts_, *gates_, session::Authenticator(config_.auth, &*grants_, shared_ ? &shared_->grants() : nullptr), session::AccessList(config_));
  if (config_.aggregate) {
    aggregate_ = std::make_unique<aggregate::Aggregate>(*parts_, *gates_, session::Authenticator(config_.auth, &*grants_, shared_ ? &shared_->grants() : nullptr));
    front_->serve_also(*aggregate_);
  }
  net::ServerLimits limits{.body = config_.limits.body, .connections_per_address = config_.limits.connections_per_address};
  limits.connections = most_connections(limits.connections);
  limits.connections_per_address = std::min(limits.connections_per_address, limits.connections - limits.connections / 8);
  limits.bodies = std::max(limits.bodies, 4 * limits.body);  // one caller has a quarter of it, and one body has to fit
  server_ = std::make_unique<net::HttpServer>(loop_, *front_, limits);
  for (const config::Endpoint& endpoint : config_.listen) {
    auto address = listen(*server_, endpoint, config_.reuse_port ? net::Port::shared : net::Port::own);
    if (!address) return say(err_, address.error(), Exit::unavailable);
    if (bound_.size == 0) bound_ = *address;
    listening_.push_back(address->text());
  }
  return Exit::ok;
}

/// Where a person answers; empty where no address is known that would lead there.
std::string GatewayProcess::approval_url(std::string_view approval) const {
  if (!admin_bound_) return {};
  if (!config_.admin_url.empty()) return fmt::format("{}/approve/{}", config_.admin_url, approval);
  const bool everywhere = config_.admin_listen->host == "0.0.0.0" || config_.admin_listen->host == "::";
  return everywhere ? std::string() : fmt::format("http://{}/approve/{}", admin_bound_->text(), approval);
}

Exit GatewayProcess::announce() {
  Ready ready{.url = {}, .servers = {}, .admin = {}, .listen = listening_, .pid = getpid()};
  if (command_ == config::Command::serve) {
    ready.url = config_.public_url.empty() ? fmt::format("http://{}", bound_.text()) : config_.public_url;
    for (const auto& gate : gates_->all())
      ready.servers.emplace_back(gate->name(), gates_->only() != nullptr ? ready.url + "/mcp" : ready.url + "/mcp/" + gate->name());
    if (admin_bound_) ready.admin = "http://" + admin_bound_->text();
    if (admin_bound_ && !config::is_loopback_endpoint(*config_.admin_listen))
      log_.warn("administration_off_loopback", {{"address", admin_bound_->text()}, {"effect", "its token can be read by whoever sees the traffic: listen on loopback and put TLS before it"}});
    log_.info("ready", {{"url", ready.url}, {"servers", gates_->all().size()}});
  }
  if (auto told = tell_ready(flags_, ready_line(ready)); !told) return say(err_, told.error(), Exit::unavailable);
  return Exit::ok;
}

Exit GatewayProcess::open_shared_state() {
  auto shared = SharedState::open(loop_, clock_, log_, metrics_, *config_.state, config_.data / "counters", *store_, [this](std::int64_t wall_ms) { return approval_ids_.next(wall_ms); });
  if (!shared) return say(err_, shared.error(), Exit::unavailable);
  shared_ = std::move(*shared);
  return Exit::ok;
}

Exit GatewayProcess::restore_counters() {
  if (config_.state) return open_shared_state();
  const fs::path folder = config_.data / "counters";
  if (auto made = make_private_folder(folder); !made) return say(err_, made.error(), Exit::unavailable);
  const std::vector<std::string> stems = command_ == config::Command::serve ? std::vector<std::string>{"serve"} : counters_stems(config_.servers.front());
  auto place = CountersPlace::take(folder, stems);
  if (!place) return say(err_, place.error(), Exit::unavailable);
  counters_place_ = std::move(*place);
  if (counters_place_->shared())
    log_.warn("limits_count_apart", {{"server", config_.servers.front().name}, {"why", "another `callgate run` for this server and policy is alive"}});
  take_up(counters_place_->file(), How::instead);
  for (const fs::path& file : counters_place_->left_behind()) take_up(file, How::beside);
  // From here on this process's journal holds what the file does not. Without it the next start would miss
  // this process's calls, so there is none.
  if (auto kept = keep_counters(); !kept) return say(err_, kept.error(), Exit::unavailable);
  counters_place_->remove_left_behind();
  return Exit::ok;
}

Exit GatewayProcess::run() {
  for (const auto step : {&GatewayProcess::prepare, &GatewayProcess::load_policies, &GatewayProcess::open_journal}) {
    if (const Exit exit = (this->*step)(); exit != Exit::ok) return exit;
  }
  config_watch_.taken(flags_.config_stamp);
  if (const Exit exit = restore_counters(); exit != Exit::ok) return exit;
  open_what_goes_on();
  if (const Exit exit = open_doors(); exit != Exit::ok) return exit;
  net::Signals signals(loop_, {SIGTERM, SIGINT, SIGHUP}, [this](int signal) {
    if (signal == SIGHUP) return look_for_changes(Look::everything);
    if (!std::exchange(stopping_, true)) return tasks_.spawn(stop_gently());
    // Who asks twice does not want to wait. What is on record is still written.
    log_.warn("stopped_at_once", {{"connections_at_work", server_ ? server_->busy_connections() : std::size_t{0}}});
    loop_.stop();
  });
  // From here on calls wait for the loop: what finds the database locked comes back later instead.
  store_->wait_at_most(std::chrono::milliseconds(10));
  gates_->start();
  if (stdio_) tasks_.spawn(serve_stdio());
  if (sessions_) tasks_.spawn(sessions_->keep_going());
  tasks_.spawn(every_second());
  tasks_.spawn(write_outcomes());
  if (const Exit exit = announce(); exit != Exit::ok) return exit;
  loop_.run();
  [[maybe_unused]] const auto kept = keep_counters();
  std::error_code ignored;
  fs::remove(socket_, ignored);
  // Connections, streams and children end before the journal they write to.
  tasks_.cancel();
  server_.reset();
  admin_server_.reset();
  local_server_.reset();
  stdio_.reset();
  front_.reset();
  aggregate_.reset();
  parts_->sessions.on_end({});
  parts_->sessions.ask_which_are_busy({});
  gates_.reset();
  shared_.reset();
  [[maybe_unused]] const auto written = journal_->flush();
  net::await_reaped(std::chrono::seconds(5));
  return Exit::ok;
}

}  // namespace callgate::cli
