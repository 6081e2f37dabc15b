#include <string>

#include "gateway/world.hpp"

namespace callgate::gateway::hidden_test {
namespace {

/// What an agent hears of a hidden prompt or resource is what it hears of one that nobody has.
/// Security requirements S7, S8: prompts and resources by the same rule as tools. Protocol items 40, 52.
class Hidden : public World {
 protected:
  std::string get_prompt(const std::string& name) { return ask("prompts/get", R"("name":")" + name + '"'); }
  std::string read(const std::string& uri) { return ask("resources/read", R"("uri":")" + uri + '"'); }
  std::string complete(const std::string& name) {
    return ask("completion/complete", R"("ref":{"type":"ref/prompt","name":")" + name + R"("},"argument":{"name":"a","value":""})");
  }
  /// An answer without what is of one call: the id of the decision and the name.
  static std::string form(std::string answer, const std::string& name) {
    const std::string key = R"("id":"01)";
    if (const std::size_t at = answer.find(key); at != std::string::npos) answer.erase(at, answer.find('"', at + key.size()) - at + 1);
    for (std::size_t at = answer.find(name); at != std::string::npos; at = answer.find(name)) answer.replace(at, name.size(), "NAME");
    return answer;
  }

 private:
  std::string ask(const std::string& method, const std::string& params) {
    return post(R"({"jsonrpc":"2.0","id":7,"method":")" + method + R"(","params":{)" + params + "}}").body;
  }
};

TEST_F(Hidden, IsDeniedLikeANameThatNoRuleAllows) {
  start(R"(callgate: 1
default: deny
resources:
  "demo://secret": {action: hide}
prompts:
  secret: {action: hide}
)");
  open_session();
  EXPECT_EQ(form(get_prompt("secret"), "secret"), form(get_prompt("nobody"), "nobody"));
  EXPECT_EQ(form(complete("secret"), "secret"), form(complete("nobody"), "nobody"));
  EXPECT_EQ(form(read("demo://secret"), "secret"), form(read("demo://nobody"), "nobody"));
  EXPECT_NE(get_prompt("secret").find("/default"), std::string::npos);
  EXPECT_TRUE(upstream.asked.empty());
  EXPECT_NE(records().find(R"("verdict":"hide","rule":"/prompts/secret")"), std::string::npos) << records();
}

TEST_F(Hidden, IsDeniedByTheRuleThatDeniesItsNeighbours) {
  start(R"(callgate: 1
default: allow
resources:
  "demo://*": {action: deny, reason: closed}
  "demo://secret": {action: hide}
prompts:
  "team_*": {action: allow, arguments: {required: [city]}}
  team_secret: {action: hide}
)");
  open_session();
  EXPECT_EQ(form(read("demo://secret"), "secret"), form(read("demo://nobody"), "nobody"));
  EXPECT_EQ(form(get_prompt("team_secret"), "secret"), form(get_prompt("team_nobody"), "nobody"));
}

TEST_F(Hidden, DoesNotExistWhereItsNeighboursMayBeUsed) {
  start(R"(callgate: 1
default: deny
prompts:
  "*": {action: allow}
  secret: {action: hide}
)");
  open_session();
  EXPECT_NE(get_prompt("secret").find("-32602"), std::string::npos);
  EXPECT_TRUE(upstream.asked.empty());
}

}  // namespace
}  // namespace callgate::gateway::hidden_test
