// Sessions that other gateways opened: taken over by their caller, found by nobody else.
#include <gtest/gtest.h>

#include "base/sha256.hpp"
#include "session/session.hpp"
#include "world.hpp"

namespace callgate::gateway::shared_sessions_test {
namespace {

using namespace std::chrono_literals;
using session::KeptSession;

/// A store in a test's hands.
class FakeStore final : public session::SessionStore {
 public:
  explicit FakeStore(net::Loop& loop) : go_(loop) {}
  bool keeps() const override { return true; }
  net::Task<session::Kept> keep(KeptSession session, std::size_t /*most_of_grant*/) override {
    if (full) return net::Task<session::Kept>::ready(session::Kept::no);
    kept.push_back(std::move(session));
    return net::Task<session::Kept>::ready(fault.empty() ? session::Kept::now : session::Kept::later);
  }
  net::Task<Result<std::optional<KeptSession>>> find(std::string_view id, std::string_view grant) override {
    using Found = net::Task<Result<std::optional<KeptSession>>>;
    ++asked;
    if (!fault.empty()) return Found::ready(fail(ErrorKind::timeout, fault));
    std::optional<KeptSession> found;
    for (const KeptSession& each : kept) {
      if (each.digest == sha256_hex(id) && each.grant == grant) found = each;
    }
    return hold ? held(std::move(found)) : Found::ready(std::move(found));
  }
  void serves(KeptSession session) override { serving.push_back(session.name); }
  void serves_no_longer(std::string_view name) override { left.emplace_back(name); }
  void used(std::string_view name) override { uses.emplace_back(name); }
  void end(std::string_view name) override { ended.emplace_back(name); }
  bool end_unknown(std::string_view id, std::string_view grant) override {
    to_end.emplace_back(std::string(id) + '/' + std::string(grant));
    return !full;
  }
  net::Task<void> settled(net::Duration /*most*/) override {
    ++settlings;
    co_return;
  }
  void on_end(std::function<void(std::string_view name)> /*heard*/) override {}
  void ask_which_are_busy(std::function<bool(std::string_view name)> /*is_busy*/) override {}
  void let_go() { go_.notify(); }

  std::vector<KeptSession> kept;
  std::vector<std::string> serving, left, uses, ended, to_end;
  std::string fault;
  bool hold = false;
  bool full = false;
  int asked = 0;
  int settlings = 0;

 private:
  net::Task<Result<std::optional<KeptSession>>> held(std::optional<KeptSession> found) {
    co_await go_.wait(20s);
    co_return found;
  }
  net::Broadcast go_;
};

class SharedSessions : public World {
 protected:
  SharedSessions() { keeping = &store_; }

  /// A session that another gateway opened.
  std::string opened_elsewhere(std::string grant = {}) {
    const std::string id = session::new_session_id();
    store_.kept.push_back({.name = session::session_name(id), .digest = sha256_hex(id), .server = "fake", .address = upstream.url(), .grant = std::move(grant),
                           .principal = "anonymous", .revision = "2025-06-18",
                           .opening = R"({"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"t","version":"1"}}})"});
    return id;
  }
  Answer send(const std::string& method, const std::string& more = {}) {
    Answer out;
    bool done = false;
    group.spawn(talk(method, "Mcp-Session-Id: " + session_id + "\r\nAccept: text/event-stream\r\n" + more, "", out, done));
    turn_until([&] { return done; });
    return out;
  }
  const std::string allow_ = "callgate: 1\ndefault: allow\n";
  FakeStore store_{loop};
};

TEST_F(SharedSessions, ANewSessionIsKeptUnderItsNameWithWhatOpensItAnew) {
  start(allow_);
  open_session();
  ASSERT_EQ(store_.kept.size(), 1U);
  const KeptSession& kept = store_.kept.front();
  EXPECT_EQ(kept.name, session::session_name(session_id));
  EXPECT_EQ(kept.digest, sha256_hex(session_id));
  EXPECT_EQ(kept.server, "fake");
  EXPECT_EQ(kept.revision, "2025-06-18");
  EXPECT_TRUE(kept.opening.contains("clientInfo"));
  EXPECT_TRUE(call("read").body.contains("done"));
  EXPECT_EQ(store_.asked, 0) << "a session of this gateway is looked up nowhere";
}

/// Protocol item 22.
TEST_F(SharedSessions, ASessionOpenedElsewhereGoesOnHereWithAServersSessionOfItsOwn) {
  start(allow_);
  session_id = opened_elsewhere();
  EXPECT_TRUE(call("read").body.contains("done"));
  EXPECT_TRUE(call("read", "{}", 2).body.contains("done"));
  EXPECT_EQ(store_.asked, 1);
  EXPECT_EQ(store_.serving.size(), 1U);
  EXPECT_EQ(upstream.calls.size(), 2U);
  EXPECT_TRUE(records().contains(session::session_name(session_id))) << "on record under the same name";
}

/// Security requirement S18: a session of another caller or server is as unknown as one that never was.
TEST_F(SharedSessions, ForeignUnknownAndMalformedSessionsAreAnsweredAlike) {
  start(allow_);
  session_id = session::new_session_id();
  const Answer unknown = call("read");
  EXPECT_EQ(unknown.status, 404);
  session_id = opened_elsewhere("grant-of-somebody");
  const Answer foreign = call("read");
  session_id = opened_elsewhere();
  store_.kept.back().server = "another";
  const Answer other_server = call("read");
  session_id = opened_elsewhere();
  store_.kept.back().address = "http://elsewhere/mcp";
  const Answer other_address = call("read");
  session_id = opened_elsewhere();
  store_.kept.back().opening = "no message";
  const Answer damaged = call("read");
  for (const Answer* each : {&foreign, &other_server, &other_address, &damaged}) {
    EXPECT_EQ(each->status, 404);
    EXPECT_EQ(each->body, unknown.body);
  }
  EXPECT_TRUE(upstream.calls.empty());
}

TEST_F(SharedSessions, WhileNobodyKnowsTheClientIsToldToComeBack) {
  start(allow_);
  session_id = opened_elsewhere();
  store_.fault = "the shared state is away";
  const Answer later = call("read");
  EXPECT_EQ(later.status, 503) << "a 404 would end the session for the client";
  EXPECT_TRUE(later.headers.contains("Retry-After: 1"));
  EXPECT_EQ(send("GET").status, 503);
  EXPECT_EQ(send("DELETE").status, 503);
  store_.fault.clear();
  EXPECT_TRUE(call("read").body.contains("done"));
}

TEST_F(SharedSessions, ASessionThatCannotBeKeptWorksAllTheSame) {
  start(allow_);
  store_.fault = "the shared state is away";
  open_session();
  EXPECT_TRUE(call("read").body.contains("done"));
}

/// A client on a pipe: what it is told is kept here.
class OnAPipe final : public Channel {
 public:
  explicit OnAPipe(net::Loop& loop) : loop_(loop) {}
  net::Task<bool> event(std::string_view /*bytes*/, std::string_view /*raw*/) override { co_return true; }
  net::Task<bool> answer(std::string_view bytes, std::string_view /*raw*/, int /*status*/) override {
    told.emplace_back(bytes);
    co_return true;
  }
  net::Task<bool> accepted() override { co_return true; }
  net::Task<bool> ended() override { co_return true; }
  bool gone() const override { return false; }
  bool may_resume() const override { return false; }
  net::Task<void> until_gone() override { co_await loop_.sleep(net::Loop::forever); }
  std::vector<std::string> told;

 private:
  net::Loop& loop_;
};

TEST_F(SharedSessions, ASessionOfAPipeIsKeptNowhereHoweverOftenItsClientInitializes) {
  start(allow_);
  OnAPipe channel(loop);
  const auto conversation = std::make_shared<Conversation>();
  json::Document document;
  const std::string text = R"({"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"t","version":"1"}}})";
  const auto message = mcp::read_message(text, document, mcp::Direction::from_client);
  for (std::size_t time = 1; time <= 2; ++time) {
    group.spawn(gates->all().front()->handle({.conversation = conversation, .message = *message, .revision = mcp::latest_legacy, .channel = channel}));
    turn_until([&] { return channel.told.size() == time; });
  }
  ASSERT_EQ(channel.told.size(), 2U);
  EXPECT_TRUE(store_.kept.empty()) << "nobody could name it elsewhere, and nobody would end it";
  EXPECT_EQ(gates->all().front()->session_count(), 1U);
}

TEST_F(SharedSessions, ASessionForWhichThereIsNoRoomLivesHereLikeOneThatNobodyKeeps) {
  store_.full = true;
  start(allow_);
  open_session();
  EXPECT_TRUE(call("read").body.contains("done"));
  send("DELETE");
  EXPECT_TRUE(store_.ended.empty()) << "the store knows nothing of it";
  EXPECT_EQ(call("read").status, 404);
}

TEST_F(SharedSessions, AreBusyWhileAMessageIsUnderWay) {
  start(allow_);
  open_session();
  const std::string name = session::session_name(session_id);
  EXPECT_FALSE(gates->is_busy(name));
  net::Signal go_on(loop);
  const auto held = [](net::HttpExchange& exchange, std::string id, net::Signal& signal) -> net::Task<void> {
    co_await signal.wait(20s);
    co_await exchange.respond(200, "Content-Type: application/json\r\n", R"({"jsonrpc":"2.0","id":)" + id + R"(,"result":{"content":[]}})");
  };
  upstream.raw_answer = [&](net::HttpExchange& exchange, std::string id) { return held(exchange, std::move(id), go_on); };
  Answer answer;
  bool done = false;
  begin(call_text("read"), answer, done);
  turn_until([&] { return !upstream.calls.empty(); });
  EXPECT_TRUE(gates->is_busy(name));
  go_on.raise();
  turn_until([&] { return done; });
  EXPECT_FALSE(gates->is_busy(name));
  EXPECT_FALSE(gates->is_busy("s-unknown"));
}

TEST_F(SharedSessions, ADeleteEndsItForAllAlsoWhereItWasNeverUsed) {
  start(allow_);
  session_id = opened_elsewhere();
  EXPECT_EQ(send("DELETE").status, 200);
  EXPECT_EQ(store_.ended, std::vector{session::session_name(session_id)});
  EXPECT_EQ(store_.settlings, 1) << "the answer waits for that";
}

/// A store that does not know yet which there are is told, and who cannot be promised the end is not told that there is none.
TEST_F(SharedSessions, ADeleteOfOneThatIsNotFoundIsRememberedOrRefused) {
  start(allow_);
  session_id = session::new_session_id();
  EXPECT_EQ(send("GET").status, 404);
  EXPECT_TRUE(store_.to_end.empty());
  EXPECT_EQ(send("DELETE").status, 404);
  EXPECT_EQ(store_.to_end, std::vector{session_id + "/"});
  store_.full = true;
  const Answer refused = send("DELETE");
  EXPECT_EQ(refused.status, 503);
  EXPECT_TRUE(refused.headers.contains("Retry-After: 1"));
}

TEST_F(SharedSessions, WhatEndedElsewhereIsOverHereAndIsNotEndedAgain) {
  start(allow_);
  open_session();
  gates->ended_elsewhere("s-of-nobody");
  gates->ended_elsewhere(session::session_name(session_id));
  store_.kept.clear();
  EXPECT_EQ(call("read").status, 404);
  EXPECT_TRUE(store_.ended.empty());
}

TEST_F(SharedSessions, TwoRequestsThatComeTogetherTakeOverOneSession) {
  start(allow_);
  session_id = opened_elsewhere();
  store_.hold = true;
  Answer first;
  Answer second;
  bool first_done = false;
  bool second_done = false;
  begin(call_text("read", "{}", 1), first, first_done);
  begin(call_text("read", "{}", 2), second, second_done);
  turn_until([&] { return store_.asked == 2; });
  store_.let_go();
  turn_until([&] { return first_done && second_done; });
  EXPECT_TRUE(first.body.contains("done")) << first.body;
  EXPECT_TRUE(second.body.contains("done")) << second.body;
  EXPECT_EQ(store_.serving.size(), 1U);
  EXPECT_EQ(gates->all().front()->session_count(), 1U);
}

/// Security requirement S18: who came is looked at again after the wait.
TEST_F(SharedSessions, AServerThatGoesWhileTheSessionIsLookedUpIsNotServed) {
  start(allow_);
  session_id = opened_elsewhere();
  store_.hold = true;
  Answer answer;
  bool done = false;
  begin(call_text("read"), answer, done);
  turn_until([&] { return store_.asked == 1; });
  gates->serve({});
  store_.let_go();
  turn_until([&] { return done; });
  EXPECT_EQ(answer.status, 404) << answer.body;
  EXPECT_TRUE(upstream.calls.empty());
}

TEST_F(SharedSessions, AServerThatIsServedNoLongerHereMayBeServedElsewhere) {
  start(allow_);
  open_session();
  gates->serve({});
  EXPECT_TRUE(store_.ended.empty());
  EXPECT_EQ(store_.left, std::vector{session::session_name(session_id)});
}

TEST_F(SharedSessions, AStreamOpensTheServersSessionWhereItHasNoneYet) {
  upstream.stream_events = "data: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/message\",\"params\":{\"level\":\"info\",\"data\":1}}\n\n";
  start(allow_);
  session_id = opened_elsewhere();
  Answer out;
  bool done = false;
  group.spawn(talk("GET", "Mcp-Session-Id: " + session_id + "\r\nAccept: text/event-stream\r\n", "", out, done));
  turn_until([&] { return out.status == 200 || done; });
  EXPECT_EQ(out.status, 200) << out.body;
}

TEST_F(SharedSessions, ACallThatIsHeldIsRefusedWhenItsSessionEndsElsewhere) {
  start("callgate: 1\ndefault: allow\ntools:\n  write: {action: require_approval}\n");
  open_session();
  Answer answer;
  bool done = false;
  begin(call_text("write"), answer, done);
  turn_until([&] { return desk->waiting() == 1; });
  gates->ended_elsewhere(session::session_name(session_id));
  turn_until([&] { return done; });
  EXPECT_TRUE(answer.body.contains("session ended")) << answer.body;
  EXPECT_EQ(desk->waiting(), 0U);
}

}  // namespace
}  // namespace callgate::gateway::shared_sessions_test
