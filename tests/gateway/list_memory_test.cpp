#include "gateway/list_memory.hpp"

#include "gateway/world.hpp"

namespace callgate::gateway::list_memory_test {
namespace {

constexpr const char* hides_secret = "callgate: 1\ndefault: allow\ntools:\n  secret: {action: hide}\n";

class Lists : public World {
 protected:
  std::string list(const std::string& id) {
    return post(R"({"jsonrpc":"2.0","id":)" + id + R"(,"method":"tools/list"})").body;
  }
  static std::string with_id(std::string answer, const std::string& from, const std::string& to) {
    const std::string place = "\"id\":";
    return answer.replace(answer.find(place + from), (place + from).size(), place + to);
  }
};

TEST_F(Lists, AnAnswerThatComesAgainDiffersByItsIdOnly) {
  for (const char* policy : {"callgate: 1\ndefault: allow\n", hides_secret}) {
    SCOPED_TRACE(policy);
    start(policy);
    open_session();
    const std::string first = list("5");
    EXPECT_EQ(list("6"), with_id(first, "5", "6"));
    EXPECT_EQ(list("\"a longer id\""), with_id(first, "5", "\"a longer id\""));
    EXPECT_EQ(list("5"), first);
  }
}

TEST_F(Lists, AnotherPolicyJudgesTheSameAnswerAnew) {
  start("callgate: 1\ndefault: allow\n");
  open_session();
  EXPECT_NE(list("5").find("secret"), std::string::npos);
  write_policy(hides_secret);
  ASSERT_TRUE(policies.refresh());
  EXPECT_EQ(list("6").find("secret"), std::string::npos);
  write_policy("callgate: 1\ndefault: allow\ntools:\n  write: {action: hide}\n");
  ASSERT_TRUE(policies.refresh());
  const std::string third = list("7");
  EXPECT_EQ(third.find("write"), std::string::npos);
  EXPECT_NE(third.find("secret"), std::string::npos);
}

/// Protocol item 86: no list is answered from memory.
TEST_F(Lists, AnAnswerThatDiffersIsReadAnew) {
  start(hides_secret);
  open_session();
  list("5");
  list("6");
  upstream.tools = R"({"name":"read","description":"other","inputSchema":{"type":"object"}},{"name":"secret","inputSchema":{"type":"object"}})";
  const std::string changed = list("7");
  EXPECT_EQ(changed.find("other"), std::string::npos) << "nobody accepted this definition: " << changed;
  EXPECT_EQ(changed.find("secret"), std::string::npos);
}

TEST(SeenAnswer, IsTheSameButForTheIdAsTheRequestWroteIt) {
  const std::string bytes = R"({"jsonrpc":"2.0","id":12,"result":{}})";
  const auto seen = upstream::SeenAnswer::of(bytes, std::string_view(bytes).substr(bytes.find("12"), 2));
  EXPECT_TRUE(seen.is(bytes, "12"));
  EXPECT_TRUE(seen.is(R"({"jsonrpc":"2.0","id":"x","result":{}})", "\"x\""));
  EXPECT_FALSE(seen.is(bytes, "13"));
  EXPECT_FALSE(seen.is(R"({"jsonrpc":"2.0","id":12,"result":{ }})", "12"));
  EXPECT_FALSE(seen.is(R"({"jsonrpc":"2.0","id":12,"Result":{}})", "12"));
  EXPECT_FALSE(seen.is("12", "12"));
}

TEST(ListMemory, HoldsAFewListsAndNoLargeOnes) {
  ListMemory memory;
  const auto judges = [](std::size_t method) { return ListJudges{.method = static_cast<mcp::MethodId>(method), .era = mcp::Era::legacy, .policy = {}, .grant_policy = {}, .table = {}}; };
  for (std::size_t i = 0; i <= ListMemory::max_lists; ++i) memory.remember({.judges = judges(i), .from_server = {"a", "b"}, .filtered = {}});
  EXPECT_EQ(memory.find(judges(0)), nullptr) << "the one used longest ago has left";
  EXPECT_NE(memory.find(judges(1)), nullptr);
  memory.remember({.judges = judges(1), .from_server = {std::string(ListMemory::max_bytes, 'x'), "b"}, .filtered = {}});
  EXPECT_EQ(memory.find(judges(1)), nullptr);
}

}  // namespace
}  // namespace callgate::gateway::list_memory_test
