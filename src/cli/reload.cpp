#include "cli/reload.hpp"

#include <fmt/format.h>

#include "cli/server_command.hpp"
#include "cli/starting_policy.hpp"

namespace callgate::cli {

Result<config::RunFlags> read_again(const StartedBy& started) {
  const std::vector<std::string_view> args(started.args.begin(), started.args.end());
  config::ParsedFlags parsed = config::parse_run_flags(started.command, args, config::ProcessEnvironment());
  if (!parsed.flags) {
    std::string all;
    for (const Error& fault : parsed.faults)
      all += fmt::format("{}{}{}{}", all.empty() ? "" : "\n", fault.where, fault.where.empty() ? "" : ": ", fault.message);
    return fail(ErrorKind::invalid, std::move(all));
  }
  place_starting_policies(parsed.flags->config);
  return std::move(*parsed.flags);
}

Result<config::Config> with_registered(config::Config config, store::Store& store) {
  const auto servers = store.servers().list();
  if (!servers) return std::unexpected(servers.error());
  for (const LeftOut& each : add_registered(config, *servers)) {
    if (each.faulty) return fail(ErrorKind::invalid, fmt::format("server `{}`: {}", each.server, each.why));
  }
  return config;
}

std::vector<std::string> keys_for_next_start(const config::Config& now, const config::Config& fresh) {
  std::vector<std::string> keys;
  const auto add = [&keys](std::string_view key, bool same) {
    if (!same) keys.emplace_back(key);
  };
  add("listen", now.listen == fresh.listen);
  add("reuse_port", now.reuse_port == fresh.reuse_port);
  add("public_url", now.public_url == fresh.public_url);
  add("admin", now.admin_listen == fresh.admin_listen && now.admin_url == fresh.admin_url);
  add("data", now.data == fresh.data);
  add("state", now.state == fresh.state);
  add("auth", now.auth == fresh.auth);
  add("session_header", now.session_header == fresh.session_header);
  add("audit", now.audit == fresh.audit);
  add("hosts", now.hosts == fresh.hosts);
  add("origins", now.origins == fresh.origins);
  add("aggregate", now.aggregate == fresh.aggregate);
  add("aggregate_wait", now.aggregate_wait == fresh.aggregate_wait);
  add("approval_wait", now.approval_wait == fresh.approval_wait);
  add("limits", now.limits == fresh.limits);
  return keys;
}

}  // namespace callgate::cli
