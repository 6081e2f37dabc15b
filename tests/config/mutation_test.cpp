#include <gtest/gtest.h>

#include <random>

#include "config/fake_environment.hpp"
#include "config/load.hpp"
#include "config/run_flags.hpp"

namespace callgate::config::mutation_test {
namespace {

constexpr std::string_view good = R"(listen: [127.0.0.1:8808, "[::1]:8808"]
public_url: https://gate.example/
admin: {listen: 127.0.0.1:8809}
data: /var/lib/callgate
auth: grants
audit: {sync: each, segment: 1MiB, on_full: refuse, shapes: true}
hosts: [gate.internal]
approval_wait: 0
aggregate: true
aggregate_wait: 2s
limits: {body: 1MiB, sessions: 5}
servers:
  valkey:
    command: [uvx, awslabs.valkey-mcp-server]
    env: {SECRET: "${env:TOKEN}"}
    policy: policies/valkey.yaml
    new_tools: follow_policy
    call_timeout: 250ms
    trust_hints: true
    classes: {valkey_read: {risk: High, reason: holds customers, definition: "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"}}
  billing:
    url: https://billing.example/mcp
    headers: {Authorization: "Bearer ${env:TOKEN}"}
    policy: /etc/policies/billing.yaml
)";

/// What holds for every configuration that was loaded, wherever it came from.
void expect_sound(const Config& config, const std::string& text) {
  EXPECT_FALSE(config.data.empty()) << text;
  for (const Endpoint& each : config.listen) {
    EXPECT_TRUE(config.auth != Auth::none || is_loopback(each.host)) << text;
    EXPECT_TRUE(!config.admin_listen || each.port == 0 || each.port != config.admin_listen->port) << text;
  }
  for (const Server& each : config.servers) {
    EXPECT_NE(each.command.empty(), each.url.empty()) << text;
    EXPECT_GT(each.call_timeout.count(), 0) << text;
    EXPECT_TRUE(each.url.empty() || check_url(each.url)) << text;
    EXPECT_FALSE(each.url.contains('@')) << text;
    for (const ClassOverride& said : each.classes) {
      EXPECT_FALSE(said.tool.empty() || said.reason.empty() || (said.category.empty() && said.risk.empty())) << text;
      EXPECT_EQ(said.definition.size(), 71U) << text;
    }
  }
}

std::string mutated(std::string text, std::mt19937& random) {
  static constexpr std::string_view bits = "\n :,{}[]\"'-#@$&*0a/\t\x01\xff";
  const auto at = [&] { return std::uniform_int_distribution<std::size_t>(0, text.size() - 1)(random); };
  const auto bit = [&] { return bits[std::uniform_int_distribution<std::size_t>(0, bits.size() - 1)(random)]; };
  switch (random() % 4) {
    case 0: text[at()] = bit(); break;
    case 1: text.insert(at(), 1, bit()); break;
    case 2: text.erase(at(), 1 + random() % 12); break;
    default: text.insert(at(), text.substr(at(), random() % 40)); break;
  }
  return text;
}

TEST(ConfigMutation, WhateverIsWrittenIsRefusedWithAPlaceOrSound) {
  std::mt19937 random(20'250'615);
  const FakeEnvironment environment;
  int loaded_count = 0;
  for (int i = 0; i < 3000; ++i) {
    std::string text(good);
    for (unsigned changes = 1 + random() % 3; changes > 0; --changes) text = mutated(std::move(text), random);
    const Loaded loaded = parse_config(text, "callgate.yaml", environment);
    EXPECT_NE(loaded.config.has_value(), !loaded.faults.empty()) << text;
    for (const Error& each : loaded.faults) {
      EXPECT_TRUE(each.where.starts_with("callgate.yaml:")) << each.where << ": " << each.message << "\n" << text;
      EXPECT_FALSE(each.message.empty()) << text;
      EXPECT_FALSE(each.message.contains("s3cret")) << each.message;
    }
    if (loaded.config) {
      expect_sound(*loaded.config, text);
      for (const Server& each : loaded.config->servers) EXPECT_FALSE(each.policy.empty()) << text;
    }
    loaded_count += loaded.config ? 1 : 0;
  }
  EXPECT_GT(loaded_count, 30);
  EXPECT_LT(loaded_count, 2000);
}

TEST(FlagsMutation, AnyOrderOfAnyWordsIsRefusedOrSound) {
  static constexpr std::string_view words[] = {"--policy", "p.yaml", "--upstream", "http://h/", "--upstream=h", "--header", "X-A: b",
                                               "Authorization: pw", "--listen", "127.0.0.1:0", "0.0.0.0:80", "--auth", "none", "grants",
                                               "--", "x", "--name", "a", "--data", "/d", "--data=", "--admin", "--ready-fd", "3", "--config",
                                               "/nonexistent", "", "-", "--policy=p", "--unknown", "--public-url", "https://g"};
  std::mt19937 random(20'250'616);
  const FakeEnvironment environment;
  for (int i = 0; i < 20'000; ++i) {
    std::vector<std::string_view> args;
    for (auto count = random() % 10; count > 0; --count) args.push_back(words[random() % std::size(words)]);
    const Command command = random() % 2 == 0 ? Command::run : Command::serve;
    const ParsedFlags parsed = parse_run_flags(command, args, environment);
    std::string line;
    for (const std::string_view each : args) line.append(" '").append(each).append("'");
    ASSERT_NE(parsed.flags.has_value(), !parsed.faults.empty()) << line;
    if (!parsed.flags) continue;
    expect_sound(parsed.flags->config, line);
    // Started by flags alone, a server without a policy gets one made before anything is called.
    for (const Server& each : parsed.flags->config.servers) EXPECT_TRUE(!each.policy.empty() || parsed.flags->config_file.empty()) << line;
    EXPECT_TRUE(parsed.flags->from_store || !parsed.flags->config.servers.empty()) << line;
  }
}

}  // namespace
}  // namespace callgate::config::mutation_test
