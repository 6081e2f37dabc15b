#include "gateway/world.hpp"

namespace callgate::gateway::completion_test {
namespace {

/// Completion follows its prompt or resource.
/// Security requirement S8: completions are ruled like what they complete. Protocol items 26, 40, 51.
class Completions : public World {
 protected:
  Answer complete(const std::string& ref, const std::string& more = {}) {
    return post(R"({"jsonrpc":"2.0","id":7,"method":"completion/complete","params":{"ref":)" + ref + R"(,"argument":{"name":"a","value":""})" + more + "}}");
  }
  Answer get_prompt(const std::string& name) {
    return post(R"({"jsonrpc":"2.0","id":7,"method":"prompts/get","params":{"name":")" + name + R"("}})");
  }
  static std::string prompt(const std::string& name) { return R"({"type":"ref/prompt","name":")" + name + R"("})"; }
  static std::string resource(const std::string& uri) { return R"({"type":"ref/resource","uri":")" + uri + R"("})"; }
  /// The record of the last decision about this subject.
  std::string record_of(const std::string& subject) const {
    const std::string text = records();
    const std::size_t at = text.rfind(R"("tool":")" + subject + '"');
    if (at == std::string::npos) return {};
    const std::size_t begin = text.rfind('\n', at) + 1;
    return text.substr(begin, text.find('\n', at) - begin);
  }
};

constexpr const char* policy = R"(callgate: 1
default: allow
resources:
  "file:///secret/*": {action: deny}
  "file:///hidden": {action: hide}
prompts:
  hidden: {action: hide}
  denied: {action: deny}
  full: {action: allow, arguments: {required: [city]}}
  asked: {action: require_approval}
)";

TEST_F(Completions, OfAHiddenPromptAreAnsweredLikeTheHiddenPrompt) {
  start(policy);
  open_session();
  const std::string answer = complete(prompt("hidden")).body;
  EXPECT_EQ(answer, get_prompt("hidden").body);
  EXPECT_NE(answer.find("-32602"), std::string::npos) << answer;
  EXPECT_NE(complete(resource("file:///hidden")).body.find("-32002"), std::string::npos);
  EXPECT_TRUE(upstream.asked.empty());
}

TEST_F(Completions, OfAnAddressThatCanBeReadInTwoWaysAreRefused) {
  start(policy);
  open_session();
  for (const char* uri : {"file:///secret/x", "file:///secret/%252e%252e/x", " file:///secret/x", "file:secret/x"})
    EXPECT_NE(complete(resource(uri)).body.find("error"), std::string::npos) << uri;
  EXPECT_TRUE(upstream.asked.empty());
}

TEST_F(Completions, DoNotNeedTheArgumentsThatTheyHelpToFind) {
  start(policy);
  open_session();
  EXPECT_NE(complete(prompt("full")).body.find("result"), std::string::npos);
  EXPECT_NE(complete(prompt("asked")).body.find("result"), std::string::npos);
  EXPECT_NE(complete(resource("file:///{path}")).body.find("result"), std::string::npos);
  EXPECT_EQ(upstream.asked.size(), 3U);
  EXPECT_NE(get_prompt("full").body.find("city"), std::string::npos);
}

TEST_F(Completions, AreRecordedWithTheirSubjectAndTheRuleThatAllowedThem) {
  start(policy);
  open_session();
  complete(prompt("full"));
  const std::string record = record_of("full");
  EXPECT_NE(record.find(R"("method":"completion/complete")"), std::string::npos) << record;
  EXPECT_NE(record.find(R"("verdict":"allow","rule":"/prompts/full")"), std::string::npos) << record;
  EXPECT_NE(record.find(R"("policy":"sha256:)"), std::string::npos) << record;
  complete(resource("file:///{path}"));
  EXPECT_NE(record_of("file:///{path}").find(R"("rule":"/default")"), std::string::npos) << records();
}

TEST_F(Completions, WithASecondSpellingOfAKeyAreRefused) {
  start(policy);
  open_session();
  for (const char* ref : {R"({"type":"ref/prompt","name":"full","Name":"denied"})", R"({"type":"ref/prompt","name":"full","n\u0061me":"denied"})",
                          R"({"type":"ref/prompt","name":"full","TYPE":"ref/resource"})", R"({"type":"ref/resource","uri":"file:///x","URI":"file:///secret/x"})"})
    EXPECT_NE(complete(ref).body.find("error"), std::string::npos) << ref;
  EXPECT_NE(complete(prompt("full"), R"(,"context":{"arguments":{},"Arguments":{}})").body.find("error"), std::string::npos);
  EXPECT_TRUE(upstream.asked.empty());
}

}  // namespace
}  // namespace callgate::gateway::completion_test
