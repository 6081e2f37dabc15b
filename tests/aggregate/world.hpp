#pragma once

#include "aggregate/aggregate.hpp"
#include "gateway/world.hpp"

namespace callgate::aggregate {

using gateway::FakeServer;

/// Two fake servers behind their gates, `/mcp` in front of both: `one` and `two`.
class TwoServers : public gateway::World {
 protected:
  TwoServers() : second(loop) { config.aggregate = true; }
  ~TwoServers() override {
    group.cancel();
    server.reset();
    front.reset();
    many.reset();
  }

  config::Server behind(const std::string& name, const std::string& url, const std::string& policy) {
    const auto path = folder / (name + ".yaml");
    std::ofstream(path) << policy;
    std::filesystem::permissions(path, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
    EXPECT_TRUE(policies.load(path).has_value());
    config::Server each;
    each.name = name;
    each.url = url;
    each.transport = transport;
    each.policy = path;
    each.start_timeout = start_timeout;
    return each;
  }
  void start_both(const std::string& policy_of_one, const std::string& policy_of_two) {
    config.servers = {behind(first_name, upstream.url(), policy_of_one), behind("two", second_url.empty() ? second.url() : second_url, policy_of_two)};
    parts.emplace(gateway::Parts{loop, clock, log, metrics, config, *journal, digest_key, *counting, *questions, *keeping, *going_on, *store, policies, classes_of, approval_url});
    if (replies) parts->replies = replies;
    gates = std::make_unique<gateway::Gates>(*parts);
    grants.emplace(*store);
    many = std::make_unique<Aggregate>(*parts, *gates, session::Authenticator(config.auth, &*grants));
    front = std::make_unique<gateway::HttpFront>(*parts, *gates, session::Authenticator(config.auth, &*grants), session::AccessList(config));
    front->serve_also(*many);
    server.emplace(loop, *front, net::ServerLimits{});
    address = *server->listen(*net::Address::numeric("127.0.0.1", 0));
    gates->start();
    turn_until([&] { return !waits_for_tools || (known("two") && known(first_name)); });
  }
  void start_both(const std::string& policy = "callgate: 1\ndefault: allow\n") { start_both(policy, policy); }
  bool known(std::string_view name) const {
    const auto& tools = gates->find(name)->tools().known(mcp::Era::legacy);
    return tools.table != nullptr || !tools.fault.empty();
  }
  Answer list(const std::string& method = "tools/list", int id = 7) {
    return post(R"({"jsonrpc":"2.0","id":)" + std::to_string(id) + R"(,"method":")" + method + R"("})");
  }
  Answer without_body(const std::string& method) {
    Answer out;
    bool done = false;
    group.spawn(talk(method, "Accept: text/event-stream\r\n" + authorization + "Mcp-Session-Id: " + session_id + "\r\n", {}, out, done));
    turn_until([&] { return done; });
    return out;
  }

  /// How long a silent server is waited for where one that answers is to be heard in the same time: that one and the gate
  /// are in this process, which may stand still for a while.
  static constexpr std::chrono::milliseconds short_wait{1000};

  FakeServer second;
  std::string first_name = "one";
  bool waits_for_tools = true;
  std::string second_url;  ///< empty: the fake one's
  std::unique_ptr<Aggregate> many;
};

}  // namespace callgate::aggregate
