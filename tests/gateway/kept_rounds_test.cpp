// Protocol item 31: a call of several rounds that goes on after a restart, or at another gateway.
#include "net/redis_server.hpp"
#include "session/shared_rounds.hpp"
#include "session/stored_rounds.hpp"
#include "store/database.hpp"
#include "world.hpp"

namespace callgate::gateway::kept_rounds_test {
namespace {

using namespace std::chrono_literals;

constexpr const char* one_call =
    "callgate: 1\ndefault: allow\nelicitation: allow\ntools:\n  read: {action: allow, rate_limit: {max: 1, window: "
    "30d, per: server}}\n";
constexpr const char* asks =
    "callgate: 1\ndefault: allow\nelicitation: allow\ntools:\n  read: {action: require_approval, reason: money "
    "moves}\n";

/// Gate after gate on what lasts: the file of one, or the server of several. What counts calls and asks people lasts
/// here in any case.
class KeptRounds : public World, public testing::WithParamInterface<std::string> {
 protected:
  void SetUp() override {
    if (GetParam() == "shared" && !callgate::test::RedisServer::program())
      GTEST_SKIP() << "neither valkey-server nor redis-server is installed";
    if (GetParam() == "shared") redis_.emplace();
    config.approval_wait = 5s;
    upstream.raw_answer = [this](net::HttpExchange& exchange, std::string id) { return ask_for_more(exchange, id); };
    store_rounds();
  }
  void TearDown() override { end(); }

  void end() {
    group.cancel();
    server.reset();
    front.reset();
    gates.reset();
  }
  /// The gate ends; the next one begins, in another process or on another machine.
  void go_elsewhere(const std::string& policy) {
    end();
    store_rounds();
    start(policy);
    [[maybe_unused]] const bool changed = policies.refresh();
  }
  Answer call(const std::string& more = {}, const std::string& arguments = R"({"n":1})",
              const std::string& tool = "read") {
    return post(modern_text("tools/call", R"("name":")" + tool + R"(","arguments":)" + arguments + more,
                            std::to_string(++ids_)),
                modern_headers("tools/call", tool));
  }
  static std::string round(const std::string& state) {
    return R"(,"inputResponses":{"k":{"action":"accept"}},"requestState":")" + state + '"';
  }
  bool goes_on(const std::string& more, const std::string& arguments = R"({"n":1})", const std::string& tool = "read") {
    const std::string body = call(more, arguments, tool).body;
    EXPECT_TRUE(body.contains("rate_limited") || body.contains("input_required") || body.contains("done")) << body;
    return !body.contains("rate_limited");
  }
  void begin_call(const std::string& more = {}) {
    answer_ = {};
    done_ = false;
    begin(modern_text("tools/call", R"("name":"read","arguments":{"n":1})" + more, std::to_string(++ids_)), answer_,
          done_, modern_headers("tools/call", "read"));
  }
  void begin_with_a_yes() {
    start(asks);
    begin_call();
    turn_until([&] { return desk->waiting() == 1; });
    ASSERT_TRUE(desk->answer(desk->list(approval::State::waiting).front()->id, approval::Answer::yes, "operator",
                             "fine", approval::Moment::of(clock))
                    .has_value());
    turn_until([&] { return done_; });
    ASSERT_TRUE(answer_.body.contains("s-1")) << answer_.body;
  }
  /// Whether a person is asked about that round; it is left waiting then.
  bool is_asked(const std::string& more) {
    begin_call(more);
    turn_until([&] { return done_ || desk->waiting() > 0; });
    return desk->waiting() > 0;
  }

  std::optional<callgate::test::RedisServer> redis_;
  std::unique_ptr<session::StoredRounds> stored_;
  std::unique_ptr<net::RedisClient> client_;
  std::unique_ptr<session::SharedRounds> shared_;
  Answer answer_;
  bool done_ = false;
  std::size_t rounds_wanted_ = 100;  ///< before the server is content

 private:
  void store_rounds() {
    going_on = nullptr;
    shared_.reset();
    client_.reset();
    stored_.reset();
    if (redis_) {
      client_ = std::make_unique<net::RedisClient>(loop, redis_->place());
      client_->start({});
      shared_ = std::make_unique<session::SharedRounds>(*client_, clock);
      going_on = shared_.get();
    } else {
      stored_ = std::make_unique<session::StoredRounds>(loop, clock, log, folder / "rounds.db", session::StoredRounds::Options{.write_time = 2s});
      going_on = stored_.get();
    }
  }
  net::Task<void> ask_for_more(net::HttpExchange& exchange, std::string id) {
    const std::string result =
        upstream.calls.size() < rounds_wanted_
            ? R"({"resultType":"input_required","inputRequests":{"k":{"method":"elicitation/create","params":{}}},"requestState":"s-)" +
                  std::to_string(upstream.calls.size()) + "\"}"
            : std::string(R"({"resultType":"complete","content":[{"type":"text","text":"done"}]})");
    co_await exchange.respond(200, "Content-Type: application/json\r\n",
                              R"({"jsonrpc":"2.0","id":)" + id + R"(,"result":)" + result + "}");
  }

  int ids_ = 10;
};

TEST_P(KeptRounds, AreCountedOnceOverManyGates) {
  rounds_wanted_ = 4;
  start(one_call);
  EXPECT_TRUE(goes_on({}));
  for (const char* state : {"s-1", "s-2"}) {
    go_elsewhere(one_call);
    EXPECT_TRUE(goes_on(round(state))) << state;
  }
  EXPECT_TRUE(call(round("s-3")).body.contains("done")) << "and where it was last";
  EXPECT_FALSE(goes_on({})) << "a call of its own was counted";
  EXPECT_EQ(upstream.calls.size(), 4U);
}

TEST_P(KeptRounds, AreGoodOnceWhateverGateTheyComeTo) {
  start(one_call);
  EXPECT_TRUE(goes_on({}));
  EXPECT_TRUE(goes_on(round("s-1")));
  go_elsewhere(one_call);
  EXPECT_FALSE(goes_on(round("s-1"))) << "used before the restart";
  EXPECT_TRUE(goes_on(round("s-2")));
  EXPECT_FALSE(goes_on(round("s-2")));
  go_elsewhere(one_call);
  EXPECT_FALSE(goes_on(round("s-2")));
  EXPECT_EQ(upstream.calls.size(), 3U);
}

TEST_P(KeptRounds, AreCountedAnewWhereAnythingOfThemIsOtherwise) {
  start(one_call);
  EXPECT_TRUE(goes_on({}));
  go_elsewhere(one_call);
  EXPECT_FALSE(goes_on(round("s-9"))) << "a state that the server did not give";
  EXPECT_FALSE(goes_on(round("s-1 "))) << "altered";
  EXPECT_FALSE(goes_on(round("s-1"), R"({"n":2})")) << "other arguments";
  EXPECT_FALSE(goes_on(round("s-1") + R"(,"more":1)")) << "another request";
  EXPECT_TRUE(goes_on(round("s-1"), R"({"n":1})", "write"))
      << "another tool, which no limit holds: it takes nothing of this call's";
  EXPECT_TRUE(goes_on(round("s-1"))) << "and its own";
}

TEST_P(KeptRounds, OfOthersAreCountedAnew) {
  config.auth = config::Auth::grants;
  start(one_call);
  call_as("ann");
  const std::string ann = authorization;
  EXPECT_TRUE(goes_on({}));
  go_elsewhere(one_call);
  call_as("bob");
  EXPECT_FALSE(goes_on(round("s-1")));
  authorization = ann;
  EXPECT_TRUE(goes_on(round("s-1")));
}

TEST_P(KeptRounds, OfAServerAtAnotherAddressAreCountedAnew) {
  start(one_call);
  EXPECT_TRUE(goes_on({}));
  FakeServer other(loop);
  server_url = other.url();
  go_elsewhere(one_call);
  EXPECT_FALSE(goes_on(round("s-1")));
  EXPECT_TRUE(other.calls.empty());
}

/// Security requirement S20: whoever allowed a call by one account's token allowed none by another's.
TEST_P(KeptRounds, OfAnotherAccountAreCountedAndAskedAboutAnew) {
  server_url = upstream.url() + "?api_key=sk-first-4f9a8b7c6d5e";
  start(one_call);
  EXPECT_TRUE(goes_on({}));
  server_url = upstream.url() + "?api_key=sk-other-1a2b3c4d5e6f";
  go_elsewhere(one_call);
  EXPECT_FALSE(goes_on(round("s-1")));
  server_url = upstream.url() + "?api_key=sk-first-4f9a8b7c6d5e";
  go_elsewhere(one_call);
  EXPECT_TRUE(goes_on(round("s-1"))) << "its own account's";
}

TEST_P(KeptRounds, AYesForOneAccountCoversNoRoundOfAnother) {
  server_url = upstream.url() + "?api_key=sk-first-4f9a8b7c6d5e";
  begin_with_a_yes();
  server_url = upstream.url() + "?api_key=sk-other-1a2b3c4d5e6f";
  go_elsewhere(asks);
  EXPECT_TRUE(is_asked(round("s-1")));
  EXPECT_EQ(upstream.calls.size(), 1U);
}

/// Nor a digest of them that could be tried out: what is kept is made with a key that is not there.
TEST_P(KeptRounds, LeaveNeitherStateNorArgumentsInTheFile) {
  if (redis_) GTEST_SKIP() << "a file is kept of one gateway alone";
  start(one_call);
  EXPECT_TRUE(call({}, R"({"n":"S3CRETVALUE"})").body.contains("s-1"));
  std::string kept;
  for (const char* part : {"rounds.db", "rounds.db-wal"}) {
    std::ifstream file(folder / part, std::ios::binary);
    kept.append(std::istreambuf_iterator<char>(file), {});
  }
  ASSERT_TRUE(kept.contains("fake")) << "the server's name is there, so the row is";
  EXPECT_FALSE(kept.contains("S3CRETVALUE"));
  EXPECT_FALSE(kept.contains("s-1"));
}

TEST_P(KeptRounds, AreAskedAboutOnce) {
  begin_with_a_yes();
  go_elsewhere(asks);
  EXPECT_FALSE(is_asked(round("s-1")));
  EXPECT_TRUE(answer_.body.contains("s-2")) << answer_.body;
  go_elsewhere(asks);
  EXPECT_FALSE(is_asked(round("s-2")));
  EXPECT_TRUE(is_asked(round("s-2"))) << "each state is good for one round";
  EXPECT_EQ(upstream.calls.size(), 3U);
}

/// The newest policy judges, whatever was allowed before.
TEST_P(KeptRounds, AreAskedAboutAnewWhereTheRuleChangedMeanwhile) {
  begin_with_a_yes();
  go_elsewhere(
      "callgate: 1\ndefault: allow\nelicitation: allow\ntools:\n  read: {action: require_approval, reason: money "
      "moves, approval: {timeout: 5m}}\n");
  EXPECT_TRUE(is_asked(round("s-1")));
  EXPECT_EQ(upstream.calls.size(), 1U);
}

TEST_P(KeptRounds, AreRefusedWhereTheRuleNowRefuses) {
  begin_with_a_yes();
  go_elsewhere("callgate: 1\ndefault: allow\ntools:\n  read: {action: deny, reason: no more}\n");
  EXPECT_TRUE(call(round("s-1")).body.contains("no more"));
  EXPECT_EQ(upstream.calls.size(), 1U);
}

/// A yes is no share of a limit: what was never counted is, as soon as a rule wants it.
TEST_P(KeptRounds, ThatWereNotCountedAreAsSoonAsALimitIsThere) {
  begin_with_a_yes();
  const std::string limited =
      "callgate: 1\ndefault: allow\nelicitation: allow\ntools:\n  read: {action: allow, rate_limit: {max: 1, window: "
      "30d, per: server}}\n";
  go_elsewhere(limited);
  EXPECT_TRUE(goes_on(round("s-1")));
  EXPECT_TRUE(goes_on(round("s-2"))) << "counted by now";
  EXPECT_FALSE(goes_on({}));
}

TEST_P(KeptRounds, ThatUsedUpNothingAreNotKept) {
  start("callgate: 1\ndefault: allow\nelicitation: allow\n");
  EXPECT_TRUE(goes_on({}));
  go_elsewhere(one_call);
  EXPECT_TRUE(goes_on(round("s-1"))) << "the first that is counted";
  EXPECT_FALSE(goes_on({}));
}

/// Fails closed: counted, and asked about, once more rather than not at all.
TEST_P(KeptRounds, AreCallsOfTheirOwnWhileTheyCannotBeLookedUp) {
  start(one_call);
  EXPECT_TRUE(goes_on({}));
  std::unique_ptr<store::Database> holder;
  if (redis_) {
    redis_->stop();
  } else {
    holder = std::move(*store::Database::open(folder / "rounds.db", 1000ms));
    ASSERT_TRUE(holder->execute("BEGIN IMMEDIATE"));
  }
  EXPECT_FALSE(goes_on(round("s-1")));
  EXPECT_EQ(upstream.calls.size(), 1U);
}

TEST_P(KeptRounds, WhoseNextCannotBeNotedAreAnsweredAllTheSame) {
  start(one_call);
  std::unique_ptr<store::Database> holder;
  if (redis_) {
    redis_->stop();
  } else {
    holder = std::move(*store::Database::open(folder / "rounds.db", 1000ms));
    ASSERT_TRUE(holder->execute("BEGIN IMMEDIATE"));
  }
  EXPECT_TRUE(call().body.contains("s-1"));
  EXPECT_TRUE(log.has("round_not_noted"));
}

INSTANTIATE_TEST_SUITE_P(Rounds, KeptRounds, testing::Values("stored", "shared"),
                         [](const auto& each) { return each.param; });

}  // namespace
}  // namespace callgate::gateway::kept_rounds_test
