// Sessions with two servers that were opened before a restart, or at another gateway.
#include "aggregate/world.hpp"
#include "base/sha256.hpp"

namespace callgate::aggregate::kept_test {
namespace {

using session::KeptSession;

bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

/// A store in a test's hands.
class Keeper final : public session::SessionStore {
 public:
  bool keeps() const override { return true; }
  net::Task<session::Kept> keep(KeptSession session, std::size_t /*most_of_grant*/) override {
    kept.push_back(std::move(session));
    return net::Task<session::Kept>::ready(session::Kept::now);
  }
  net::Task<Result<std::optional<KeptSession>>> find(std::string_view id, std::string_view grant) override {
    using Found = net::Task<Result<std::optional<KeptSession>>>;
    if (away) return Found::ready(fail(ErrorKind::timeout, "nobody answers"));
    for (const KeptSession& each : kept) {
      if (each.digest == sha256_hex(id) && each.grant == grant) return Found::ready(std::optional(each));
    }
    return Found::ready(std::nullopt);
  }
  void serves(KeptSession session) override { serving.push_back(session.name); }
  void serves_no_longer(std::string_view name) override { left.emplace_back(name); }
  void used(std::string_view /*name*/) override {}
  void end(std::string_view name) override { ended.emplace_back(name); }
  bool end_unknown(std::string_view id, std::string_view /*grant*/) override {
    to_end.emplace_back(id);
    return !away;
  }
  net::Task<void> settled(net::Duration /*most*/) override { co_return; }
  void on_end(std::function<void(std::string_view name)> /*heard*/) override {}
  void ask_which_are_busy(std::function<bool(std::string_view name)> /*is_busy*/) override {}

  std::vector<KeptSession> kept;
  std::vector<std::string> serving, left, ended, to_end;
  bool away = false;
};

class Kept : public TwoServers {
 protected:
  Kept() { keeping = &keeper; }
  ~Kept() override {
    group.cancel();
    server.reset();
    front.reset();
    many.reset();
    gates.reset();
  }
  /// Another process, with the same store.
  void restart() {
    server.reset();
    front.reset();
    many.reset();
    gates.reset();
    start_both(policy);
  }
  Keeper keeper;
  std::string policy = "callgate: 1\ndefault: allow\n";
};

/// Protocol item 22.
TEST_F(Kept, GoOnAfterARestart) {
  start_both();
  open_session();
  ASSERT_EQ(keeper.kept.size(), 1U) << "the conversations with each server are nobody's to name";
  EXPECT_EQ(keeper.kept.front().server, "");
  restart();
  EXPECT_TRUE(has(call("two__read").body, "done"));
  EXPECT_EQ(many->router().session_count(), 1U);
  EXPECT_EQ(keeper.serving, std::vector<std::string>{keeper.kept.front().name});
  EXPECT_TRUE(has(list().body, "one__read"));
  EXPECT_EQ(without_body("DELETE").status, 200);
  EXPECT_EQ(keeper.ended, std::vector<std::string>{keeper.kept.front().name});
}

TEST_F(Kept, ThatAreNotFoundAreEndedAsSoonAsTheyCanBe) {
  start_both();
  session_id = "of-nobody";
  EXPECT_EQ(without_body("DELETE").status, 404);
  EXPECT_EQ(keeper.to_end, std::vector<std::string>{"of-nobody"});
}

/// Security requirement S19: a conversation that is opened anew is no new session.
TEST_F(Kept, CountOnAfterARestart) {
  policy = "callgate: 1\ndefault: allow\ntools:\n  read: {action: allow, rate_limit: {max: 1, window: 1h, per: session}}\n";
  start_both(policy);
  open_session();
  EXPECT_TRUE(has(call("two__read").body, "done"));
  EXPECT_TRUE(has(call("one__read", "{}", 2).body, "done")) << "each server counts for itself";
  EXPECT_TRUE(has(call("two__read", "{}", 3).body, "rate_limited"));
  restart();
  EXPECT_TRUE(has(call("two__read", "{}", 4).body, "rate_limited"));
  EXPECT_EQ(second.calls.size(), 1U);
}

TEST_F(Kept, AreOneSessionInTheRecordsOfBoth) {
  start_both();
  open_session();
  call("one__read");
  call("two__read", "{}", 2);
  const std::string name = R"("session":")" + keeper.kept.front().name + R"(")";
  std::size_t records_of_it = 0;
  const std::string text = records();
  for (std::size_t at = text.find(name); at != std::string::npos; at = text.find(name, at + 1)) ++records_of_it;
  EXPECT_GE(records_of_it, 2U) << text;
}

/// Security requirement S18: neither kind of session is taken for the other.
TEST_F(Kept, OpenNothingAtAServersOwnAddressNorTheReverse) {
  start_both();
  open_session();
  restart();
  target = "/mcp/two";
  EXPECT_EQ(call("read").status, 404);
  session_id.clear();
  open_session();
  restart();
  target = "/mcp";
  EXPECT_EQ(call("two__read").status, 404);
  EXPECT_TRUE(second.calls.empty());
}

TEST_F(Kept, EndHereWhenTheyEndedElsewhere) {
  start_both();
  open_session();
  many->router().ended_elsewhere(keeper.kept.front().name);
  EXPECT_EQ(many->router().session_count(), 0U);
  EXPECT_TRUE(keeper.ended.empty()) << "that was told already";
  EXPECT_EQ(keeper.left.size(), 1U);
}

TEST_F(Kept, AreLookedForLaterWhereNobodyAnswers) {
  start_both();
  open_session();
  restart();
  keeper.away = true;
  const Answer answer = call("two__read");
  EXPECT_EQ(answer.status, 503);
  EXPECT_TRUE(has(answer.headers, "Retry-After"));
}

TEST_F(Kept, IdleOnesStayForOthers) {
  start_both();
  open_session();
  many->router().reap_idle(loop.now() + std::chrono::minutes(66));
  EXPECT_EQ(many->router().session_count(), 0U);
  EXPECT_TRUE(keeper.ended.empty());
  EXPECT_TRUE(has(call("two__read").body, "done")) << "its keeper says when it is over";
}

}  // namespace
}  // namespace callgate::aggregate::kept_test
