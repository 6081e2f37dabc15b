#include "gateway/world.hpp"

namespace callgate::gateway::grant_test {
namespace {

/// Callers with a token each.
class Grants : public World {
 protected:
  Grants() { config.auth = config::Auth::grants; }

  std::string policy_file(const std::string& name, const std::string& text) {
    const auto path = folder / name;
    std::ofstream(path) << text;
    std::filesystem::permissions(path, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
    return path.string();
  }
  /// The header of a new caller; its policy file may be faulty or missing.
  void call_as(const std::string& name, const std::string& policy) {
    const std::string token = store::new_token();
    store::Grant grant{.id = ids.next(clock.wall_ms()), .name = name, .server = "fake", .policy = policy, .token_hash = store::hash_token(token)};
    ASSERT_TRUE(store->grants().add(grant).has_value());
    ASSERT_TRUE(grants.has_value() && grants->refresh().has_value());
    if (!policy.empty()) [[maybe_unused]] const auto loaded = policies.load(policy);
    authorization = "Authorization: Bearer " + token + "\r\n";
    open_session();
  }
};

constexpr const char* allows_all = "callgate: 1\ndefault: allow\nsampling: allow\n";

/// Security requirement S22: no policy means no call. Protocol item 36.
TEST_F(Grants, WithoutAPolicyIsDeniedAndSeesNothing) {
  start(allows_all);
  call_as("ann", "");
  const Answer list = post(R"({"jsonrpc":"2.0","id":5,"method":"tools/list"})");
  EXPECT_NE(list.body.find(R"("tools":[])"), std::string::npos) << list.body;
  EXPECT_NE(call("read").body.find(R"("verdict":"deny")"), std::string::npos);
  EXPECT_TRUE(upstream.calls.empty());
}

TEST_F(Grants, WithoutAPolicyIsNotAskedForByTheServer) {
  upstream.stream_events = "data: {\"jsonrpc\":\"2.0\",\"id\":\"s1\",\"method\":\"sampling/createMessage\",\"params\":{\"messages\":[],\"maxTokens\":1}}\n\n";
  start(allows_all);
  call_as("ann", "");
  Answer stream;
  bool done = false;
  group.spawn(talk("GET", "Accept: text/event-stream\r\n" + authorization + "Mcp-Session-Id: " + session_id + "\r\n", "", stream, done));
  turn_until([&] { return !upstream.responses.empty(); });
  ASSERT_EQ(upstream.responses.size(), 1U);
  EXPECT_NE(upstream.responses[0].find(R"("error")"), std::string::npos) << upstream.responses[0];
  EXPECT_NE(records().find(R"("method":"sampling/createMessage")"), std::string::npos);
  EXPECT_EQ(records().find(R"("verdict":"allow","rule":"/sampling")"), std::string::npos);
}

/// Security requirement S20: where the server's policy and the grant's ask, the yes is to both.
TEST_F(Grants, AYesToBothPoliciesDoesNotCountWhereTheOtherOneChanged) {
  config.approval_wait = std::chrono::milliseconds(0);
  start("callgate: 1\ndefault: allow\ntools: {write: {action: require_approval}}\n");
  call_as("ann", policy_file("ann.yaml", "callgate: 1\ndefault: allow\ntools: {write: {action: require_approval, approval: {timeout: 5m}}}\n"));
  const auto is_asked = [&](int id) { return call("write", "{}", id).body.find("require_approval") != std::string::npos; };
  const auto say_yes = [&] {
    const auto waiting = desk->list(approval::State::waiting);
    return !waiting.empty() && desk->answer(waiting.front()->id, approval::Answer::yes, "operator", {}, approval::Moment::of(clock)).has_value();
  };
  EXPECT_TRUE(is_asked(1));
  ASSERT_EQ(desk->waiting(), 1U);
  EXPECT_EQ(desk->list(approval::State::waiting).front()->question.timeout, std::chrono::minutes(5));
  ASSERT_TRUE(say_yes());
  policy_file("ann.yaml", "callgate: 1\ndefault: allow\ntools: {write: {action: require_approval, approval: {timeout: 6m}}}\n");
  ASSERT_TRUE(policies.refresh());
  EXPECT_TRUE(is_asked(2));
  EXPECT_TRUE(upstream.calls.empty());
  ASSERT_TRUE(say_yes());
  EXPECT_FALSE(is_asked(3));
  EXPECT_EQ(upstream.calls.size(), 1U);
}

TEST_F(Grants, TheReportedRuleAndPolicyAreOfOneFile) {
  start(allows_all);
  const std::string own = policy_file("ann.yaml", "callgate: 1\ndefault: allow\ntools:\n  write: {action: deny, reason: not for ann}\n");
  call_as("ann", own);
  const Answer answer = call("write");
  const std::string hash = policies.find(own)->hash();
  EXPECT_NE(answer.body.find("/tools/write"), std::string::npos) << answer.body;
  EXPECT_NE(answer.body.find(hash), std::string::npos) << answer.body;
  EXPECT_NE(records().find("\"policy\":\"" + hash), std::string::npos);
}

TEST_F(Grants, ALimitOfTheGrantNamesTheGrantsPolicyAndItsReason) {
  start(allows_all);
  const std::string own = policy_file("ann.yaml", "callgate: 1\ndefault: deny\ntools:\n  write: {action: allow, reason: a little at a time, rate_limit: {max: 1, window: 60}}\n");
  call_as("ann", own);
  EXPECT_NE(call("write").body.find("done"), std::string::npos);
  const Answer refused = call("write", "{}", 2);
  EXPECT_NE(refused.body.find("rate_limited"), std::string::npos) << refused.body;
  EXPECT_NE(refused.body.find(policies.find(own)->hash()), std::string::npos) << refused.body;
  // The server's own rule decided, so what the grant's author wrote is not its explanation.
  EXPECT_NE(refused.body.find("more than 1 calls in 60 s"), std::string::npos) << refused.body;
}

TEST_F(Grants, AFaultyPolicyIsTakenUpOnceItIsMended) {
  start(allows_all);
  const std::string own = policy_file("ann.yaml", "callgate: 1\ndefault: alow\n");
  call_as("ann", own);
  EXPECT_NE(call("read").body.find(R"("verdict":"deny")"), std::string::npos);
  policy_file("ann.yaml", "callgate: 1\ndefault: allow\n");
  policies.refresh();
  EXPECT_NE(call("read", "{}", 2).body.find("done"), std::string::npos);
}

}  // namespace
}  // namespace callgate::gateway::grant_test
