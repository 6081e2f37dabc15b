#include <gtest/gtest.h>

#include "base/json.hpp"
#include "base/yaml.hpp"
#include "cli/offline_world.hpp"
#include "config/load.hpp"
#include "config/text_file.hpp"
#include "schema/schema.hpp"

namespace callgate::cli::server_config_schema_test {
namespace {

/// The published schema of callgate.yaml and the loader must agree.
class ConfigSchema : public testing::Test {
 protected:
  void SetUp() override {
    const auto text = config::read_text(CALLGATE_SOURCE_DIR "/schemas/config.schema.json");
    ASSERT_TRUE(text) << text.error().message;
    document_ = json::OwnedDocument::parse(*text).value();
    auto compiled = schema::Schema::compile(document_->root());
    ASSERT_TRUE(compiled) << compiled.error().where << ": " << compiled.error().message;
    schema_ = std::move(*compiled);
  }

  bool schema_accepts(const std::string& text) const {
    const yaml::Parsed parsed = yaml::parse(text, "f");
    std::vector<Error> faults;
    const auto value = json::OwnedDocument::parse(yaml::to_json(*parsed.root, "f", faults)).value();
    return faults.empty() && !schema_->validate(value->root());
  }
  bool loader_accepts(const std::string& text) const {
    return config::parse_config(text, "/etc/callgate.yaml", world_.home).config.has_value();
  }

  OfflineWorld world_;
  std::unique_ptr<json::OwnedDocument> document_;
  std::shared_ptr<const schema::Schema> schema_;
};

const std::string fingerprint = "sha256:" + std::string(64, 'a');

const std::vector<std::string> good{
    "{}",
    "listen: 127.0.0.1:8808",
    "listen: ['[::1]:1', 'localhost:0']",
    "public_url: https://gate.example",
    "admin: {listen: 127.0.0.1:8809}",
    "state: redis://127.0.0.1:6379/0",
    "state: valkey://[::1]",
    "{reuse_port: true, state: redis://h}",
    "reuse_port: false",
    "{data: /d, state: embedded, auth: none, session_header: false}",
    "audit: {sync: each, segment: 1MiB, keep: 30d, on_full: refuse_medium, shapes: true}",
    "{hosts: [a.example, 'b:80'], origins: ['http://localhost:1'], approval_wait: 0}",
    "aggregate: true", "{aggregate: true, aggregate_wait: 3s}",
    "limits: {body: 1MiB, result: 2097152, sessions: 1, sessions_per_grant: 1, connections_per_address: 1, children: 1}",
    "servers: {a: {url: http://h}}",
    "servers: {a: {command: [x, 1, true], env: {A: 1}, policy: p, pins: q, new_tools: refuse, shared: false, start_timeout: 1s}}",
    "servers: {a: {url: http://h, transport: auto, ca_file: c, headers: {X-A: b}, policy: p, call_timeout: 5, trust_hints: false, probe_unknown: true, "
    "extension_methods: {}}}",
    "{session_header: true, servers: {a: {command: [x], policy: p, shared: true, max_children: 2, start_ahead: true, extension_methods: {skills/get: {name: tool}, skills/list: none}}}}",
    "servers: {a: {url: http://h, policy: p, trust_hints: true, classes: {}}}",
    "servers: {a: {url: http://h, policy: p, classes: {x: {risk: Low, reason: r, definition: '" + fingerprint + "'}}}}",
    "servers: {a: {url: http://h, policy: p, classes: {x: {category: Write, risk: Critical, reason: r, definition: '" + fingerprint + "'}}}}",
};

const std::vector<std::string> bad{
    "listne: x",         "listen: []",          "listen: x",           "admin: {}",
    "state: disk",       "state: redis://",     "state: redis://h:x",  "state: redis://:pw@h", "state: redis://h/x",
    "reuse_port: true",  "{reuse_port: true, state: embedded}",        "{reuse_port: yes please, state: redis://h}",
    "auth: oauth",       "session_header: 1", "audit: {keep: forever}",
    "audit: {on_full: allow}", "audit: {shapes: values}",             "hosts: ['*']",        "origins: ['*']",
    "aggregate: yes please", "aggregate_wait: 3s", "{aggregate: true, aggregate_wait: soon}",
    "approval_wait: 1w", "limits: {body: 4MB}", "limits: {children: 0}", "tls: {}",
    "servers: {a: {policy: p}}",
    "servers: {a: {url: http://h, command: [x], policy: p}}",
    "servers: {a/b: {url: http://h, policy: p}}",
    "servers: {a: {url: http://h, env: {A: b}, policy: p}}",
    "servers: {a: {command: [x], headers: {A: b}, policy: p}}",
    "servers: {a: {command: [], policy: p}}",
    "servers: {a: {url: http://h, policy: p, shared: true}}",
    "servers: {a: {url: http://h, policy: p, max_children: 2}}",
    "servers: {a: {url: http://h, policy: p, trust_hints: maybe}}",
    "servers: {a: {url: http://h, policy: p, classes: [x]}}",
    "servers: {a: {url: http://h, policy: p, classes: {x: {reason: r, definition: '" + fingerprint + "'}}}}",
    "servers: {a: {url: http://h, policy: p, classes: {x: {risk: Low, definition: '" + fingerprint + "'}}}}",
    "servers: {a: {url: http://h, policy: p, classes: {x: {risk: Low, reason: ' ', definition: '" + fingerprint + "'}}}}",
    "servers: {a: {url: http://h, policy: p, classes: {x: {risk: Low, reason: r}}}}",
    "servers: {a: {url: http://h, policy: p, classes: {x: {risk: low, reason: r, definition: '" + fingerprint + "'}}}}",
    "servers: {a: {url: http://h, policy: p, classes: {x: {risk: Low, reason: r, definition: sha256:abc}}}}",
    "servers: {a: {url: http://h, policy: p, classes: {'x*': {risk: Low, reason: r, definition: '" + fingerprint + "'}}}}",
    "servers: {a: {url: http://h, policy: p, new_tools: allow}}",
    "servers: {a: {url: http://h, policy: p, transport: ws}}",
    "servers: {a: {command: [x], policy: p, transport: sse}}",
    "servers: {a: {url: 'http://u:p@h', policy: p}}",
};

TEST_F(ConfigSchema, WhatTheLoaderTakesIsValid) {
  for (const std::string& text : good) {
    EXPECT_TRUE(loader_accepts(text)) << text;
    EXPECT_TRUE(schema_accepts(text)) << text;
  }
}

TEST_F(ConfigSchema, WhatTheLoaderRefusesIsNotValid) {
  for (const std::string& text : bad) {
    EXPECT_FALSE(loader_accepts(text)) << text;
    EXPECT_FALSE(schema_accepts(text)) << text;
  }
}

}  // namespace
}  // namespace callgate::cli::server_config_schema_test
