// `Callgate-Session`: a key that stateless requests count by, under their grant.
#include "gateway/session_keys.hpp"

#include "gateway/world.hpp"

namespace callgate::gateway::session_keys_test {
namespace {

using namespace std::chrono_literals;

/// Protocol item 24, security requirements S18 and S19.
class Keys : public World {
 protected:
  Keys() {
    config.auth = config::Auth::grants;
    config.session_header = true;
  }
  Answer call_with(const std::string& header) {
    return post(modern_text("tools/call", R"("name":"read","arguments":{})", std::to_string(++id_)), modern_headers("tools/call", "read") + header);
  }
  bool passes(const std::string& key) { return call_with("Callgate-Session: " + key + "\r\n").body.find("done") != std::string::npos; }
  const std::string one_each_ = "callgate: 1\ndefault: allow\ntools:\n  read: {action: allow, rate_limit: {max: 1, window: 60, per: session}}\n";

 private:
  int id_ = 0;
};

TEST_F(Keys, CountApartAndGoNoFurther) {
  start(one_each_);
  call_as("ann");
  EXPECT_TRUE(passes("a"));
  EXPECT_FALSE(passes("a"));
  EXPECT_TRUE(passes("b"));
  EXPECT_EQ(upstream.last_headers.find("allgate"), std::string::npos) << upstream.last_headers;
  call_as("bob");
  EXPECT_TRUE(passes("a")) << "a key is another one under each grant";
}

TEST_F(Keys, AreBoundedAndTheNextOneBeginsWithWhatThoseBeforeCounted) {
  config.limits.sessions_per_grant = 2;
  start(one_each_);
  call_as("ann");
  EXPECT_TRUE(passes("a"));
  EXPECT_TRUE(passes("b"));
  EXPECT_FALSE(passes("c")) << "who brings ever new keys calls no more often";
  EXPECT_FALSE(passes("d"));
}

TEST_F(Keys, ThatAreMalformedAreRefused) {
  start(one_each_);
  call_as("ann");
  for (const std::string& bad : {std::string("Callgate-Session: \r\n"), std::string("Callgate-Session: a b\r\n"), "Callgate-Session: " + std::string(129, 'x') + "\r\n", std::string("Callgate-Session: \xc3\xa4\r\n"),
                                 std::string("Callgate-Session: a\r\nCallgate-Session: a\r\n")}) {
    EXPECT_EQ(call_with(bad).status, 400) << bad;
  }
  EXPECT_TRUE(passes(std::string(128, 'x')));
}

TEST_F(Keys, CountForNothingWhereTheyAreNotAskedFor) {
  config.session_header = false;
  start(one_each_);
  call_as("ann");
  EXPECT_TRUE(passes("a"));
  EXPECT_FALSE(passes("b"));
  EXPECT_EQ(upstream.last_headers.find("allgate"), std::string::npos);
}

TEST_F(Keys, CountForNothingWithoutAGrant) {
  config.auth = config::Auth::none;
  start(one_each_);
  EXPECT_TRUE(passes("a"));
  EXPECT_FALSE(passes("b"));
}

TEST(SessionKeysTest, ThatNobodyBringsAreForgotten) {
  SessionKeys keys;
  const net::Instant now{10h};
  const std::string name = keys.use("ann", "a", now, 16).name;
  keys.use("ann", "b", now + 30min, 16);
  const auto over = keys.take_unused(now + 1min);
  ASSERT_EQ(over.size(), 1U);
  EXPECT_EQ(over.front().grant, "ann");
  EXPECT_EQ(over.front().name, name);
  EXPECT_TRUE(keys.take_unused(now + 1min).empty());
}

}  // namespace
}  // namespace callgate::gateway::session_keys_test
