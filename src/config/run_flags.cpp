#include "config/run_flags.hpp"

#include <fmt/format.h>
#include <strings.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "base/suggest.hpp"
#include "config/checks.hpp"
#include "config/load.hpp"
#include "config/load_server.hpp"

namespace callgate::config {
namespace {

class Parser;

/// A flag, what its value is called (without one it takes none), and where it goes.
struct Flag {
  std::string_view name;
  std::string_view value;
  enum class Of : std::uint8_t { both, serve } of;
  void (*read)(Parser& parser, std::string_view value);
};

std::string_view name_of(Command command) { return command == Command::run ? "run" : "serve"; }

/// One command line while it is read.
class Parser {
 public:
  Parser(Command command, const Environment& environment) : command_(command), environment_(environment) {}

  ParsedFlags parse(std::span<const std::string_view> args);

 private:
  void usage(std::string message, ErrorKind kind = ErrorKind::invalid);
  void read_all(std::span<const std::string_view> args);
  const Flag* find_flag(std::string_view name);
  static std::span<const Flag> table();
  void read_flag(const Flag& flag, std::string_view value);
  void read_url(std::string_view text);
  void read_name(std::string_view text);
  void read_classes_of(std::string_view file);
  void read_auth(std::string_view text);
  void read_public_address(std::string_view text);
  void read_host_name(std::string_view text);
  void read_header(std::string_view text);
  void read_ready_fd(std::string_view text);
  void read_command(std::span<const std::string_view> command);
  void read_listen(std::string_view text);
  void read_admin(std::string_view text);

  void finish();
  void finish_with_config();
  void finish_with_flags();
  void choose_server(Config& config);
  void check_source();
  void apply_folders(Config& config);
  bool given(std::string_view flag) const { return std::ranges::find(given_, flag) != given_.end(); }

  Command command_;
  const Environment& environment_;
  std::vector<std::string_view> given_;
  RunFlags flags_;
  Server server_{.name = "default"};
  std::vector<Endpoint> listen_;
  std::optional<Auth> auth_;
  std::vector<Error> faults_;
  bool usage_ = false;
  bool unreadable_ = false;
};

void Parser::usage(std::string message, ErrorKind kind) {
  faults_.push_back({kind, std::move(message), {}});
  usage_ = true;
}

std::span<const Flag> Parser::table() {
  using enum Flag::Of;
  static constexpr std::array flags{
      Flag{"--help", "", both, [](Parser& p, std::string_view) { p.flags_.help = true; }},
      Flag{"--policy", "FILE", both, [](Parser& p, std::string_view v) { p.server_.policy = v; }},
      Flag{"--upstream", "URL", both, [](Parser& p, std::string_view v) { p.read_url(v); }},
      Flag{"--header", "'NAME: VALUE'", both, [](Parser& p, std::string_view v) { p.read_header(v); }},
      Flag{"--name", "NAME", both, [](Parser& p, std::string_view v) { p.read_name(v); }},
      Flag{"--trust-hints", "", both, [](Parser& p, std::string_view) { p.server_.trust_hints = true; }},
      Flag{"--classes", "FILE", both, [](Parser& p, std::string_view v) { p.read_classes_of(v); }},
      Flag{"--config", "FILE", both, [](Parser& p, std::string_view v) { p.flags_.config_file = v; }},
      Flag{"--data", "DIR", both, [](Parser& p, std::string_view v) { p.flags_.config.data = v; }},
      Flag{"--audit", "DIR", both, [](Parser& p, std::string_view v) { p.flags_.config.audit.folder = v; }},
      Flag{"--audit-shapes", "", both, [](Parser& p, std::string_view) { p.flags_.config.audit.shapes = true; }},
      Flag{"--ready-file", "FILE", both, [](Parser& p, std::string_view v) { p.flags_.ready_file = v; }},
      Flag{"--ready-fd", "NUMBER", both, [](Parser& p, std::string_view v) { p.read_ready_fd(v); }},
      Flag{"--listen", "HOST:PORT", serve, [](Parser& p, std::string_view v) { p.read_listen(v); }},
      Flag{"--admin", "HOST:PORT", serve, [](Parser& p, std::string_view v) { p.read_admin(v); }},
      Flag{"--auth", "none|grants", serve, [](Parser& p, std::string_view v) { p.read_auth(v); }},
      Flag{"--host", "NAME", serve, [](Parser& p, std::string_view v) { p.read_host_name(v); }},
      Flag{"--public-url", "URL", serve, [](Parser& p, std::string_view v) { p.read_public_address(v); }},
  };
  return flags;
}

const Flag* Parser::find_flag(std::string_view name) {
  std::vector<std::string_view> names;
  for (const Flag& flag : table()) {
    if (flag.of == Flag::Of::serve && command_ == Command::run) {
      if (flag.name == name) {
        usage(fmt::format("`{}` is a flag of `callgate serve`", name));
        return nullptr;
      }
      continue;
    }
    if (flag.name == name) return &flag;
    names.push_back(flag.name);
  }
  usage(fmt::format("`callgate {}` has no flag `{}`{}", name_of(command_), name, did_you_mean(name, names)));
  return nullptr;
}

void Parser::read_all(std::span<const std::string_view> args) {
  while (!args.empty()) {
    const std::string_view argument = args.front();
    args = args.subspan(1);
    if (argument == "--") return read_command(args);
    if (argument == "-h") {
      flags_.help = true;
      continue;
    }
    if (!argument.starts_with("--")) {
      usage(fmt::format("`{}` is not understood; the server's command stands behind `--`", argument));
      continue;
    }
    const std::size_t equals = argument.find('=');
    const Flag* flag = find_flag(argument.substr(0, equals));
    std::string_view value;
    if (equals != std::string_view::npos) {
      value = argument.substr(equals + 1);
    } else if ((flag == nullptr || !flag->value.empty()) && !args.empty() && !args.front().starts_with("--")) {
      // Of an unknown flag too: its value alone would be a second, misleading fault.
      value = args.front();
      args = args.subspan(1);
    }
    if (flag != nullptr) read_flag(*flag, value);
  }
}

void Parser::read_command(std::span<const std::string_view> command) {
  server_.command.assign(command.begin(), command.end());
  server_.environment = ChildEnvironment::whole;
  if (command.empty()) usage("nothing stands behind `--`; name the server's command, as in `-- npx -y some-server`");
}

void Parser::read_flag(const Flag& flag, std::string_view value) {
  if (!flag.value.empty() && value.empty()) {
    return usage(fmt::format("`{}` needs a value: `{} {}`", flag.name, flag.name, flag.value));
  }
  static constexpr std::array<std::string_view, 4> repeated{"--listen", "--header", "--host", "--help"};
  if (given(flag.name) && std::ranges::find(repeated, flag.name) == repeated.end()) return usage(fmt::format("`{}` stands twice; keep one", flag.name));
  given_.push_back(flag.name);
  flag.read(*this, value);
}

void Parser::read_url(std::string_view text) {
  server_.url = text;
  if (const auto good = check_url(text); !good) usage(fmt::format("`--upstream`: {}", good.error().message));
}

void Parser::read_classes_of(std::string_view file) {
  auto classes = read_classes_file(std::string(file));
  if (classes) {
    server_.classes = std::move(*classes);
  } else {
    unreadable_ = classes.error().kind == ErrorKind::not_found || classes.error().kind == ErrorKind::unavailable;
    faults_.push_back(classes.error());
  }
}

void Parser::read_name(std::string_view text) {
  server_.name = text;
  if (!is_server_name(text)) usage(fmt::format("`--name`: `{}` is no server name; write up to 64 of A-Z a-z 0-9 _ . -", text));
}

void Parser::read_listen(std::string_view text) {
  auto endpoint = parse_endpoint(text);
  if (!endpoint) return usage(fmt::format("`--listen`: {}", endpoint.error().message));
  listen_.push_back(std::move(*endpoint));
}

void Parser::read_admin(std::string_view text) {
  auto endpoint = parse_endpoint(text);
  if (!endpoint) return usage(fmt::format("`--admin`: {}", endpoint.error().message));
  flags_.config.admin_listen = std::move(*endpoint);
}

void Parser::read_auth(std::string_view text) {
  if (text == "none" || text == "grants") {
    auth_ = text == "none" ? Auth::none : Auth::grants;
  } else if (text == "oauth") {
    usage("`--auth oauth` is not supported yet by this version; use `grants`", ErrorKind::unsupported);
  } else {
    usage(fmt::format("`--auth` must be `none` or `grants`, not `{}`", text));
  }
}

void Parser::read_public_address(std::string_view text) {
  auto url = read_public_url(text);
  if (!url) return usage(fmt::format("`--public-url`: {}", url.error().message));
  flags_.config.public_url = std::move(*url);
}

void Parser::read_host_name(std::string_view text) {
  auto host = read_host(text);
  if (!host) return usage(fmt::format("`--host`: {}", host.error().message));
  flags_.config.hosts.push_back(std::move(*host));
}

void Parser::read_header(std::string_view text) {
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos) {
    return usage("`--header` must be `NAME: VALUE`, as in `--header 'Authorization: Bearer ${env:TOKEN}'`");
  }
  const std::string_view name = text.substr(0, colon);
  std::string_view value = text.substr(colon + 1);
  while (value.starts_with(' ')) value.remove_prefix(1);
  if (const auto good = check_header_name(name); !good) return usage(fmt::format("`--header`: {}", good.error().message), good.error().kind);
  const auto same = [&](const auto& other) { return other.first.size() == name.size() && ::strncasecmp(other.first.data(), name.data(), name.size()) == 0; };
  if (std::ranges::any_of(server_.headers, same)) return usage(fmt::format("`--header`: `{}` is given twice; header names ignore case, keep one", name));
  auto read = read_header_value(name, value, Surroundings{"", environment_});
  if (!read) return usage(fmt::format("`--header`: {}", read.error().message), read.error().kind);
  server_.headers.emplace_back(name, std::move(*read));
}

void Parser::read_ready_fd(std::string_view text) {
  int number = -1;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (problem != std::errc{} || end != text.data() + text.size() || number < 0) {
    return usage(fmt::format("`--ready-fd` must be the number of an open file descriptor, not `{}`", text));
  }
  if (command_ == Command::run && number <= 1) return usage("`--ready-fd`: 0 and 1 belong to the client of `callgate run`; open another");
  flags_.ready_fd = number;
}

/// What the flags say of the data folder and the journal stands over what the file says.
void Parser::apply_folders(Config& config) {
  Config& told = flags_.config;
  if (told.audit.shapes) config.audit.shapes = true;
  if (!told.data.empty()) config.data = told.data;
  if (!told.audit.folder.empty()) {
    config.audit.folder = told.audit.folder;
  } else if (!told.data.empty()) {
    config.audit.folder = config.data / "journal";
  }
}

/// `run` stands before one server: the named one, or the only one.
void Parser::choose_server(Config& config) {
  std::vector<std::string_view> names;
  for (const Server& each : config.servers) names.push_back(each.name);
  if (!given("--name") && config.servers.size() == 1) return;
  if (!given("--name")) {
    return usage(fmt::format("`{}` has {} servers; choose one with `--name NAME`", flags_.config_file.string(), names.size()));
  }
  const Server* chosen = config.find_server(server_.name);
  if (chosen == nullptr) {
    return usage(fmt::format("`{}` has no server `{}`{}", flags_.config_file.string(), server_.name, did_you_mean(server_.name, names)));
  }
  config.servers = std::vector<Server>{*chosen};
}

void Parser::finish_with_config() {
  for (const std::string_view flag : {"--policy", "--upstream", "--header", "--trust-hints", "--classes"}) {
    if (given(flag)) usage(fmt::format("`{}` does not go with `--config`; the file says it", flag));
  }
  if (!server_.command.empty()) usage("a command behind `--` does not go with `--config`; the file names the servers");
  if (command_ == Command::serve && given("--name")) usage("`--name` does not go with `--config`; the file names the servers");
  if (usage_) return;

  const Config& told = flags_.config;
  flags_.config_stamp = FileStamp::of(flags_.config_file);
  Loaded loaded = load_config(flags_.config_file, environment_,
                              {.listen = listen_, .admin_listen = told.admin_listen, .public_url = told.public_url, .hosts = told.hosts,
                               .auth = auth_});
  faults_ = std::move(loaded.faults);
  unreadable_ = loaded.unreadable;
  for (Error& conflict : loaded.conflicts) usage(std::move(conflict.message), conflict.kind);
  if (!loaded.config) return;
  apply_folders(*loaded.config);
  flags_.config = std::move(*loaded.config);
  if (command_ == Command::run) {
    flags_.config.listen.clear();
    flags_.config.admin_listen.reset();
    return choose_server(flags_.config);
  }
  flags_.from_store = true;
}

/// Which server is meant, if any.
void Parser::check_source() {
  const bool command = !server_.command.empty();
  const bool url = given("--upstream");
  if (command && url) usage("both `--upstream` and a command behind `--` are given; keep one");
  if (!url && given("--header")) usage("`--header` goes with `--upstream` only");
  if (!command && !url && !usage_) {
    const bool alone = !given("--policy") && !given("--name") && !given("--trust-hints") && !given("--classes");
    if (command_ == Command::serve && alone) {
      flags_.from_store = true;
      return;
    }
    usage(fmt::format("`callgate {}` needs a server: `--upstream URL`, or its command behind `--`", name_of(command_)));
  }
}

void Parser::finish_with_flags() {
  check_source();
  Config& config = flags_.config;
  if (command_ == Command::serve) config.listen = listen_.empty() ? std::vector{default_listen()} : listen_;
  config.auth = auth_.value_or(default_auth(config.listen));
  for (Error& fault : check_listeners(config)) usage(std::move(fault.message), fault.kind);
  if (config.data.empty()) {
    auto folder = default_data_folder(environment_);
    if (folder) config.data = std::move(*folder);
    else usage(folder.error().message);
  }
  if (config.audit.folder.empty()) config.audit.folder = config.data / "journal";
  if (!flags_.from_store) config.servers.push_back(std::move(server_));
}

void Parser::finish() {
  if (given("--config")) {
    finish_with_config();
  } else {
    finish_with_flags();
  }
}

ParsedFlags Parser::parse(std::span<const std::string_view> args) {
  read_all(args);
  if (flags_.help) return {.flags = std::move(flags_)};
  finish();
  ParsedFlags parsed{.faults = std::move(faults_), .usage = usage_, .unreadable = unreadable_};
  if (parsed.faults.empty()) parsed.flags = std::move(flags_);
  return parsed;
}

}  // namespace

ParsedFlags parse_run_flags(Command command, std::span<const std::string_view> args, const Environment& environment) {
  return Parser(command, environment).parse(args);
}

}  // namespace callgate::config
