#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/secret.hpp"
#include "config/address.hpp"

/// The configuration as values with their defaults, whether it came from
/// `callgate.yaml` or from flags. Immutable once loaded; a reload makes a new one.
namespace callgate::config {

enum class Auth : std::uint8_t {
  none,    ///< on loopback only; the server's policy alone counts
  grants,  ///< a bearer token per client
};

/// When the journal reaches the disk.
enum class Sync : std::uint8_t { none, batch, each };

/// What goes on while the journal's disk is full.
enum class OnFull : std::uint8_t {
  refuse,         ///< nothing
  refuse_medium,  ///< calls of Low risk, on space that is kept allocated
};

/// What happens to a tool that a pinned list did not hold.
enum class NewTools : std::uint8_t { refuse, follow_policy };

/// How a server is spoken to over HTTP.
enum class Transport : std::uint8_t {
  found_out,        ///< Streamable HTTP; HTTP+SSE where the server refuses that
  streamable_http,
  sse,              ///< HTTP+SSE, the two addresses of 2024-11-05
};

/// What a child process sees of this process's environment.
enum class ChildEnvironment : std::uint8_t {
  cleaned,  ///< the few variables that every program needs, and what `env` gives
  whole,    ///< all of it: the server stands on the command line, and its client set the environment for it
};

struct Audit {
  Sync sync = Sync::batch;
  std::size_t segment_bytes = std::size_t{64} << 20;
  OnFull on_full = OnFull::refuse_medium;
  std::chrono::milliseconds keep = std::chrono::hours(24 * 90);  ///< how long records stay
  std::filesystem::path folder;  ///< of the journals; DATA/journal unless `--audit`
  bool shapes = false;  ///< records tell what arguments look like: type and bucket, never a value
  bool operator==(const Audit&) const = default;
};

struct Limits {
  std::size_t body = std::size_t{4} << 20;     ///< bytes of one request
  std::size_t result = std::size_t{16} << 20;  ///< bytes of one answer
  std::size_t sessions = 20'000;
  std::size_t sessions_per_grant = 16;         ///< under grants only
  std::size_t connections_per_address = 1024;
  std::size_t children = 64;                   ///< child processes in all
  bool operator==(const Limits&) const = default;
};

/// A Redis or Valkey server where several gateways keep what they share.
struct SharedState {
  std::string host;
  std::uint16_t port = 6379;
  unsigned database = 0;
  std::string user;
  Secret password;
  bool operator==(const SharedState&) const = default;
};

/// A method that no revision of MCP has and that goes to a server all the same. A
/// member of its `params` names what it is decided by.
struct ExtensionMethod {
  enum class Names : std::uint8_t { tool, prompt, resource, none };
  std::string method;
  std::string member;  ///< holds the tool's or prompt's name, or the URI; empty with `none`
  Names names = Names::none;  ///< none: the policy's `default` decides
  bool operator==(const ExtensionMethod&) const = default;
};

/// What an operator says of a tool instead of the classifier. It holds for one
/// definition: another one is judged anew until somebody has looked at it.
struct ClassOverride {
  std::string tool;
  std::string definition;      ///< its fingerprint: `sha256:` and 64 hexadecimal digits
  std::string_view category;   ///< `Read`, …; lives as long as the program; empty: as judged
  std::string_view risk;       ///< `Low`, … likewise
  std::string reason;          ///< never empty
  bool operator==(const ClassOverride&) const = default;
};

/// One server behind the gateway. Exactly one of `command` and `url` is set.
struct Server {
  std::string name;
  std::vector<std::string> command;  ///< program and arguments, no shell
  std::vector<std::pair<std::string, Secret>> env;
  ChildEnvironment environment = ChildEnvironment::cleaned;
  std::string url;
  Transport transport = Transport::found_out;
  std::filesystem::path ca_file;     ///< empty: the system's
  std::vector<std::pair<std::string, Secret>> headers;
  std::filesystem::path policy;
  bool policy_is_made = false;       ///< nobody named one: it is made from the tools that are read first, and kept at `policy`
  std::filesystem::path pins;        ///< reviewed definitions; empty: pinned at first use
  NewTools new_tools = NewTools::refuse;
  std::chrono::milliseconds start_timeout{60'000};
  std::chrono::milliseconds call_timeout{40'000};  ///< from forward to answer
  bool shared = false;               ///< sessions share one child, for each revision one
  bool start_ahead = false;          ///< a child stands ready for the next session
  std::size_t max_children = 0;      ///< child processes of this server; 0: as many as there may be in all
  std::vector<ExtensionMethod> extension_methods;
  bool trust_hints = false;          ///< its annotations may lower a class
  std::vector<ClassOverride> classes;  ///< in the order of the file
  bool probe_unknown = true;         ///< learn the server's own answer for an unknown tool
  bool registered = false;           ///< named in the store, not in the file or by flags

  /// What pins belong to besides the name, and what people see: the URL, or the
  /// command line. Credentials in it are masked: another token is no other server,
  /// as it is none in `env` and `headers` (docs/decisions/0025).
  std::string address() const;
  /// With its credentials: for digests that stay in the data folder alone.
  std::string exact_address() const;
  /// What nobody may read: values of `env` and `headers`, and what `address` masks, of a user with a password the password too.
  std::vector<Secret> secrets() const;
  bool operator==(const Server&) const = default;
};

struct Config {
  std::vector<Endpoint> listen;       ///< empty under `run`
  std::string public_url;             ///< what clients see; without a slash at its end
  std::optional<Endpoint> admin_listen;
  std::string admin_url;              ///< what people see of that listener: an origin; empty: its own address
  std::filesystem::path data;
  std::optional<SharedState> state;   ///< none: embedded, this gateway's own
  Auth auth = Auth::none;
  bool session_header = false;        ///< `Callgate-Session` names a key for counting, under its grant
  bool reuse_port = false;            ///< gateways with the same `state` may listen on its addresses too
  Audit audit;
  std::vector<std::string> hosts;     ///< accepted in Host besides loopback and public_url; lower case
  std::vector<std::string> origins;
  bool aggregate = false;             ///< `/mcp` is all servers as one where there are several
  std::chrono::milliseconds aggregate_wait{10'000};  ///< for the slowest of them, where all are asked
  std::chrono::milliseconds approval_wait{50'000};  ///< how long a call may be held; 0: never
  Limits limits;
  std::vector<Server> servers;        ///< in the order of the file

  const Server* find_server(std::string_view name) const;
};

}  // namespace callgate::config
