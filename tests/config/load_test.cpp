#include "config/load.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "config/fake_environment.hpp"
#include "store/temporary_folder.hpp"

namespace callgate::config::load_test {
namespace {

using std::chrono::milliseconds;

Loaded parse(std::string_view text, const FakeEnvironment& environment = {}) {
  return parse_config(text, "/etc/gate/callgate.yaml", environment);
}

std::string faults_of(const Loaded& loaded) {
  std::string text;
  for (const Error& each : loaded.faults) text += each.where + ": " + each.message + "\n";
  return text;
}

TEST(LoadTest, TheWholePageIsRead) {
  FakeEnvironment environment;
  environment.files["/run/secrets/billing"] = "top\n";
  const Loaded loaded = parse(R"(
listen: [127.0.0.1:8808, "[::1]:8808"]
public_url: https://gate.example/
admin: {listen: 127.0.0.1:8809, public_url: https://admin.example/}
data: /var/lib/callgate
state: embedded
auth: grants
session_header: false
audit: {sync: each, segment: 1MiB, keep: 30d, on_full: refuse, shapes: true}
hosts: [Gate.internal]
origins: [http://localhost:6274]
approval_wait: 0
limits: {body: 1MiB, result: 2MiB, sessions: 5, sessions_per_grant: 2, connections_per_address: 3, children: 4}
servers:
  valkey:
    command: [uvx, awslabs.valkey-mcp-server, --port, 6379]
    env: {VALKEY_HOST: 127.0.0.1, PORT: 6379, SECRET: "${env:TOKEN}"}
    policy: policies/valkey.yaml
    pins: pins/valkey.json
    new_tools: follow_policy
    shared: false
    start_timeout: 5s
    call_timeout: 250ms
    trust_hints: true
    classes:
      valkey_read: {risk: High, reason: holds customers, definition: "sha256:0000000000000000000000000000000000000000000000000000000000000001"}
      valkey_write: {category: Write, risk: Medium, reason: a cache, definition: "sha256:0000000000000000000000000000000000000000000000000000000000000002"}
    probe_unknown: false
    extension_methods: {}
  billing:
    url: https://billing.example/mcp
    ca_file: ca.pem
    transport: sse
    headers: {Authorization: "Bearer ${file:/run/secrets/billing}"}
    policy: /etc/policies/billing.yaml
)", environment);
  ASSERT_TRUE(loaded.config) << faults_of(loaded);
  const Config& config = *loaded.config;
  EXPECT_EQ(config.listen, (std::vector<Endpoint>{{"127.0.0.1", 8808}, {"::1", 8808}}));
  EXPECT_EQ(config.public_url, "https://gate.example");
  EXPECT_EQ(config.admin_listen->text(), "127.0.0.1:8809");
  EXPECT_EQ(config.admin_url, "https://admin.example");
  EXPECT_EQ(config.data, "/var/lib/callgate");
  EXPECT_EQ(config.audit.folder, "/var/lib/callgate/journal");
  EXPECT_EQ(config.auth, Auth::grants);
  EXPECT_EQ(config.audit.sync, Sync::each);
  EXPECT_EQ(config.audit.segment_bytes, 1'048'576U);
  EXPECT_EQ(config.audit.on_full, OnFull::refuse);
  EXPECT_TRUE(config.audit.shapes);
  EXPECT_EQ(config.audit.keep, std::chrono::hours(30 * 24));
  EXPECT_EQ(config.hosts, std::vector<std::string>{"gate.internal"});
  EXPECT_EQ(config.origins, std::vector<std::string>{"http://localhost:6274"});
  EXPECT_EQ(config.approval_wait, milliseconds(0));
  EXPECT_EQ(config.limits.result, 2'097'152U);
  EXPECT_EQ(config.limits.children, 4U);

  ASSERT_EQ(config.servers.size(), 2U);
  const Server& valkey = *config.find_server("valkey");
  EXPECT_EQ(valkey.address(), "uvx awslabs.valkey-mcp-server --port 6379");
  EXPECT_EQ(valkey.env.at(1).second.reveal(), "6379");
  EXPECT_EQ(valkey.env.at(2).second.reveal(), "s3cret");
  EXPECT_EQ(valkey.policy, "/etc/gate/policies/valkey.yaml");
  EXPECT_EQ(valkey.pins, "/etc/gate/pins/valkey.json");
  EXPECT_EQ(valkey.new_tools, NewTools::follow_policy);
  EXPECT_EQ(valkey.call_timeout, milliseconds(250));
  EXPECT_FALSE(valkey.probe_unknown);
  EXPECT_TRUE(valkey.trust_hints);
  const std::string zeros(63, '0');
  EXPECT_EQ(valkey.classes, (std::vector<ClassOverride>{
                                {.tool = "valkey_read", .definition = "sha256:" + zeros + "1", .category = "", .risk = "High", .reason = "holds customers"},
                                {.tool = "valkey_write", .definition = "sha256:" + zeros + "2", .category = "Write", .risk = "Medium", .reason = "a cache"}}));
  const Server& billing = *config.find_server("billing");
  EXPECT_EQ(billing.address(), "https://billing.example/mcp");
  EXPECT_FALSE(billing.trust_hints);
  EXPECT_TRUE(billing.classes.empty());
  EXPECT_EQ(billing.headers.at(0).second.reveal(), "Bearer top");
  EXPECT_EQ(billing.ca_file, "/etc/gate/ca.pem");
  EXPECT_EQ(billing.transport, Transport::sse);
  EXPECT_EQ(billing.policy, "/etc/policies/billing.yaml");
}

TEST(LoadTest, WhatIsNotSaidHasItsDefault) {
  const Loaded loaded = parse("servers: {a: {url: http://h/mcp, policy: p.yaml}}");
  ASSERT_TRUE(loaded.config) << faults_of(loaded);
  const Config& config = *loaded.config;
  EXPECT_EQ(config.listen, (std::vector<Endpoint>{{"127.0.0.1", 8808}}));
  EXPECT_EQ(config.auth, Auth::none);
  EXPECT_EQ(config.data, "/home/me/.local/share/callgate");
  EXPECT_EQ(config.approval_wait, milliseconds(50'000));
  EXPECT_EQ(config.limits.body, 4'194'304U);
  EXPECT_EQ(config.servers.at(0).call_timeout, milliseconds(40'000));
  EXPECT_TRUE(config.servers.at(0).probe_unknown);
}

/// Security requirement S15: off loopback clients must show who they are.
TEST(LoadTest, OffLoopbackGrantsAreTheDefault) {
  const Loaded loaded = parse("listen: 0.0.0.0:8808\npublic_url: https://gate.example\n");
  ASSERT_TRUE(loaded.config) << faults_of(loaded);
  EXPECT_EQ(loaded.config->auth, Auth::grants);
}

/// One fault of a file: its whole text is the message with its place.
struct Fault {
  const char* name;
  const char* text;
  const char* faults;  ///< all of them; each begins behind `/etc/gate/callgate.yaml:`
};

class ConfigFault : public testing::TestWithParam<Fault> {};

INSTANTIATE_TEST_SUITE_P(
    Top, ConfigFault,
    testing::Values(
        Fault{"list", "- a\n", "1:1: the file must be a mapping of keys to values, not a list\n"},
        Fault{"unknown_key", "listne: 127.0.0.1:1\n", "1:1: unknown key `listne`; did you mean `listen`?\n"},
        Fault{"key_of_elsewhere", "workers: 4\n",
              "1:1: unknown key `workers`; at the top of the file there may be `listen`, `tls`, `public_url`, `admin`, `data`, `state`, "
              "`auth`, `audit`, `hosts`, `approval_wait`, `limits`, `servers`, `origins`, `session_header`, `aggregate`, `aggregate_wait`, `reuse_port`\n"},
        Fault{"listen_number", "listen: 8808\n",
              "1:9: `listen`: `8808` is no address; write HOST:PORT, as in `127.0.0.1:8808` or `[::1]:8808`\n"},
        Fault{"listen_empty", "listen: []\n", "1:9: `listen` is empty; name an address, as in `127.0.0.1:8808`\n"},
        Fault{"listen_no_value", "listen:\n", "1:1: `listen` has no value; write one, or remove the key\n"},
        Fault{"listen_mapping", "listen: {a: 1}\n", "1:9: `listen` must be a list, not a mapping\n"},
        Fault{"listen_item", "listen: [127.0.0.1:1, x]\n",
              "1:23: `listen[1]`: `x` is no address; write HOST:PORT, as in `127.0.0.1:8808` or `[::1]:8808`\n"},
        Fault{"tls", "tls: {cert: a, key: b}\n", "1:1: `tls` is not supported yet by this version; remove it\n"},
        Fault{"public_url", "public_url: gate.example\n",
              "1:13: `public_url`: a URL begins with `http://` or `https://`, as in `https://host.example/mcp`\n"},
        Fault{"public_url_needed", "listen: 0.0.0.0:1\nauth: grants\n",
              "1:1: off loopback `public_url` (`--public-url URL`) is needed: the address that clients see, as in `https://gate.example`\n"},
        Fault{"admin_empty", "admin: {}\n", "1:8: `admin` needs `listen`, as in `127.0.0.1:8809`\n"},
        Fault{"admin_text", "admin: 127.0.0.1:1\n", "1:8: `admin` must be a mapping of keys to values, not `127.0.0.1:1`\n"},
        Fault{"admin_unknown", "admin: {listen: 127.0.0.1:1, port: 1}\n", "1:30: unknown key `admin.port`; in `admin` there may be `listen`, `public_url`\n"},
        Fault{"admin_url_path", "admin: {listen: 127.0.0.1:1, public_url: https://a.example/gate}\n", "1:42: `admin.public_url` has a path; write it without one\n"},
        Fault{"admin_url", "admin: {listen: 127.0.0.1:1, public_url: a.example}\n",
              "1:42: `admin.public_url`: a URL begins with `http://` or `https://`, as in `https://host.example/mcp`\n"},
        Fault{"one_port", "listen: 127.0.0.1:1\nadmin: {listen: 127.0.0.1:1}\n",
              "2:1: administration and agents never share a port; give `admin.listen` another than 1\n"},
        Fault{"redis_literal_password", "state: redis://:pw@h:1/0\n",
              "1:8: a literal password in `state` can be read by others; write `${file:PATH}` or `${env:NAME}` in its place\n"},
        Fault{"redis_user_alone", "state: redis://ann@h:1/0\n",
              "1:8: `state` has a user without a password; write `redis://USER:${file:PATH}@HOST`, without a user `redis://:${file:PATH}@HOST`\n"},
        Fault{"redis_no_host", "state: redis://\n", "1:8: `state` names no host and port; write `redis://HOST:PORT/DATABASE`, as in `redis://127.0.0.1:6379/0`\n"},
        Fault{"redis_port", "state: redis://h:x\n", "1:8: `state` names no host and port; write `redis://HOST:PORT/DATABASE`, as in `redis://127.0.0.1:6379/0`\n"},
        Fault{"redis_database", "state: redis://h/x\n", "1:8: `state` names a database that is no number; write `redis://HOST:PORT/DATABASE`, as in `redis://127.0.0.1:6379/0`\n"},
        Fault{"redis_tls", "state: rediss://h\n", "1:8: `state: rediss://` is not supported yet by this version; remove it\n"},
        Fault{"state", "state: disk\n", "1:8: `state` must be `embedded` or `redis://HOST:PORT/DATABASE`\n"},
        Fault{"reuse_port_alone", "listen: 127.0.0.1:1\nreuse_port: true\n",
              "2:1: `reuse_port` needs `state: redis://HOST:PORT/DATABASE`: gateways on one port would each count limits, and know "
              "sessions and approvals, for themselves; name the Redis or Valkey that they share, or remove the key\n"},
        Fault{"reuse_port_embedded", "state: embedded\nreuse_port: true\n",
              "2:1: `reuse_port` needs `state: redis://HOST:PORT/DATABASE`: gateways on one port would each count limits, and know "
              "sessions and approvals, for themselves; name the Redis or Valkey that they share, or remove the key\n"},
        Fault{"reuse_port_and_a_faulty_state", "state: disk\nreuse_port: true\n", "1:8: `state` must be `embedded` or `redis://HOST:PORT/DATABASE`\n"},
        Fault{"reuse_port_word", "state: redis://h\nreuse_port: all\n", "2:13: `reuse_port` must be `true` or `false`, not `all`\n"},
        Fault{"auth_oauth", "auth: {oauth: {issuer: x}}\n", "1:7: `auth: oauth` is not supported yet by this version; remove it\n"},
        Fault{"auth_word", "auth: grant\n", "1:7: `auth` must be `none` or `grants`, not `grant`; did you mean `grants`?\n"},
        Fault{"auth_none_off_loopback", "listen: 0.0.0.0:1\npublic_url: https://g\nauth: none\n",
              "3:1: `auth: none` is for loopback only, and `0.0.0.0:1` can be reached from elsewhere; use `auth: grants` (`--auth grants`)\n"},
        Fault{"boolean", "session_header: 1\n", "1:17: `session_header` must be `true` or `false`, not `1`\n"},
        Fault{"ambiguous_boolean", "session_header: no\n", "1:17: `session_header` must be `true` or `false`, not `no`\n"},
        Fault{"ambiguous_text", "hosts: [no]\n", "1:9: `no` is read differently by different programs; put it in quotes\n"},
        Fault{"host", "hosts: [\"*.example\"]\n",
              "1:9: `hosts[0]`: `*.example` is no host; write `gate.example` or `gate.example:8808`, without wildcards\n"},
        Fault{"origin", "origins: [\"*\"]\n",
              "1:11: `origins[0]`: `*` is no origin; write `https://app.example` or `http://localhost:6274`, without a path\n"},
        Fault{"aggregate_wait", "aggregate_wait: 5s\n", "1:17: `aggregate_wait` goes with `aggregate: true` only\n"},
        Fault{"duration", "approval_wait: 50 s\n",
              "1:16: `approval_wait`: `50 s` is no duration; write `250ms`, `30s`, `5m`, `1h` or `90d` (at most ten years)\n"},
        Fault{"sync", "audit: {sync: always}\n", "1:15: `audit.sync` must be `none` or `batch` or `each`, not `always`\n"},
        Fault{"keep", "audit: {keep: 0s}\n", "1:15: `audit.keep` must be at least 1000ms\n"},
        Fault{"shapes", "audit: {shapes: all}\n", "1:17: `audit.shapes` must be `true` or `false`, not `all`\n"},
        Fault{"on_full", "audit: {on_full: go_on}\n", "1:18: `audit.on_full` must be `refuse` or `refuse_medium`, not `go_on`\n"},
        Fault{"segment", "audit: {segment: 1KiB}\n", "1:18: `audit.segment` must be from 65536 to 17179869184 bytes\n"},
        Fault{"limit_unknown", "limits: {boddy: 1}\n", "1:10: unknown key `limits.boddy`; did you mean `body`?\n"},
        Fault{"limit_size", "limits: {body: 4MB}\n",
              "1:16: `limits.body`: `4MB` is no size; write `512B`, `64KiB`, `4MiB` or `1GiB`\n"},
        Fault{"limit_zero", "limits: {children: 0}\n",
              "1:20: `limits.children` must be a whole number from 1 to 10000000, not `0`\n"},
        Fault{"limit_text", "limits: {sessions: \"5\"}\n",
              "1:20: `limits.sessions` must be a whole number from 1 to 10000000, not `5`\n"}),
    [](const auto& row) { return row.param.name; });

INSTANTIATE_TEST_SUITE_P(
    Servers, ConfigFault,
    testing::Values(
        Fault{"list_of_servers", "servers: [a]\n", "1:10: `servers` must be a mapping of server names to their settings, not a list\n"},
        Fault{"server_text", "servers: {a: http://h}\n", "1:14: `servers.a` must be a mapping of keys to values, not `http://h`\n"},
        Fault{"name", "servers: {a/b: {url: http://h, policy: p}}\n",
              "1:11: `a/b` is no server name; it stands in URLs, so write up to 64 of A-Z a-z 0-9 _ . -\n"},
        Fault{"neither", "servers: {a: {policy: p}}\n", "1:14: `servers.a` needs `command` (a program on this machine) or `url`\n"},
        Fault{"both", "servers: {a: {command: [x], url: http://h, policy: p}}\n",
              "1:34: `servers.a` has both `command` and `url`; keep one\n"},
        Fault{"empty_policy", "servers: {a: {url: http://h, policy: \"\"}}\n",
              "1:38: `servers.a.policy` is empty; name a file, or remove the key\n"},
        Fault{"command_text", "servers: {a: {command: uvx x, policy: p}}\n", "1:24: `servers.a.command` must be a list, not `uvx x`\n"},
        Fault{"command_empty", "servers: {a: {command: [], policy: p}}\n", "1:24: `servers.a.command` is empty; name the program\n"},
        Fault{"command_nested", "servers: {a: {command: [x, [y]], policy: p}}\n",
              "1:28: `servers.a.command[1]` must be a text, not a list\n"},
        Fault{"env_list", "servers: {a: {command: [x], env: [A], policy: p}}\n",
              "1:34: `servers.a.env` must be a mapping of names to values, not a list\n"},
        Fault{"env_with_url", "servers: {a: {url: http://h, env: {A: b}, policy: p}}\n",
              "1:35: `servers.a.env` goes with `command` only\n"},
        Fault{"env_unset", "servers: {a: {command: [x], env: {A: \"${env:NOPE}\"}, policy: p}}\n",
              "1:38: `servers.a.env.A`: the environment variable `NOPE` is not set\n"},
        Fault{"env_name", "servers: {a: {command: [x], env: {A=B: c}, policy: p}}\n", "1:35: `A=B` is no name of a variable\n"},
        Fault{"headers_with_command", "servers: {a: {command: [x], headers: {X-A: b}, policy: p}}\n",
              "1:38: `servers.a.headers` goes with `url` only\n"},
        Fault{"literal_authorization", "servers: {a: {url: http://h, headers: {authorization: Bearer pw}, policy: p}}\n",
              "1:55: `servers.a.headers.authorization`: a literal `Authorization` can be read by others; put the secret into a variable "
              "or file and write `Bearer ${env:NAME}` or `Bearer ${file:PATH}`\n"},
        Fault{"own_header", "servers: {a: {url: http://h, headers: {Mcp-Session-Id: x}, policy: p}}\n",
              "1:40: the header `Mcp-Session-Id` is made by the gateway itself; remove it\n"},
        Fault{"header_name", "servers: {a: {url: http://h, headers: {\"a b\": x}, policy: p}}\n",
              "1:40: `a b` is no header name; write it as in `Authorization: \u2026`\n"},
        Fault{"header_twice", "servers: {a: {url: http://h, headers: {X-A: a, x-a: b}, policy: p}}\n",
              "1:48: the header `x-a` stands here twice; header names ignore case\n"},
        Fault{"header_value", "servers: {a: {url: http://h, headers: {X-A: \"a\\nX: y\"}, policy: p}}\n",
              "1:45: `servers.a.headers.X-A`: the value of the header `X-A` holds a line end or another control character\n"},
        Fault{"password_in_url", "servers: {a: {url: \"http://u:pw@h/\", policy: p}}\n",
              "1:20: `servers.a.url`: a URL holds no user name or password; send them with a header from `${env:NAME}` or `${file:PATH}`\n"},
        Fault{"transport", "servers: {a: {url: http://h, policy: p, transport: ws}}\n",
              "1:52: `servers.a.transport` must be `auto` or `streamable_http` or `sse`, not `ws`\n"},
        Fault{"transport_of_a_program", "servers: {a: {command: [x], policy: p, transport: sse}}\n",
              "1:51: `servers.a.transport` goes with `url` only\n"},
        Fault{"new_tools", "servers: {a: {url: http://h, policy: p, new_tools: allow}}\n",
              "1:52: `servers.a.new_tools` must be `refuse` or `follow_policy`, not `allow`\n"},
        Fault{"children_of_a_url", "servers: {a: {url: http://h, policy: p, shared: true, max_children: 8, start_ahead: true}}\n",
              "1:49: `servers.a.shared` goes with `command` only\n"
              "1:69: `servers.a.max_children` goes with `command` only\n"
              "1:85: `servers.a.start_ahead` goes with `command` only\n"},
        Fault{"no_children", "servers: {a: {command: [x], policy: p, max_children: 0}}\n",
              "1:54: `servers.a.max_children` must be a whole number from 1 to 10000, not `0`\n"},
        Fault{"extension_of_the_protocol", "servers: {a: {url: http://h, policy: p, extension_methods: {tools/call: {name: tool}}}}\n",
              "1:61: `tools/call` is a method of the protocol, which has rules of its own\n"},
        Fault{"extension_notification", "servers: {a: {url: http://h, policy: p, extension_methods: {notifications/x: none}}}\n",
              "1:61: `notifications/x` is a notification: only requests can be let through\n"},
        Fault{"extension_name", "servers: {a: {url: http://h, policy: p, extension_methods: {x y: none}}}\n",
              "1:61: `x y` is no name of a method: write up to 128 visible ASCII characters\n"},
        Fault{"extension_kind", "servers: {a: {url: http://h, policy: p, extension_methods: {x/y: {name: tol}}}}\n",
              "1:73: `servers.a.extension_methods.x/y.name` must be `tool` or `prompt` or `resource` or `none`, not `tol`; did you mean `tool`?\n"},
        Fault{"extension_of_two_members", "servers: {a: {url: http://h, policy: p, extension_methods: {x/y: {a: tool, b: tool}}}}\n",
              "1:66: `servers.a.extension_methods.x/y` has to name one member: it decides\n"},
        Fault{"extension_word", "servers: {a: {url: http://h, policy: p, extension_methods: {x/y: tool}}}\n",
              "1:66: `servers.a.extension_methods.x/y` must be `none`, or a mapping of one member to `tool`, `prompt` or `resource`, not `tool`\n"},
        Fault{"trust_hints", "servers: {a: {url: http://h, policy: p, trust_hints: 1}}\n",
              "1:54: `servers.a.trust_hints` must be `true` or `false`, not `1`\n"},
        Fault{"class_of_a_pattern", "servers: {a: {url: http://h, policy: p, classes: {get_*: {risk: Low}}}}\n",
              "1:51: `get_*` is no name of a tool; patterns do not stand here, since each entry holds for one definition\n"},
        Fault{"class_without_anything", "servers: {a: {url: http://h, policy: p, classes: {x: {}}}}\n",
              "1:54: `servers.a.classes.x` says neither `category` nor `risk`; give one, or remove it\n"
              "1:54: `servers.a.classes.x` has no `reason`; say in a sentence why, for whoever reads it later\n"
              "1:54: `servers.a.classes.x` has no `definition`; it holds for one definition of the tool: copy its fingerprint from `callgate server tools NAME`\n"},
        Fault{"class_words", "servers: {a: {url: http://h, policy: p, classes: {x: {category: read, risk: None, reason: r, definition: 'sha256:12'}}}}\n",
              "1:65: `servers.a.classes.x.category` must be `Read` or `Write` or `Execute` or `Destructive` or `Financial`, not `read`; did you mean `Read`?\n"
              "1:77: `servers.a.classes.x.risk` must be `Low` or `Medium` or `High` or `Critical`, not `None`\n"
              "1:106: `servers.a.classes.x.definition` must be a whole fingerprint, `sha256:` and 64 digits; copy it from `callgate server tools NAME`\n"},
        Fault{"class_key", "servers: {a: {url: http://h, policy: p, classes: {x: {risks: Low}}}}\n",
              "1:54: `servers.a.classes.x` says neither `category` nor `risk`; give one, or remove it\n"
              "1:54: `servers.a.classes.x` has no `reason`; say in a sentence why, for whoever reads it later\n"
              "1:54: `servers.a.classes.x` has no `definition`; it holds for one definition of the tool: copy its fingerprint from `callgate server tools NAME`\n"
              "1:55: unknown key `servers.a.classes.x.risks`; did you mean `risk`?\n"},
        Fault{"timeout_zero", "servers: {a: {url: http://h, policy: p, call_timeout: 0}}\n",
              "1:55: `servers.a.call_timeout` must be at least 1ms\n"},
        Fault{"unknown_server_key", "servers:\n  a:\n    url: http://h\n    policy: p\n    timeout: 5s\n",
              "5:5: unknown key `servers.a.timeout`; in `servers.a` there may be `command`, `env`, `url`, `transport`, `ca_file`, `headers`, `policy`, "
              "`pins`, `new_tools`, `shared`, `max_children`, `start_ahead`, `start_timeout`, `call_timeout`, `trust_hints`, `classes`, `probe_unknown`, "
              "`extension_methods`\n"}),
    [](const auto& row) { return row.param.name; });

/// Security requirements S15, S23: a fault is named and nothing starts; `auth: none` off loopback is one.
TEST_P(ConfigFault, IsNamedWithItsPlaceAndItsRemedy) {
  std::string expected;
  std::string_view rest = GetParam().faults;
  while (!rest.empty()) {
    const std::size_t end = rest.find('\n') + 1;
    expected.append("/etc/gate/callgate.yaml:").append(rest.substr(0, end));
    rest.remove_prefix(end);
  }
  const Loaded loaded = parse(GetParam().text);
  EXPECT_EQ(faults_of(loaded), expected);
  EXPECT_FALSE(loaded.config);
}

TEST(LoadTest, EveryFaultIsReportedAtOnceInTheOrderOfTheFile) {
  const Loaded loaded = parse("auth: grant\nlisten: x\nlisten: y\nservers:\n  a: {}\nlimits: {body: 1}\nfoo: 1\n");
  std::vector<std::string> places;
  for (const Error& each : loaded.faults) places.push_back(each.where.substr(each.where.find(".yaml:") + 6));
  EXPECT_EQ(places, (std::vector<std::string>{"3:1", "1:7", "2:9", "5:6", "6:16", "7:1"})) << faults_of(loaded);
}

TEST(LoadTest, DuplicateKeysAndBrokenTextAreRefused) {
  EXPECT_FALSE(parse("auth: none\nauth: grants\n").config);
  EXPECT_FALSE(parse("auth: [none\n").config);
  EXPECT_FALSE(parse("").config);
  EXPECT_FALSE(parse("servers: {a: {url: http://h, policy: p}, a: {url: http://h, policy: p}}").config);
}

TEST(LoadTest, StateIsThisGatewaysOwnOrSharedByAServer) {
  EXPECT_FALSE(parse("state: embedded").config->state);
  EXPECT_EQ(parse("state: redis://[::1]").config->state, (SharedState{.host = "::1", .port = 6379}));
  EXPECT_EQ(parse("state: valkey://store.example:7000/3").config->state, (SharedState{.host = "store.example", .port = 7000, .database = 3}));
  FakeEnvironment environment;
  environment.variables["PASSWORD"] = "p@ss/word:1";
  EXPECT_EQ(parse("state: redis://:${env:PASSWORD}@h", environment).config->state, (SharedState{.host = "h", .password = Secret("p@ss/word:1")}));
  EXPECT_EQ(parse("state: redis://gate:${env:PASSWORD}@h:1/2", environment).config->state,
            (SharedState{.host = "h", .port = 1, .database = 2, .user = "gate", .password = Secret("p@ss/word:1")}));
}

TEST(LoadTest, MethodsOfTheOperatorsListAreRead) {
  const auto loaded = parse("session_header: true\nservers: {a: {command: [x], policy: p, shared: true, max_children: 3, start_ahead: true,\n"
                                   "  extension_methods: {skills/get: {name: tool}, skills/list: none, x/read: {uri: resource}, x/y: {any: none}}}}\n");
  ASSERT_TRUE(loaded.config) << faults_of(loaded);
  EXPECT_TRUE(loaded.config->session_header);
  const Server& server = loaded.config->servers.front();
  EXPECT_TRUE(server.shared && server.start_ahead);
  EXPECT_EQ(server.max_children, 3U);
  using Names = ExtensionMethod::Names;
  const std::vector<ExtensionMethod> expected{{"skills/get", "name", Names::tool}, {"skills/list", "", Names::none}, {"x/read", "uri", Names::resource}, {"x/y", "", Names::none}};
  EXPECT_EQ(server.extension_methods, expected);
}

/// Security requirement S28: no secret in a message.
TEST(LoadTest, NoSecretStandsInAMessage) {
  FakeEnvironment environment;
  environment.variables["TOKEN"] = "s3cret\r\nX-Other: y";
  const Loaded loaded = parse("servers: {a: {url: http://h, headers: {X-Key: \"${env:TOKEN}\"}, policy: p}}", environment);
  ASSERT_FALSE(loaded.faults.empty());
  EXPECT_EQ(faults_of(loaded).find("s3cret"), std::string::npos) << faults_of(loaded);
  EXPECT_EQ(faults_of(parse("state: redis://:hunter2@h/0")).find("hunter2"), std::string::npos);
}

TEST(LoadTest, AFileThatCannotBeReadIsOneFault) {
  const TemporaryFolder folder;
  const Loaded loaded = load_config(folder.path() / "nope.yaml", FakeEnvironment());
  ASSERT_EQ(loaded.faults.size(), 1U);
  EXPECT_TRUE(loaded.unreadable);
  EXPECT_NE(loaded.faults[0].message.find("nope.yaml"), std::string::npos);
  EXPECT_EQ(loaded.faults[0].where, "");  // the message names the file already

  const std::string file = folder.write("callgate.yaml", "auth: none\n");
  ASSERT_EQ(::chmod(file.c_str(), 0644), 0);
  EXPECT_TRUE(load_config(file, FakeEnvironment()).config);
  ASSERT_EQ(::chmod(file.c_str(), 0666), 0);
  EXPECT_EQ(load_config(file, FakeEnvironment()).faults.at(0).kind, ErrorKind::refused);
  EXPECT_FALSE(load_config(file, FakeEnvironment()).unreadable);
}

}  // namespace
}  // namespace callgate::config::load_test
