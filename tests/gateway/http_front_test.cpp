#include <algorithm>

#include "gateway/world.hpp"

namespace callgate::gateway::http_front_test {
namespace {

constexpr const char* allow_all = "callgate: 1\ndefault: allow\n";

/// Sends bytes in two parts, the second when the test says so.
class TwoParts : public World {
 protected:
  net::Task<void> send(std::string first, std::string second, std::string& got, bool& done) {
    auto stream = co_await net::connect(loop, {address}, loop.now() + std::chrono::seconds(2));
    if (stream && co_await (*stream)->write_all(first, {}, std::chrono::seconds(2))) {
      if (!second.empty()) {
        co_await go_on.wait(std::chrono::seconds(10));
        [[maybe_unused]] const auto sent = co_await (*stream)->write_all(second, {}, std::chrono::seconds(2));
      }
      char some[4096];
      while (co_await (*stream)->readable(std::chrono::seconds(10))) {
        const net::Stream::Io io = (*stream)->read_now(some);
        if (io.status == net::Stream::Status::done) got.append(some, io.bytes);
        if (io.status != net::Stream::Status::would_block && (io.bytes == 0 || got.find("\r\n\r\n") != std::string::npos)) break;
      }
    }
    done = true;
  }
  std::string head_of(std::size_t length) const {
    std::string head = "POST /mcp HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n" + authorization;
    if (!session_id.empty()) head += "Mcp-Session-Id: " + session_id + "\r\n";
    return head + "Content-Length: " + std::to_string(length) + "\r\n\r\n";
  }
  /// What comes back when `meanwhile` happens between head and body.
  std::string answer_to(const std::string& body, const std::function<void()>& meanwhile) {
    std::string got;
    bool done = false;
    turn_until([&] { return server->open_connections() == 0; });
    group.spawn(send(head_of(body.size()), body, got, done));
    turn_until([&] { return server->open_connections() == 1; });
    for (int i = 0; i < 5; ++i) loop.turn(std::chrono::milliseconds(5));  // the head arrives
    meanwhile();
    go_on.raise();
    turn_until([&] { return done; });
    return got;
  }
  net::Signal go_on{loop};
};

/// Security requirements S14, S15: who has no token is kept no byte of a body.
TEST_F(TwoParts, WithoutATokenNoBodyIsWaitedFor) {
  config.auth = config::Auth::grants;
  start(allow_all);
  std::string got;
  bool done = false;
  group.spawn(send(head_of(3'000'000), {}, got, done));
  turn_until([&] { return done; });
  EXPECT_TRUE(got.starts_with("HTTP/1.1 401")) << got;
  EXPECT_EQ(server->body_bytes(), 0U);
}

/// Security requirement S13: bodies are application/json. Protocol item 7.
TEST_F(TwoParts, AnotherMediaTypeIsRefusedBeforeItsBody) {
  start(allow_all);
  std::string got;
  bool done = false;
  group.spawn(send("POST /mcp HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: text/plain\r\nContent-Length: 3000000\r\n\r\n", {}, got, done));
  turn_until([&] { return done; });
  EXPECT_TRUE(got.starts_with("HTTP/1.1 415")) << got;
}

/// RFC 8259 section 8.1: what one reader takes for UTF-8 must not be another text for the next.
TEST_F(TwoParts, ACharsetBesideUtf8IsRefused) {
  start(allow_all);
  const auto status_for = [&](const std::string& type) {
    std::string got;
    bool done = false;
    group.spawn(send("POST /mcp HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: " + type + "\r\nContent-Length: 2\r\n\r\n", "{}", got, done));
    go_on.raise();
    turn_until([&] { return done; });
    return got.substr(9, 3);
  };
  for (const char* type : {"application/json; charset=utf-8; charset=utf-16", "application/json; charset=utf-8-evil", "application/json; charset=utf-16",
                           "application/json; charset", "application/json; charset = \"utf-16\"", "application/jsonp"}) {
    EXPECT_EQ(status_for(type), "415") << type;
  }
  for (const char* type : {"application/json", "Application/JSON ; Charset=UTF-8", "application/json;charset=\"utf-8\"", "application/json; x=1; charset=utf-8"}) {
    EXPECT_EQ(status_for(type), "400") << type;
  }
}

TEST_F(TwoParts, ABodyThatComesLaterIsServed) {
  start(allow_all);
  open_session();
  const std::string got = answer_to(call_text("read"), [] {});
  EXPECT_TRUE(got.starts_with("HTTP/1.1 200")) << got;
  EXPECT_EQ(upstream.calls.size(), 1U);
}

/// Security requirement S14: a request of many short values takes more memory than its bytes. All of it counts as its caller's
/// while its server is waited for, and what no longer fits is told to come again.
TEST_F(World, RequestsOfManyShortValuesCountByWhatIsKeptOfThem) {
  config.auth = config::Auth::grants;
  start(allow_all);
  bool go_on = false;
  upstream.raw_answer = [&](net::HttpExchange& exchange, std::string id) -> net::Task<void> {
    return [](net::Loop& on, net::HttpExchange& to, const bool& when, std::string of) -> net::Task<void> {
      while (!when) co_await on.sleep(std::chrono::milliseconds(5));
      co_await to.respond(200, "Content-Type: application/json\r\n", R"({"jsonrpc":"2.0","id":)" + of + R"(,"result":{"content":[]}})");
    }(loop, exchange, go_on, std::move(id));
  };
  call_as("many");
  open_session();
  std::string values = R"({"x":[0)";
  constexpr std::size_t count = 500'000;
  for (std::size_t i = 1; i < count; ++i) values += ",0";
  values += "]}";
  std::array<Answer, 16> answers;  // their bytes alone would have room
  std::array<bool, 16> done{};
  const auto refused = [&] { return static_cast<std::size_t>(std::ranges::count_if(answers, [](const Answer& each) { return each.status == 503; })); };
  for (std::size_t i = 0; i < answers.size(); ++i) {
    begin(call_text("read", values, static_cast<int>(i) + 1), answers[i], done[i]);
    turn_until([&] { return upstream.calls.size() + refused() == i + 1; });
  }
  EXPECT_GE(upstream.calls.size(), 4U);
  EXPECT_LE(upstream.calls.size() * count * sizeof(json::Node), std::size_t{64} << 20U) << "a caller's share";
  EXPECT_EQ(upstream.calls.size() + refused(), answers.size());
  EXPECT_GE(server->body_bytes(), upstream.calls.size() * count * sizeof(json::Node));
  const auto told = std::ranges::find_if(answers, [](const Answer& each) { return each.status == 503; });
  ASSERT_NE(told, answers.end());
  EXPECT_NE(told->headers.find("Retry-After: 1"), std::string::npos) << told->headers;
  EXPECT_NE(told->body.find(R"("id":)" + std::to_string(told - answers.begin() + 1) + ","), std::string::npos) << told->body;
  EXPECT_NE(told->body.find("too many large requests of one caller at once"), std::string::npos) << told->body;

  call_as("another");
  open_session();
  Answer other;
  bool other_done = false;
  const std::size_t arrived = upstream.calls.size();
  begin(call_text("read", values), other, other_done);
  turn_until([&] { return upstream.calls.size() > arrived || other_done; });
  EXPECT_EQ(upstream.calls.size(), arrived + 1) << "what one caller keeps is not another's: " << other.body;
  go_on = true;
  turn_until([&] { return other_done && std::ranges::all_of(done, std::identity()); });
  EXPECT_EQ(other.status, 200) << other.body;
  turn_until([&] { return server->body_bytes() == 0; });
  EXPECT_EQ(server->body_bytes(), 0U) << "what is over is given back";
}

TEST_F(TwoParts, AServerThatWentAwayBeforeTheBodyCameIsNotServed) {
  start(allow_all);
  open_session();
  const std::string got = answer_to(call_text("read"), [&] {
    gates->serve({});
    gates->clear_away();
  });
  EXPECT_TRUE(got.starts_with("HTTP/1.1 404")) << got;
  EXPECT_TRUE(upstream.calls.empty());
}

TEST_F(TwoParts, ATokenRevokedBeforeTheBodyCameCountsNoMore) {
  config.auth = config::Auth::grants;
  start(allow_all);
  const std::string token = store::new_token();
  const store::Grant grant{.id = ids.next(clock.wall_ms()), .name = "ann", .server = "fake", .policy = {}, .token_hash = store::hash_token(token)};
  ASSERT_TRUE(store->grants().add(grant).has_value());
  ASSERT_TRUE(grants->refresh().has_value());
  authorization = "Authorization: Bearer " + token + "\r\n";
  open_session();
  const std::string got = answer_to(call_text("read"), [&] {
    ASSERT_TRUE(store->grants().revoke(grant.id, clock.wall_ms()).has_value());
    ASSERT_TRUE(grants->refresh().has_value());
  });
  EXPECT_TRUE(got.starts_with("HTTP/1.1 401")) << got;
}

std::size_t count_of(const std::string& text, std::string_view part) {
  std::size_t count = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
  return count;
}

/// Protocol item 98.
TEST_F(World, RefusalsAreCountedAllAndRecordedAtABoundedRate) {
  start(allow_all);
  target = "/nowhere";
  const net::Instant began = net::Loop::read_clock();
  for (int i = 0; i < 200; ++i) ASSERT_EQ(post("{}").status, 404);
  turn_until([&] { return records().find(" more refused: unknown address") != std::string::npos; });
  EXPECT_EQ(metrics.counter("callgate_requests_refused_total", "").value(), 200U);
  const std::size_t records_of_refusals = count_of(records(), R"("refused":)");
  EXPECT_GT(records_of_refusals, 10U);
  const auto seconds = static_cast<std::size_t>((net::Loop::read_clock() - began) / std::chrono::seconds(1)) + 1;
  EXPECT_LE(records_of_refusals, (seconds + 1) * 11) << "ten and one of all others for each second that the test took";
  EXPECT_EQ(count_of(records(), "unknown address"), records_of_refusals);
}

TEST_F(World, WhatWasOnlyCountedIsOnRecordAtTheEnd) {
  start(allow_all);
  target = "/nowhere";
  const auto recorded = [this] { return count_of(records(), R"("refused":)"); };
  for (std::size_t refused = 1; refused < 300; ++refused) {
    post("{}");
    if (recorded() < refused) break;
  }
  server.reset();
  front.reset();
  ASSERT_TRUE(journal->flush().has_value());
  EXPECT_NE(records().find(" more refused: unknown address"), std::string::npos);
}

}  // namespace
}  // namespace callgate::gateway::http_front_test
