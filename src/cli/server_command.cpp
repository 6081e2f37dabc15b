#include "cli/server_command.hpp"

#include <fmt/format.h>
#include <fmt/ostream.h>

#include <algorithm>
#include <filesystem>

#include "base/json.hpp"
#include "cli/server_view.hpp"
#include "config/load_server.hpp"
#include "registry/difference.hpp"
#include "registry/pins.hpp"

namespace callgate::cli {
namespace {

using registry::visible;

constexpr std::string_view server_help =
    R"(callgate server – the servers behind the gateway and the definitions of their tools

  callgate server add NAME --url URL [--policy FILE]      a server that is reached by HTTP
  callgate server add NAME [--policy FILE] -- CMD…        a program on this machine, spoken to on stdio
      [--trust-hints] [--classes FILE]                    its annotations may lower a class; `classes:` as in callgate.yaml
  callgate server classes NAME [--trust-hints] [--classes FILE]   says both anew
  callgate server list                                    all that were added here
  callgate server show NAME                               one of them, with its pinned lists
  callgate server tools NAME [--config FILE]              its tools: known, quarantined (changed), unknown (new), what each is and how
                                                          bad it can get; with what a callgate.yaml says of that
  callgate server policy NAME FILE                        names another policy for it
  callgate server pin NAME [--tool T] [--write FILE]      shows what changed or is new, and accepts it;
                                                          --write: all pinned definitions as a file to review
  callgate server remove NAME                             with its pins; its grants are revoked

  --data DIR    the data folder (default $XDG_DATA_HOME/callgate)
  --json        for programs

Servers of callgate.yaml are not listed here, but `tools` and `pin` know them by their names.
Exit status: 0 done, 1 refused (unknown or taken name, faulty policy), 2 usage, 3 store not available.

Example:
  callgate server add valkey --policy valkey.yaml -- uvx awslabs.valkey-mcp-server
  callgate server pin valkey --tool valkey_read
)";

Exit not_known(const OfflineRun& run, std::string_view name) {
  return run.fault({ErrorKind::not_found, fmt::format("no server `{}` is known here; see `callgate server list`", name), {}});
}

Exit server_usage(const OfflineRun& run, std::string_view message) {
  run.err << "callgate: " << message << '\n';
  return Exit::usage;
}

/// The file that says what single tools are, read once and named in full; empty: none.
Result<std::string> checked_classes(const Words& words) {
  const auto given = words.value("--classes");
  if (!given) return std::string();
  if (const auto read = config::read_classes_file(std::string(*given)); !read) return fail(read.error().kind == ErrorKind::not_found ? ErrorKind::unavailable : read.error().kind, read.error().message);
  std::error_code problem;
  const auto absolute = std::filesystem::absolute(*given, problem);
  if (problem) return fail(ErrorKind::unavailable, fmt::format("cannot find the folder of `{}`: {}", *given, problem.message()));
  return absolute.lexically_normal().string();
}

Exit add_server(const OfflineRun& run) {
  const std::string name(run.words.words[0]);
  const auto url = run.words.value("--url");
  if (!config::is_server_name(name)) {
    return server_usage(run, fmt::format("`{}` is no server name; it stands in URLs, so write up to 64 of A-Z a-z 0-9 _ . -", name));
  }
  if (url.has_value() == !run.words.command.empty()) {
    return server_usage(run, "say either `--url URL` or the server's command behind `--`");
  }
  if (url) {
    if (const auto good = config::check_url(*url); !good) return server_usage(run, fmt::format("`--url`: {}", good.error().message));
  }
  auto policy = checked_policy(run.words, run.err);
  if (!policy) return run.fault(policy.error());

  auto classes = checked_classes(run.words);
  if (!classes) return run.fault(classes.error());

  const store::Server row{.name = name,
                          .url = std::string(url.value_or("")),
                          .command = run.words.command,
                          .policy = std::move(*policy),
                          .created_ms = run.now_ms,
                          .trust_hints = run.words.has("--trust-hints"),
                          .classes = std::move(*classes)};
  if (const auto added = run.store.servers().add(row); !added) return run.fault(added.error());
  if (row.policy.empty()) fmt::print(run.err, "callgate: `{0}` has no policy, so no gateway serves it; name one with `callgate server policy {0} FILE`\n", name);
  if (run.json()) {
    run.out << server_json(row, {}) << '\n';
  } else {
    fmt::print(run.out, "added `{}`: {}\n", name, visible(as_config(row).address()));
  }
  return Exit::ok;
}

/// The lists that are pinned for a server, and what waits beside them.
Result<std::vector<ServerList>> lists_of(store::Store& store, std::string_view name) {
  if (auto masked = registry::mask_addresses(store.pins(), name); !masked) return std::unexpected(masked.error());
  const auto keys = store.pins().lists(name);
  if (!keys) return std::unexpected(keys.error());
  std::vector<ServerList> lists;
  for (const store::ListKey& key : *keys) {
    auto list = store.pins().find(key);
    if (!list) return std::unexpected(list.error());
    if (*list) lists.push_back({key, std::move(**list)});
  }
  return lists;
}

Exit list_servers(const OfflineRun& run) {
  const auto servers = run.store.servers().list();
  if (!servers) return run.fault(servers.error());
  std::string body;
  for (const store::Server& each : *servers) {
    const auto lists = lists_of(run.store, each.name);
    if (!lists) return run.fault(lists.error());
    if (run.json()) {
      body += (body.empty() ? "" : ",") + server_json(each, *lists);
    } else {
      fmt::print(run.out, "{}  {}  policy: {}{}\n", each.name, visible(as_config(each).address()),
                 each.policy.empty() ? "none" : visible(each.policy), waiting_text(*lists));
    }
  }
  if (run.json()) {
    run.out << "{\"servers\":[" << body << "]}\n";
  } else if (servers->empty()) {
    run.out << "no server was added here; add one with `callgate server add NAME --url URL`\n";
  }
  return Exit::ok;
}

Exit show_server(const OfflineRun& run) {
  const std::string_view name = run.words.words[0];
  const auto found = run.store.servers().find(name);
  if (!found) return run.fault(found.error());
  const auto lists = lists_of(run.store, name);
  if (!lists) return run.fault(lists.error());
  if (!*found) return not_known(run, name);
  if (run.json()) {
    run.out << server_json(**found, *lists) << '\n';
  } else {
    write_server(run.out, **found, *lists);
  }
  return Exit::ok;
}

Exit tools(const OfflineRun& run) {
  const std::string_view name = run.words.words[0];
  const auto found = run.store.servers().find(name);
  if (!found) return run.fault(found.error());
  const auto lists = lists_of(run.store, name);
  if (!lists) return run.fault(lists.error());
  if (!*found && lists->empty()) return not_known(run, name);
  ClassRules rules;
  if (*found) {
    auto said = ClassRules::of(**found);
    if (!said) return run.fault(said.error());
    rules = std::move(*said);
  }
  if (const auto file = run.words.value("--config")) {
    const auto config = read_config_file(std::string(*file), run.environment);
    if (!config) return run.fault(config.error());
    auto said = class_rules_in(*config, std::string(*file), name);
    if (!said) return run.fault(said.error());
    rules = std::move(*said);
  }
  std::vector<RowClasses> classes;
  for (const ServerList& each : *lists) {
    classes.push_back(row_classes(each, rules));
    for (const std::string& lapsed : classes.back().lapsed) fmt::print(run.err, "callgate: {} list of {}: {}\n", each.key.era, visible(each.key.address), lapsed);
  }
  if (run.json()) {
    run.out << tools_json(*lists, classes) << '\n';
  } else if (lists->empty()) {
    fmt::print(run.out, "`{}` was not asked for its tools yet; the first start of a gateway before it does that\n", name);
  } else {
    write_tools(run.out, *lists, classes);
  }
  return Exit::ok;
}

Exit policy(const OfflineRun& run) {
  const std::string_view name = run.words.words[0];
  const auto found = run.store.servers().find(name);
  if (!found) return run.fault(found.error());
  if (!*found) return not_known(run, name);
  const auto policy = checked_policy(run.words.words[1], run.err);
  if (!policy) return run.fault(policy.error());
  const auto set = run.store.servers().set_policy(name, *policy);
  if (!set) return run.fault(set.error());
  if (!*set) return not_known(run, name);
  if (run.json()) {
    fmt::print(run.out, "{{\"name\":{},\"policy\":{}}}\n", json::quoted(name), json::quoted(*policy));
  } else {
    fmt::print(run.out, "the policy of `{}` is `{}`\n", name, visible(*policy));
  }
  return Exit::ok;
}

/// Says anew how a server's tools are judged; what is not said holds no more.
Exit classes(const OfflineRun& run) {
  const std::string_view name = run.words.words[0];
  const bool trusted = run.words.has("--trust-hints");
  const auto file = checked_classes(run.words);
  if (!file) return run.fault(file.error());
  const auto set = run.store.servers().set_classes(name, trusted, *file);
  if (!set) return run.fault(set.error());
  if (!*set) return not_known(run, name);
  if (run.json()) {
    fmt::print(run.out, "{{\"name\":{},\"trust_hints\":{},\"classes\":{}}}\n", json::quoted(name), trusted, json::quoted(*file));
  } else {
    fmt::print(run.out, "`{}`: its annotations {} lower a class; {}\n", name, trusted ? "may" : "never", file->empty() ? "all tools are judged by the classifier" : "what single tools are stands in `" + visible(*file) + "`");
  }
  return Exit::ok;
}

Exit remove(const OfflineRun& run) {
  const std::string_view name = run.words.words[0];
  const auto removed = run.store.servers().remove(name, run.now_ms);
  if (!removed) return run.fault(removed.error());
  if (!*removed) return not_known(run, name);
  if (run.json()) {
    run.out << "{\"removed\":" << json::quoted(name) << "}\n";
  } else {
    fmt::print(run.out, "removed `{}`, its pins and its grants\n", name);
  }
  return Exit::ok;
}

}  // namespace

config::Server as_config(const store::Server& server) {
  config::Server out{.name = server.name, .command = server.command, .url = server.url, .policy = server.policy, .trust_hints = server.trust_hints, .registered = true};
  return out;
}

std::vector<LeftOut> add_registered(config::Config& config, std::span<const store::Server> servers) {
  std::vector<LeftOut> left_out;
  for (const store::Server& each : servers) {
    if (config.find_server(each.name) != nullptr) {
      left_out.push_back({each.name, "the configuration file has one of this name"});
      continue;
    }
    config::Server server = as_config(each);
    auto classes = each.classes.empty() ? std::vector<config::ClassOverride>() : config::read_classes_file(each.classes);
    if (!classes) {
      left_out.push_back({each.name, classes.error().message, true});
      continue;
    }
    server.classes = std::move(*classes);
    config.servers.push_back(std::move(server));
  }
  return left_out;
}

Exit server(std::span<const std::string_view> args, const Offline& offline, std::ostream& out, std::ostream& err) {
  const std::vector<Verb> verbs{
      {{.verb = "server add", .words = {"NAME"}, .values = {"--url", "--policy", "--classes"}, .switches = {"--trust-hints"}, .command = true}, add_server},
      {{.verb = "server list", .words = {}}, list_servers},
      {{.verb = "server show", .words = {"NAME"}}, show_server},
      {{.verb = "server tools", .words = {"NAME"}, .values = {"--config"}}, tools},
      {{.verb = "server classes", .words = {"NAME"}, .values = {"--classes"}, .switches = {"--trust-hints"}}, classes},
      {{.verb = "server policy", .words = {"NAME", "FILE"}}, policy},
      {{.verb = "server pin", .words = {"NAME"}, .values = {"--tool", "--write"}}, server_pin},
      {{.verb = "server remove", .words = {"NAME"}}, remove},
  };
  return run_verb(verbs, server_help, args, offline, out, err);
}

Exit server(std::span<const std::string_view> args, std::ostream& out, std::ostream& err) {
  const config::ProcessEnvironment environment;
  const SystemClock clock;
  return server(args, {environment, clock}, out, err);
}

}  // namespace callgate::cli
