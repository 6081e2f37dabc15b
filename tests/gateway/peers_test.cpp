// What gateways that share a state tell each other of their policies.
#include "gateway/peers.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "net/redis_server.hpp"

namespace callgate::gateway::peers_test {
namespace {

using callgate::test::await;
using callgate::test::RedisServer;
using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

struct One {
  One(net::Loop& its_loop, const RedisServer& server, std::string name) : loop(its_loop), client(loop, server.place()), peers(client, log, metrics, {.gateway = std::move(name)}) {
    client.start({});
  }
  bool beat(const Peers::Versions& ours) { return await(loop, peers.beat(ours)); }
  std::int64_t differing() { return metrics.gauge("callgate_policies_differing", "").value(); }
  std::int64_t live() { return metrics.gauge("callgate_gateways", "").value(); }
  std::size_t logged(std::string_view event) const {
    std::size_t count = 0;
    for (const std::string& line : log.lines()) count += line.contains(event) ? 1 : 0;
    return count;
  }

  net::Loop& loop;
  MemoryLog log;
  Metrics metrics;
  net::RedisClient client;
  Peers peers;
};

class PeersTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!RedisServer::program()) GTEST_SKIP() << "neither valkey-server nor redis-server is installed";
    server_.emplace();
    a_.emplace(loop_, *server_, "a");
    b_.emplace(loop_, *server_, "b");
  }
  net::Loop loop_;
  std::optional<RedisServer> server_;
  std::optional<One> a_;
  std::optional<One> b_;
};

TEST_F(PeersTest, ADifferenceIsToldOnceStaysInTheHealthAndIsToldWhenItIsOver) {
  ASSERT_TRUE(a_->beat({{"server `it`", "sha256:1"}, {"server `other`", "sha256:9"}}));
  ASSERT_TRUE(b_->beat({{"server `it`", "sha256:2"}, {"server `only here`", "sha256:7"}}));
  EXPECT_THAT(b_->peers.differences(), ElementsAre(HasSubstr("server `it` is another one at 1 of the gateways")));
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(a_->beat({{"server `it`", "sha256:1"}}));
  EXPECT_EQ(a_->logged("policy_differs"), 1U);
  EXPECT_EQ(a_->differing(), 1);
  EXPECT_EQ(a_->live(), 2);
  ASSERT_TRUE(b_->beat({{"server `it`", "sha256:1"}}));
  ASSERT_TRUE(a_->beat({{"server `it`", "sha256:1"}}));
  EXPECT_THAT(a_->peers.differences(), IsEmpty());
  EXPECT_EQ(a_->logged("policy_agrees_again"), 1U);
  EXPECT_EQ(a_->differing(), 0);
}

TEST_F(PeersTest, AGatewayThatLeftIsComparedWithNoLonger) {
  ASSERT_TRUE(b_->beat({{"server `it`", "sha256:2"}}));
  ASSERT_TRUE(a_->beat({{"server `it`", "sha256:1"}}));
  EXPECT_EQ(a_->peers.differences().size(), 1U);
  struct Then {
    static net::Task<bool> it(Peers& peers) {
      co_await peers.leave();
      co_return true;
    }
  };
  await(loop_, Then::it(b_->peers));
  ASSERT_TRUE(a_->beat({{"server `it`", "sha256:1"}}));
  EXPECT_THAT(a_->peers.differences(), IsEmpty());
  EXPECT_EQ(a_->live(), 1);
}

TEST_F(PeersTest, OneThatIsSilentIsComparedWithNoLonger) {
  ASSERT_TRUE(b_->beat({{"server `it`", "sha256:2"}}));
  const auto reply = callgate::test::ask(b_->client, {"ZINCRBY", "callgate:{peers}:1:seen", "-11000000", "b"});
  ASSERT_FALSE(reply->is_error());
  ASSERT_TRUE(a_->beat({{"server `it`", "sha256:1"}}));
  EXPECT_THAT(a_->peers.differences(), IsEmpty());
  const auto keys = callgate::test::ask(a_->client, {"KEYS", "*"});
  for (const net::RedisReply& key : keys->items) EXPECT_GT(callgate::test::ask(a_->client, {"PTTL", key.text})->integer, 0) << key.text;
}

TEST_F(PeersTest, WithoutTheServerTheLastThatWasHeardStands) {
  ASSERT_TRUE(b_->beat({{"server `it`", "sha256:2"}}));
  ASSERT_TRUE(a_->beat({{"server `it`", "sha256:1"}}));
  server_->stop();
  EXPECT_FALSE(a_->beat({{"server `it`", "sha256:1"}}));
  EXPECT_EQ(a_->peers.differences().size(), 1U);
}

}  // namespace
}  // namespace callgate::gateway::peers_test
