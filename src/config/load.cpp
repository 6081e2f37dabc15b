#include "config/load.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "config/checks.hpp"
#include "config/fields.hpp"
#include "config/load_server.hpp"
#include "config/state.hpp"
#include "config/text_file.hpp"

namespace callgate::config {
namespace {

constexpr std::size_t KiB = 1024;
constexpr std::size_t GiB = KiB * KiB * KiB;
constexpr std::size_t many = 10'000'000;

constexpr std::array<std::string_view, 17> top_keys{"listen", "tls",   "public_url", "admin",         "data",   "state",
                                                    "auth",   "audit", "hosts",      "approval_wait", "limits", "servers",
                                                    "origins", "session_header", "aggregate", "aggregate_wait", "reuse_port"};

/// The whole file while it is read.
class Reader {
 public:
  Reader(const Field& root, const Surroundings& around, Config& config)
      : section_(root, top_keys), around_(around), config_(config) {}

  void read();
  /// Answers the conflicts.
  std::vector<Error> finish(const Overrides& overrides);

 private:
  void read_listeners();
  void read_access();
  void read_state();
  void read_audit(const Field& field);
  void read_limits(const Field& field);
  void read_servers(const Field& field);
  void apply(const Overrides& overrides);

  Section section_;
  const Surroundings& around_;
  Config& config_;
  bool embedded_ = false;  ///< the file says so
};

std::optional<Endpoint> endpoint(const Field& field, const std::string& text) {
  auto parsed = parse_endpoint(text);
  if (parsed) return std::move(*parsed);
  field.fault(fmt::format("`{}`: {}", field.name, parsed.error().message));
  return std::nullopt;
}

void Reader::read() {
  read_listeners();
  read_access();
  read_state();
  if (const auto field = section_.take("audit")) read_audit(*field);
  if (const auto field = section_.take("limits")) read_limits(*field);
  if (const auto field = section_.take("servers")) read_servers(*field);
}

void Reader::read_listeners() {
  if (const auto field = section_.take("listen")) {
    field->texts(Field::Single::allowed, [&](const Field& item, const std::string& text) {
      if (auto parsed = endpoint(item, text)) config_.listen.push_back(std::move(*parsed));
    });
    if (field->node.is_sequence() && field->node.items.empty()) field->fault("`listen` is empty; name an address, as in `127.0.0.1:8808`");
  } else {
    config_.listen.push_back(default_listen());
  }
  if (const auto field = section_.take("reuse_port")) config_.reuse_port = field->boolean().value_or(false);
  section_.not_yet("tls");
  if (const auto field = section_.take("public_url")) {
    if (const auto text = field->text()) {
      auto base = read_public_url(*text);
      if (base) {
        config_.public_url = std::move(*base);
      } else {
        field->fault(fmt::format("`{}`: {}", field->name, base.error().message));
      }
    }
  }
  const auto admin = section_.take("admin");
  if (!admin) return;
  static constexpr std::array<std::string_view, 2> admin_keys{"listen", "public_url"};
  const Section inside(*admin, admin_keys);
  const auto listen = inside.take("listen");
  if (!listen) {
    if (admin->node.is_mapping()) admin->fault("`admin` needs `listen`, as in `127.0.0.1:8809`");
    return;
  }
  if (const auto text = listen->text()) config_.admin_listen = endpoint(*listen, *text);
  const auto url = inside.take("public_url");
  const auto text = url ? url->text() : std::nullopt;
  if (!text) return;
  auto base = read_public_url(*text);
  if (!base) return url->fault(fmt::format("`{}`: {}", url->name, base.error().message));
  if (base->find('/', base->find("://") + 3) != std::string::npos) return url->fault(fmt::format("`{}` has a path; write it without one", url->name));
  config_.admin_url = std::move(*base);
}

void Reader::read_access() {
  if (const auto field = section_.take("auth")) {
    if (field->node.is_mapping() || field->node.text == "oauth") {
      section_.not_yet(field->mark(), "auth: oauth");
      config_.auth = Auth::grants;
    } else {
      static constexpr std::array<std::string_view, 2> words{"none", "grants"};
      if (const auto word = field->word(words)) config_.auth = static_cast<Auth>(*word);
    }
  }
  if (const auto field = section_.take("hosts")) {
    field->texts(Field::Single::refused, [&](const Field& item, const std::string& text) {
      auto host = read_host(text);
      if (!host) return item.fault(fmt::format("`{}`: {}", item.name, host.error().message));
      config_.hosts.push_back(std::move(*host));
    });
  }
  if (const auto field = section_.take("origins")) {
    field->texts(Field::Single::refused, [&](const Field& item, const std::string& text) {
      auto origin = read_origin(text);
      if (!origin) return item.fault(fmt::format("`{}`: {}", item.name, origin.error().message));
      config_.origins.push_back(std::move(*origin));
    });
  }
  if (const auto field = section_.take("session_header")) {
    config_.session_header = field->boolean().value_or(false);
  }
  if (const auto field = section_.take("aggregate")) config_.aggregate = field->boolean().value_or(false);
  if (const auto field = section_.take("aggregate_wait")) {
    config_.aggregate_wait = field->duration(std::chrono::milliseconds(100)).value_or(config_.aggregate_wait);
    if (!config_.aggregate) field->fault("`aggregate_wait` goes with `aggregate: true` only");
  }
  if (const auto field = section_.take("approval_wait")) {
    config_.approval_wait = field->duration(std::chrono::milliseconds(0)).value_or(config_.approval_wait);
  }
}

void Reader::read_state() {
  if (const auto field = section_.take("data")) {
    if (const auto text = field->text()) config_.data = around_.path(*text);
  } else if (auto folder = default_data_folder(around_.environment)) {
    config_.data = std::move(*folder);
  }
  const auto field = section_.take("state");
  if (!field) return;
  const auto text = field->text();
  embedded_ = text == "embedded";
  if (!text || embedded_) return;
  // The address may hold a password, so it is not repeated.
  if (text->starts_with("rediss://")) return section_.not_yet(field->mark(), "state: rediss://");
  if (!text->starts_with("redis://") && !text->starts_with("valkey://"))
    return field->fault("`state` must be `embedded` or `redis://HOST:PORT/DATABASE`");
  auto state = read_shared_state(*text, around_);
  if (!state) return field->fault(state.error().message);
  config_.state = std::move(*state);
}

void Reader::read_audit(const Field& field) {
  static constexpr std::array<std::string_view, 5> keys{"sync", "segment", "keep", "on_full", "shapes"};
  const Section audit(field, keys);
  if (const auto sync = audit.take("sync")) {
    static constexpr std::array<std::string_view, 3> words{"none", "batch", "each"};
    if (const auto word = sync->word(words)) config_.audit.sync = static_cast<Sync>(*word);
  }
  if (const auto segment = audit.take("segment")) {
    config_.audit.segment_bytes = segment->size(64 * KiB, 16 * GiB).value_or(config_.audit.segment_bytes);
  }
  if (const auto keep = audit.take("keep")) {
    config_.audit.keep = keep->duration(std::chrono::seconds(1)).value_or(config_.audit.keep);
  }
  if (const auto on_full = audit.take("on_full")) {
    static constexpr std::array<std::string_view, 2> words{"refuse", "refuse_medium"};
    if (const auto word = on_full->word(words)) config_.audit.on_full = static_cast<OnFull>(*word);
  }
  if (const auto shapes = audit.take("shapes")) config_.audit.shapes = shapes->boolean().value_or(false);
}

void Reader::read_limits(const Field& field) {
  static constexpr std::array<std::string_view, 6> keys{"body", "result", "sessions", "sessions_per_grant",
                                                        "connections_per_address", "children"};
  const Section section(field, keys);
  Limits& limits = config_.limits;
  const auto read_size = [&](std::string_view key, std::size_t& into) {
    if (const auto each = section.take(key)) into = each->size(KiB, GiB).value_or(into);
  };
  const auto read_count = [&](std::string_view key, std::size_t& into) {
    if (const auto each = section.take(key)) into = each->count(1, many).value_or(into);
  };
  read_size("body", limits.body);
  read_size("result", limits.result);
  read_count("sessions", limits.sessions);
  read_count("sessions_per_grant", limits.sessions_per_grant);
  read_count("connections_per_address", limits.connections_per_address);
  read_count("children", limits.children);
}

void Reader::read_servers(const Field& field) {
  if (!field.node.is_mapping()) return field.wrong("a mapping of server names to their settings");
  for (const yaml::Member& member : field.node.members) {
    if (!is_server_name(member.key)) {
      field.faults.add(member.key_mark, fmt::format("{} is no server name; it stands in URLs, so write up to 64 of A-Z a-z 0-9 _ . -",
                                                    yaml::ticked(member.key)));
    }
    const Field server{member.value, fmt::format("servers.{}", member.key), field.faults};
    config_.servers.push_back(read_server(member.key, server, around_));
  }
}

void Reader::apply(const Overrides& overrides) {
  if (!overrides.listen.empty()) config_.listen = overrides.listen;
  if (overrides.admin_listen) config_.admin_listen = overrides.admin_listen;
  if (!overrides.public_url.empty()) config_.public_url = overrides.public_url;
  config_.hosts.insert(config_.hosts.end(), overrides.hosts.begin(), overrides.hosts.end());
  if (overrides.auth) config_.auth = *overrides.auth;
  // Follows the addresses that are really listened on.
  if (!overrides.auth && !section_.has("auth")) config_.auth = default_auth(config_.listen);
}

std::vector<Error> Reader::finish(const Overrides& overrides) {
  apply(overrides);
  const auto at = [&](std::string_view key) { return section_.key_mark(key).value_or(yaml::Mark{}); };
  Faults& faults = section_.faults();
  if (config_.data.empty() && !section_.has("data")) faults.add({}, "no data folder is known; write `data: FOLDER`");
  // A faulty `state` has its own message.
  if (config_.reuse_port && !config_.state && (embedded_ || !section_.has("state"))) {
    faults.add(at("reuse_port"),
               "`reuse_port` needs `state: redis://HOST:PORT/DATABASE`: gateways on one port would each count limits, and know "
               "sessions and approvals, for themselves; name the Redis or Valkey that they share, or remove the key");
  }
  std::vector<Error> conflicts;
  for (Error& fault : check_listeners(config_)) {
    const bool of_flag = !overrides.listen.empty() || (fault.where == "auth" && overrides.auth) || (fault.where == "admin" && overrides.admin_listen);
    if (of_flag) {
      conflicts.push_back({fault.kind, std::move(fault.message), {}});
    } else {
      faults.add(at(section_.has(fault.where) ? fault.where : "listen"), std::move(fault.message), fault.kind);
    }
  }
  return conflicts;
}

}  // namespace

Loaded parse_config(std::string_view text, const std::filesystem::path& file, const Environment& environment,
                    const Overrides& overrides) {
  Faults faults(file.string());
  yaml::Parsed parsed = yaml::parse(text, faults.file());
  faults.add_all(std::move(parsed.faults));
  Loaded loaded;
  if (parsed.root) {
    Config config;
    const Surroundings around{file.parent_path(), environment};
    Reader reader(Field{*parsed.root, "", faults}, around, config);
    reader.read();
    loaded.conflicts = reader.finish(overrides);
    config.audit.folder = config.data / "journal";
    loaded.config = std::move(config);
  }
  loaded.faults = std::move(faults).in_order();
  if (!loaded.faults.empty() || !loaded.conflicts.empty()) loaded.config.reset();
  return loaded;
}

Loaded load_config(const std::filesystem::path& file, const Environment& environment, const Overrides& overrides) {
  // Who may write the file says which programs are started.
  auto text = read_text(file, Writers::owner_only);
  if (text) return parse_config(*text, file, environment, overrides);
  Loaded loaded;
  loaded.unreadable = text.error().kind != ErrorKind::refused;
  loaded.faults.push_back(std::move(text.error()));  // names the file
  return loaded;
}

}  // namespace callgate::config
