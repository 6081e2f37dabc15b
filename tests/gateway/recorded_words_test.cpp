// What journals and logs keep of words that a caller or a server wrote.
#include "gateway/recorded_words.hpp"

#include <set>

#include "gateway/world.hpp"

namespace callgate::gateway::recorded_words_test {
namespace {

TEST(RecordedWords, PathsKeepTheirFirstNameAndPlacesInLists) {
  for (const auto& [path, recorded] : {std::pair{"", ""}, {"/a", "/a"}, {"/a/b", "/a/*"}, {"/a/0/b/12", "/a/0/*/12"}, {"/a/0x", "/a/*"}, {"/a/", "/a/*"}, {"/a/1234567890", "/a/*"}})
    EXPECT_EQ(recorded_path(path), recorded) << path;
}

TEST(RecordedWords, UrisKeepNeitherUserNorQueryNorFragment) {
  for (const auto& [uri, recorded] : {std::pair{"file:///a/b", "file:///a/b"}, {"https://h/x?token=S", "https://h/x"}, {"https://ann:S@h:1/x@y#S", "https://h:1/x@y"},
                                      {"https://a@b@h?S", "https://h"}, {"mailto:ann@h", "mailto:ann@h"}, {"doc://x", "doc://x"}, {"https://h/{a}{?b}", "https://h/{a}"}, {"?S", ""}})
    EXPECT_EQ(recorded_uri(uri), recorded) << uri;
}

/// Security requirement S24: no data of a caller or server in journal and log, where one chose the names.
class Recorded : public World {
 protected:
  static constexpr const char* secret = "S3CRETVALUE";
  void no_word_of_it() {
    turn_until([&] { return !journal->has_unwritten(); });
    EXPECT_EQ(records().find(secret), std::string::npos) << records();
    for (const std::string& line : log.lines()) EXPECT_EQ(line.find(secret), std::string::npos) << line;
  }
};

TEST_F(Recorded, NestedNamesOfArgumentsAreNotKept) {
  start("callgate: 1\ndefault: allow\ntools:\n  read:\n    action: allow\n    arguments: {properties: {d: {type: object, additionalProperties: {type: integer}}}}\n");
  open_session();
  const Answer told = call("read", R"({"d":{"S3CRETVALUE":"x"}})");
  EXPECT_NE(told.body.find("argument `/d/S3CRETVALUE`"), std::string::npos) << "the caller is told: " << told.body;
  EXPECT_NE(call("read", R"({"d":{"S3CRETVALUE":1,"S3CRETVALUE":2}})", 2).body.find("duplicate key"), std::string::npos);
  EXPECT_TRUE(upstream.calls.empty());
  no_word_of_it();
  EXPECT_NE(records().find("argument `/d/*` does not fit the policy"), std::string::npos) << records();
  EXPECT_NE(records().find("duplicate key before byte "), std::string::npos) << records();
}

TEST_F(Recorded, KeysOfAServersAnswerAreNotKept) {
  start("callgate: 1\ndefault: allow\n");
  open_session();
  upstream.call_result = R"({"content":[],"S3CRETVALUE":1,"S3CRETVALUE":2})";
  EXPECT_NE(call("read").body.find("not a well-formed MCP message"), std::string::npos);
  no_word_of_it();
}

TEST_F(Recorded, UrisOfResourcesAreToldApartByTheirDigest) {
  start("callgate: 1\ndefault: allow\n");
  open_session();
  for (const std::string uri : {"https://ann:S3CRETVALUE@h/x", "https://h/x?token=S3CRETVALUE", "https://h/x?token=S3CRETVALUE2", "https://h/x"})
    post(R"({"jsonrpc":"2.0","id":1,"method":"resources/read","params":{"uri":")" + uri + R"("}})");
  ASSERT_EQ(upstream.asked.size(), 3U) << "servers could take one with a user for another's";
  EXPECT_NE(upstream.asked.front().find("?token=S3CRETVALUE\""), std::string::npos) << "they go on whole";
  no_word_of_it();
  const std::string text = records();
  const std::string_view key = R"("args_digest":"hmac-)";
  std::set<std::string> digests;
  for (std::size_t at = text.find(key); at != std::string::npos; at = text.find(key, at + 1)) digests.insert(text.substr(at, 91));
  EXPECT_EQ(digests.size(), 3U) << text;
  EXPECT_NE(text.find(R"("tool":"https://h/x")"), std::string::npos) << text;
}

/// Whatever a request names, two that ask for different things have different records, and none of their words.
TEST_F(Recorded, RequestsThatAskForDifferentThingsAreToldApart) {
  const std::vector<std::pair<std::string, std::string>> requests{
      {"prompts/get", R"("name":"p","arguments":{"who":"?"})"},
      {"completion/complete", R"("ref":{"type":"ref/prompt","name":"p"},"argument":{"name":"who","value":"?"})"},
      {"completion/complete", R"("ref":{"type":"ref/prompt","name":"p"},"argument":{"name":"who","value":"a"},"context":{"arguments":{"x":"?"}})"},
      {"prompts/list", R"("cursor":"?")"},
      {"logging/setLevel", R"("level":"?")"},
      {"resources/unsubscribe", R"("uri":"https://h/x?token=?")"},
  };
  start("callgate: 1\ndefault: allow\n");
  open_session();
  const auto digest_of = [this](const std::string& method, std::string params, const std::string& word) {
    for (std::size_t at = params.find('?'); at != std::string::npos; at = params.find('?', at)) {
      if (params.compare(at, 7, "?token=") == 0) ++at;
      else params.replace(at, 1, word);
    }
    const std::size_t before = records().size();
    post(R"({"jsonrpc":"2.0","id":1,"method":")" + method + R"(","params":{"_meta":{"progressToken":")" + word + R"("},)" + params + "}}");
    const std::string text = records().substr(before);
    const std::size_t at = text.find(R"("args_digest":"hmac-)");
    return at == std::string::npos ? "none in " + text : text.substr(at, 91);
  };
  for (const auto& [method, params] : requests) {
    const std::string first = digest_of(method, params, "S3CRETVALUE1");
    EXPECT_TRUE(first.starts_with(R"("args_digest")")) << first;
    EXPECT_NE(first, digest_of(method, params, "S3CRETVALUE2")) << method;
    EXPECT_EQ(first, digest_of(method, params, "S3CRETVALUE1")) << method << " asked once more";
  }
  no_word_of_it();
}

/// The same for tasks: of which one, and with which answers.
TEST_F(Recorded, RequestsAboutTasksAreToldApart) {
  start("callgate: 1\ndefault: allow\n");
  const std::string_view key = R"("args_digest":"hmac-)";
  std::set<std::string> digests;
  for (const std::string members : {R"("taskId":"S3CRETVALUE1")", R"("taskId":"S3CRETVALUE2")", R"("taskId":"S3CRETVALUE1","inputResponses":{"a":{"action":"accept"}})"}) {
    const std::size_t before = records().size();
    post(modern_text("tasks/update", members, "1", with_tasks), modern_headers("tasks/update", members.substr(10, 12)));
    const std::string text = records().substr(before);
    if (const std::size_t at = text.find(key); at != std::string::npos) digests.insert(text.substr(at, 91));
  }
  EXPECT_EQ(digests.size(), 3U) << records();
  no_word_of_it();
}

TEST_F(Recorded, AUriThatAPersonIsAskedAboutIsLoggedWithoutItsQuery) {
  config.approval_wait = std::chrono::seconds(0);
  start("callgate: 1\ndefault: allow\nresources: {'**': {action: require_approval}}\n");
  open_session();
  post(R"({"jsonrpc":"2.0","id":1,"method":"resources/read","params":{"uri":"https://h/x?token=S3CRETVALUE"}})");
  ASSERT_EQ(desk->waiting(), 1U) << records();
  ASSERT_TRUE(log.has("approval_asked"));
  no_word_of_it();
}

}  // namespace
}  // namespace callgate::gateway::recorded_words_test
