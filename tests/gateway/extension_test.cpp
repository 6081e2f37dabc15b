// Methods that the operator's list lets through, and what decides them.
#include "gateway/world.hpp"

namespace callgate::gateway::extension_test {
namespace {

using Names = config::ExtensionMethod::Names;

/// Protocol item 27, security requirement S8.
class Extensions : public World {
 protected:
  Extensions() {
    adjust = [](config::Server& server) {
      server.extension_methods = {{"skills/get", "name", Names::tool}, {"skills/list", "", Names::none}, {"folder/read", "uri", Names::resource}, {"prompts/explain", "prompt", Names::prompt},
                                  {"ping", "", Names::none}};
    };
    upstream.on_request = [this](net::HttpExchange& exchange, std::string method, std::string id, std::string body) { return note(exchange, method, id, body); };
  }
  Answer ask(const std::string& method, const std::string& params, const std::string& id = "7") {
    return post(R"({"jsonrpc":"2.0","id":)" + id + R"(,"method":")" + method + R"(","params":)" + params + "}");
  }
  void begin_with(const std::string& policy) {
    start(policy);
    open_session();
    call("read");  // the list is read
  }
  std::vector<std::string> reached;

 private:
  net::Task<bool> note(net::HttpExchange& exchange, std::string method, std::string id, std::string body) {
    const bool ours = method.starts_with("skills/") || method.starts_with("folder/") || method == "prompts/explain" || method.starts_with("x/");
    if (!ours) co_return false;
    reached.push_back(body);
    co_await exchange.respond(200, "Content-Type: application/json\r\n", R"({"jsonrpc":"2.0","id":)" + id + R"(,"result":{"skill":"done"}})");
    co_return true;
  }
};

TEST_F(Extensions, AreDecidedByTheRuleOfWhatTheirMemberNames) {
  begin_with("callgate: 1\ndefault: deny\ntools: {read: {action: allow}, write: {action: deny}, secret: {action: hide}}\nresources: {\"file:///ok/*\": {action: allow}}\nprompts: {good: {action: allow}}\n");
  EXPECT_NE(ask("skills/get", R"({"name":"read"})").body.find("done"), std::string::npos);
  EXPECT_EQ(reached.at(0), R"({"jsonrpc":"2.0","id":7,"method":"skills/get","params":{"name":"read"}})") << "byte for byte";
  EXPECT_NE(ask("folder/read", R"({"uri":"file:///ok/a"})").body.find("done"), std::string::npos);
  EXPECT_NE(ask("prompts/explain", R"({"prompt":"good"})").body.find("done"), std::string::npos);
  const std::size_t before = reached.size();
  const std::string denied = ask("skills/get", R"({"name":"write"})").body;
  EXPECT_NE(denied.find(R"("code":1001)"), std::string::npos) << denied;
  EXPECT_NE(denied.find("/tools/write"), std::string::npos) << denied;
  EXPECT_NE(ask("folder/read", R"({"uri":"file:///no/a"})").body.find(R"("code":1001)"), std::string::npos);
  EXPECT_NE(ask("prompts/explain", R"({"prompt":"bad"})").body.find(R"("code":1001)"), std::string::npos);
  EXPECT_NE(ask("skills/list", "{}").body.find(R"("code":1001)"), std::string::npos) << "by `default`";
  EXPECT_EQ(reached.size(), before);
  EXPECT_NE(records().find(R"("method":"skills/get")"), std::string::npos);
}

/// Protocol item 39: what is hidden is answered like what nobody has.
TEST_F(Extensions, OfHiddenToolsAreAnsweredLikeThoseOfNobody) {
  begin_with("callgate: 1\ndefault: allow\ntools: {secret: {action: hide}}\n");
  std::string hidden = ask("skills/get", R"({"name":"secret"})").body;
  const std::string unknown = ask("skills/get", R"({"name":"nobody"})").body;
  hidden.replace(hidden.find("secret"), 6, "nobody");
  EXPECT_EQ(hidden, unknown);
  EXPECT_TRUE(reached.empty());
}

TEST_F(Extensions, WithoutWhatTheyAreDecidedByAreRefused) {
  begin_with("callgate: 1\ndefault: allow\n");
  for (const char* params : {"{}", R"({"name":7})", R"({"name":""})", R"({"nome":"read"})"}) EXPECT_NE(ask("skills/get", params).body.find("-32602"), std::string::npos) << params;
  EXPECT_TRUE(reached.empty());
  EXPECT_NE(ask("skills/list", "{}").body.find("done"), std::string::npos);
}

TEST_F(Extensions, ThatAreNotOnTheListStayUnknown) {
  begin_with("callgate: 1\ndefault: allow\n");
  EXPECT_NE(ask("x/y", "{}").body.find("-32601"), std::string::npos);
  EXPECT_EQ(post(R"({"jsonrpc":"2.0","method":"skills/get","params":{"name":"read"}})").status, 202) << "a request without an id is none";
  EXPECT_TRUE(reached.empty());
  // A method of other revisions is none here, whatever the list says.
  const Answer ping = post(modern_text("ping", "", "8"), modern_headers("ping"));
  EXPECT_EQ(ping.status, 404) << ping.body;
  EXPECT_NE(ping.body.find("-32601"), std::string::npos);
}

TEST_F(Extensions, ThatAPersonWouldHaveToApproveAreRefused) {
  begin_with("callgate: 1\ndefault: deny\ntools: {read: {action: require_approval}}\n");
  const std::string body = ask("skills/get", R"({"name":"read"})").body;
  EXPECT_NE(body.find("cannot wait for one"), std::string::npos) << body;
  EXPECT_TRUE(reached.empty());
}

TEST_F(Extensions, CountInTheLimitsOfTheirRule) {
  begin_with("callgate: 1\ndefault: deny\ntools: {read: {action: allow, rate_limit: {max: 2, window: 60}}}\n");
  EXPECT_NE(ask("skills/get", R"({"name":"read"})").body.find("done"), std::string::npos) << "the second after the call";
  EXPECT_NE(ask("skills/get", R"({"name":"read"})").body.find(R"("code":1002)"), std::string::npos);
}

TEST_F(Extensions, GoInBothEras) {
  start("callgate: 1\ndefault: allow\n");
  const Answer answer = post(modern_text("skills/get", R"("name":"read")", "8"), modern_headers("skills/get"));
  EXPECT_NE(answer.body.find("done"), std::string::npos) << answer.body;
  EXPECT_NE(upstream.last_headers.find("Mcp-Method: skills/get"), std::string::npos) << upstream.last_headers;
}

}  // namespace
}  // namespace callgate::gateway::extension_test
