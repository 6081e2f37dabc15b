#include "cli/grant_command.hpp"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ostream.h>

#include "base/ids.hpp"
#include "base/json.hpp"
#include "config/load_server.hpp"
#include "config/units.hpp"
#include "registry/difference.hpp"
#include "store/grant_servers.hpp"
#include "store/grant_table.hpp"

namespace callgate::cli {
namespace {

using registry::visible;

constexpr std::string_view grant_help =
    R"(callgate grant – who may speak to a server: tokens for clients

  callgate grant create NAME --server S[,S…] [--policy FILE] [--expires 90d]
                              prints a new token, once and alone on the standard output;
                              without --policy the grant is denied everything
  callgate grant list         all grants; tokens are kept nowhere
  callgate grant rotate NAME  a new token in place of the old one, which ends at once
  callgate grant revoke NAME  ends the grant

  --data DIR    the data folder (default $XDG_DATA_HOME/callgate)
  --json        for programs

A client sends the token as `Authorization: Bearer TOKEN`. NAME may also be the grant's id.
One grant for several servers has one policy for all of them, beside each server's own.
Exit status: 0 done, 1 refused (unknown or taken name, faulty policy), 2 usage, 3 store not available.

Example:
  callgate grant create ana --server valkey --policy ana.yaml --expires 90d
)";

Exit grant_usage(const OfflineRun& run, std::string_view message) {
  run.err << "callgate: " << message << '\n';
  return Exit::usage;
}

std::string_view grant_state(const store::Grant& grant, std::int64_t now_ms) {
  if (grant.revoked_ms) return "revoked";
  return grant.expired(now_ms) ? "expired" : "live";
}

std::string time_json(std::optional<std::int64_t> time_ms) { return time_ms ? json::quoted(utc_text(*time_ms)) : "null"; }

std::string grant_json(const store::Grant& grant, std::int64_t now_ms, std::string_view token = {}) {
  std::string text = fmt::format(R"({{"id":{},"name":{},"server":{},"policy":{},"state":{},"created":{},"expires":{},"rotated":{},"revoked":{})",
                                 json::quoted(grant.id), json::quoted(grant.name), json::quoted(grant.server), json::quoted(grant.policy),
                                 json::quoted(grant_state(grant, now_ms)), json::quoted(utc_text(grant.created_ms)), time_json(grant.expires_ms),
                                 time_json(grant.rotated_ms), time_json(grant.revoked_ms));
  if (!token.empty()) text += fmt::format(R"(,"token":{})", json::quoted(token));
  return text + "}";
}

/// The token alone on `out`, what a person wants to know on `err`.
void print_token(const OfflineRun& run, const store::Grant& grant, std::string_view token, std::string_view what) {
  if (run.json()) {
    run.out << grant_json(grant, run.now_ms, token) << '\n';
    return;
  }
  run.out << token << '\n' << std::flush;
  fmt::print(run.err, "{} `{}` for server `{}`{}; the token above is shown this once\n", what, grant.name, grant.server,
             grant.expires_ms ? fmt::format(" until {} UTC", minute_text(*grant.expires_ms)) : "");
}

/// A grant may be made before its server is: servers of callgate.yaml are not in the store.
Result<void> note_unknown_server(const OfflineRun& run, std::string_view name) {
  const auto row = run.store.servers().find(name);
  if (!row) return std::unexpected(row.error());
  const auto lists = run.store.pins().lists(name);
  if (!lists) return std::unexpected(lists.error());
  if (!*row && lists->empty()) {
    fmt::print(run.err, "callgate: no server `{}` is known here yet; the grant works once a gateway serves one of that name\n", name);
  }
  return {};
}

Result<std::optional<std::int64_t>> read_expiry(const OfflineRun& run) {
  const auto text = run.words.value("--expires");
  if (!text) return std::nullopt;
  const auto span = config::parse_duration(*text);
  if (!span) return fail(ErrorKind::invalid, fmt::format("`--expires`: {}", span.error().message));
  if (span->count() == 0) return fail(ErrorKind::invalid, "`--expires` must be more than nothing, as in `90d`");
  return run.now_ms + span->count();
}

Exit create(const OfflineRun& run) {
  const std::string name(run.words.words[0]);
  const auto server = run.words.value("--server");
  if (!server) return grant_usage(run, "`grant create` needs `--server NAME`: a grant is good for the servers that it names");
  if (!config::is_server_name(name)) return grant_usage(run, fmt::format("`{}` is no grant name; write up to 64 of A-Z a-z 0-9 _ . -", name));
  const std::vector<std::string_view> servers = store::servers_of(*server);
  for (const std::string_view each : servers) {
    if (!config::is_server_name(each)) return grant_usage(run, fmt::format("`--server`: `{}` is no server name", each));
    if (std::ranges::count(servers, each) > 1) return grant_usage(run, fmt::format("`--server` names `{}` twice", each));
  }
  const auto expires = read_expiry(run);
  if (!expires) return grant_usage(run, expires.error().message);
  auto policy = checked_policy(run.words, run.err);
  if (!policy) return run.fault(policy.error());

  const std::string token = store::new_token();
  const store::Grant row{.id = IdSource().next(run.now_ms),
                         .name = name,
                         .server = std::string(*server),
                         .policy = std::move(*policy),
                         .token_hash = store::hash_token(token),
                         .created_ms = run.now_ms,
                         .expires_ms = *expires};
  for (const std::string_view each : servers) {
    if (const auto known = note_unknown_server(run, each); !known) return run.fault(known.error());
  }
  if (const auto added = run.store.grants().add(row); !added) return run.fault(added.error());
  if (row.policy.empty()) run.err << "callgate: without `--policy` the grant is denied everything\n";
  print_token(run, row, token, "grant");
  return Exit::ok;
}

void write_line(const OfflineRun& run, const store::Grant& grant) {
  fmt::print(run.out, "{}  {}  {}  {}  policy: {}  created {}{}\n", grant.id, grant.name, grant.server, grant_state(grant, run.now_ms),
             grant.policy.empty() ? "none" : visible(grant.policy), minute_text(grant.created_ms),
             grant.expires_ms ? fmt::format("  expires {}", minute_text(*grant.expires_ms)) : "");
}

Exit list_grants(const OfflineRun& run) {
  const auto grants = run.store.grants().list();
  if (!grants) return run.fault(grants.error());
  std::string body;
  for (const store::Grant& each : *grants) {
    if (run.json()) {
      body += (body.empty() ? "" : ",") + grant_json(each, run.now_ms);
    } else {
      write_line(run, each);
    }
  }
  if (run.json()) {
    run.out << "{\"grants\":[" << body << "]}\n";
  } else if (grants->empty()) {
    run.out << "no grant was made here; make one with `callgate grant create NAME --server S --policy FILE`\n";
  }
  return Exit::ok;
}

/// The live grant that the command names.
Result<store::Grant> find_live(const OfflineRun& run) {
  const std::string_view name = run.words.words[0];
  auto found = run.store.grants().find(name);
  if (!found) return std::unexpected(found.error());
  if (!*found) return fail(ErrorKind::not_found, fmt::format("no grant `{}` is known here; see `callgate grant list`", visible(name)));
  if ((*found)->revoked_ms) return fail(ErrorKind::refused, fmt::format("the grant `{}` is revoked; create another", (*found)->name));
  return std::move(**found);
}

Exit rotate(const OfflineRun& run) {
  auto grant = find_live(run);
  if (!grant) return run.fault(grant.error());
  const std::string token = store::new_token();
  const auto rotated = run.store.grants().rotate(grant->id, store::hash_token(token), run.now_ms);
  if (!rotated) return run.fault(rotated.error());
  if (!*rotated) return run.fault({ErrorKind::refused, fmt::format("the grant `{}` was revoked just now", grant->name), {}});
  grant->rotated_ms = run.now_ms;
  print_token(run, *grant, token, "new token of");
  return Exit::ok;
}

Exit revoke(const OfflineRun& run) {
  auto grant = find_live(run);
  if (!grant) return run.fault(grant.error());
  const auto revoked = run.store.grants().revoke(grant->id, run.now_ms);
  if (!revoked) return run.fault(revoked.error());
  grant->revoked_ms = run.now_ms;
  if (run.json()) {
    run.out << grant_json(*grant, run.now_ms) << '\n';
  } else {
    fmt::print(run.out, "revoked `{}`; running gateways refuse its token within a second\n", grant->name);
  }
  return Exit::ok;
}

}  // namespace

Exit grant(std::span<const std::string_view> args, const Offline& offline, std::ostream& out, std::ostream& err) {
  const std::vector<Verb> verbs{
      {{.verb = "grant create", .words = {"NAME"}, .values = {"--server", "--policy", "--expires"}}, create},
      {{.verb = "grant list", .words = {}}, list_grants},
      {{.verb = "grant rotate", .words = {"NAME"}}, rotate},
      {{.verb = "grant revoke", .words = {"NAME"}}, revoke},
  };
  return run_verb(verbs, grant_help, args, offline, out, err);
}

Exit grant(std::span<const std::string_view> args, std::ostream& out, std::ostream& err) {
  const config::ProcessEnvironment environment;
  const SystemClock clock;
  return grant(args, {environment, clock}, out, err);
}

}  // namespace callgate::cli
