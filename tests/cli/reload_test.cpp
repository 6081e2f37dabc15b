#include "cli/reload.hpp"

#include <gmock/gmock.h>

#include <map>

#include "base/json.hpp"
#include "cli/offline_world.hpp"
#include "config/load.hpp"
#include "config/text_file.hpp"

namespace callgate::cli::reload_test {
namespace {

/// Two values of a key of callgate.yaml, with what it needs beside it.
struct Values {
  std::string before;
  std::string after;
};

const std::map<std::string, Values> values{
    {"listen", {"listen: '127.0.0.1:1'", "listen: '127.0.0.1:2'"}},
    {"reuse_port", {"{state: 'redis://h', reuse_port: false}", "{state: 'redis://h', reuse_port: true}"}},
    {"public_url", {"public_url: 'https://a.example'", "public_url: 'https://b.example'"}},
    {"admin.listen", {"admin: {listen: '127.0.0.1:1'}", "admin: {listen: '127.0.0.1:2'}"}},
    {"admin.public_url",
     {"admin: {listen: '127.0.0.1:1', public_url: 'https://a.example'}",
      "admin: {listen: '127.0.0.1:1', public_url: 'https://b.example'}"}},
    {"data", {"data: /a", "data: /b"}},
    {"state", {"state: embedded", "state: 'redis://h'"}},
    {"auth", {"auth: none", "auth: grants"}},
    {"session_header", {"session_header: false", "session_header: true"}},
    {"audit.sync", {"audit: {sync: none}", "audit: {sync: each}"}},
    {"audit.segment", {"audit: {segment: 64MiB}", "audit: {segment: 32MiB}"}},
    {"audit.keep", {"audit: {keep: 90d}", "audit: {keep: 30d}"}},
    {"audit.on_full", {"audit: {on_full: refuse}", "audit: {on_full: refuse_medium}"}},
    {"audit.shapes", {"audit: {shapes: false}", "audit: {shapes: true}"}},
    {"hosts", {"hosts: []", "hosts: [a.example]"}},
    {"origins", {"origins: []", "origins: ['https://a.example']"}},
    {"aggregate", {"aggregate: false", "aggregate: true"}},
    {"aggregate_wait", {"{aggregate: true, aggregate_wait: 10s}", "{aggregate: true, aggregate_wait: 5s}"}},
    {"approval_wait", {"approval_wait: 50s", "approval_wait: 5s"}},
    {"limits.body", {"limits: {body: 4MiB}", "limits: {body: 2MiB}"}},
    {"limits.result", {"limits: {result: 16MiB}", "limits: {result: 8MiB}"}},
    {"limits.sessions", {"limits: {sessions: 20}", "limits: {sessions: 30}"}},
    {"limits.sessions_per_grant", {"limits: {sessions_per_grant: 20}", "limits: {sessions_per_grant: 30}"}},
    {"limits.connections_per_address",
     {"limits: {connections_per_address: 20}", "limits: {connections_per_address: 30}"}},
    {"limits.children", {"limits: {children: 20}", "limits: {children: 30}"}},
};

/// Keys of the published schema, and `a.b` of those that hold others.
std::vector<std::string> keys_of_the_schema() {
  const auto text = config::read_text(CALLGATE_SOURCE_DIR "/schemas/config.schema.json");
  const auto document = json::OwnedDocument::parse(*text).value();
  std::vector<std::string> keys;
  for (const json::Member& member : document->root().find("properties")->members()) {
    const auto inner = member.value.find("properties");
    if (!inner)
      keys.push_back(member.key.string());
    else
      for (const json::Member& each : inner->members()) keys.push_back(member.key.string() + "." + each.key.string());
  }
  return keys;
}

/// Whoever adds a key to the file says here what a change of it does while the gateway runs.
TEST(Reload, EveryKeyThatCountsFromTheNextStartIsTold) {
  const OfflineWorld world;
  const auto read = [&](const std::string& text) {
    return config::parse_config(text, "/etc/callgate.yaml", world.home);
  };
  const std::vector<std::string> keys = keys_of_the_schema();
  ASSERT_THAT(keys, testing::Contains("session_header"));
  for (const std::string& key : keys) {
    if (key == "servers") continue;  // taken up at once
    const auto row = values.find(key);
    if (row == values.end()) {
      ADD_FAILURE() << "`" << key << "` has no row";
      continue;
    }
    const auto before = read(row->second.before);
    const auto after = read(row->second.after);
    ASSERT_TRUE(before.config && after.config) << key;
    EXPECT_THAT(keys_for_next_start(*before.config, *after.config), testing::Contains(key.substr(0, key.find('.')))) << key;
    EXPECT_THAT(keys_for_next_start(*before.config, *before.config), testing::IsEmpty()) << key;
  }
}

}  // namespace
}  // namespace callgate::cli::reload_test
