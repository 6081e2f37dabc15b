#include <map>

#include "gateway/world.hpp"

namespace callgate::gateway::hidden_answers_test {
namespace {

/// What a server says in its answers of things that are hidden.
/// Security requirements S7, S8: nothing hidden shows through answers. Protocol items 11, 51.
class HiddenAnswers : public World {
 protected:
  static constexpr const char* policy = R"(callgate: 1
default: allow
tools:
  secret: {action: hide}
prompts:
  secret_prompt: {action: hide}
  "team_*": {action: hide}
resources:
  "file:///secret/*": {action: hide}
)";

  void begin(const std::string& text = policy) {
    upstream.on_request = [this](net::HttpExchange& exchange, std::string method, std::string id, std::string body) { return say(exchange, method, id, body); };
    start(text);
    turn_until([this] { return gates->find("fake")->tools().known(mcp::Era::legacy).unknown_tool.is_learned(); });
    open_session();
  }
  /// `answer`: the members behind the id, as JSON text.
  void answers(const std::string& method, const std::string& answer) { said_[method] = answer; }
  std::string ask(const std::string& method, const std::string& params) {
    return inner(post(R"({"jsonrpc":"2.0","id":7,"method":")" + method + R"(","params":{)" + params + "}}").body);
  }
  std::string ask_stateless(const std::string& method, const std::string& params, const std::string& name) {
    const std::string session = std::exchange(session_id, {});
    const std::string answer = inner(post(modern_text(method, params, "7"), modern_headers(method, name)).body);
    session_id = session;
    return answer;
  }
  std::string call_read(const std::string& arguments = "{}") { return ask("tools/call", R"("name":"read","arguments":)" + arguments); }

  static constexpr const char* blocks =
      R"([{"type":"resource_link","uri":"file:///secret/x","name":"x"}, {"type":"text","text":"ok\u0021","n":1.0} ,{"type":"resource","resource":{"uri":"FILE:///secret/./x","text":"SECRET"}},{"type":"resource_link","uri":"file:///open","name":"o"}])";
  static constexpr const char* shown_blocks = R"([ {"type":"text","text":"ok\u0021","n":1.0},{"type":"resource_link","uri":"file:///open","name":"o"}])";
  static std::string with_content(std::string_view content) { return R"("result":{"content":)" + std::string(content) + R"(,"later":[1.0]})"; }

 private:
  /// The members behind the id.
  static std::string inner(const std::string& answer) {
    const std::string begin = R"({"jsonrpc":"2.0","id":7,)";
    return answer.starts_with(begin) ? answer.substr(begin.size(), answer.size() - begin.size() - 1) : answer;
  }
  net::Task<bool> say(net::HttpExchange& exchange, std::string method, std::string id, std::string body) {
    const bool probe = body.find("callgate_probe_") != std::string::npos;
    const auto said = said_.find(probe ? "probe" : method);
    if (said == said_.end()) co_return false;
    co_await exchange.respond(200, "Content-Type: application/json\r\n", R"({"jsonrpc":"2.0","id":)" + id + "," + said->second + "}");
    co_return true;
  }
  std::map<std::string, std::string> said_;
};

TEST_F(HiddenAnswers, OfCallsHaveNoLinksToHiddenResourcesAndNotTheirBodies) {
  begin();
  answers("tools/call", with_content(blocks));
  EXPECT_EQ(call_read(), with_content(shown_blocks));
  EXPECT_EQ(ask_stateless("tools/call", R"("name":"read","arguments":{})", "read"), with_content(shown_blocks));
}

TEST_F(HiddenAnswers, AreCutInStreamsOfEventsAsWell) {
  begin();
  upstream.raw_answer = [](net::HttpExchange& exchange, std::string id) -> net::Task<void> {
    co_await exchange.respond(200, "Content-Type: text/event-stream\r\n", R"(data: {"jsonrpc":"2.0","id":)" + id + "," + with_content(blocks) + "}\n\n");
  };
  const std::string answer = call_read();
  EXPECT_EQ(answer.find("file:///secret"), std::string::npos) << answer;
  EXPECT_NE(answer.find(shown_blocks), std::string::npos) << answer;
}

TEST_F(HiddenAnswers, PassByteForByteWhereNoResourceIsHidden) {
  begin("callgate: 1\ndefault: allow\ntools:\n  secret: {action: hide}\n");
  answers("tools/call", with_content(blocks));
  EXPECT_EQ(call_read(), with_content(blocks));
}

TEST_F(HiddenAnswers, OfPromptsSayThatAResourceWasLeftOut) {
  begin();
  answers("prompts/get", R"("result":{"messages":[{"role":"user","content":{"type":"resource","resource":{"uri":"file:///secret/x","text":"SECRET"}}}, {"role":"user","content":{"type":"text","text":"call secret"}}]})");
  EXPECT_EQ(ask("prompts/get", R"("name":"open")"),
            R"("result":{"messages":[{"role":"user","content":{"type":"text","text":"A resource was left out here."}}, {"role":"user","content":{"type":"text","text":"call secret"}}]})");
}

TEST_F(HiddenAnswers, OfAResourceHaveNoContentsOfHiddenOnes) {
  begin();
  answers("resources/read", R"("result":{"contents":[{"uri":"file:///a","text":"t"},{"uri":"file://localhost/secret/x","text":"SECRET"}]})");
  EXPECT_EQ(ask("resources/read", R"("uri":"file:///a")"), R"("result":{"contents":[{"uri":"file:///a","text":"t"}]})");
}

/// Many hidden names are found as a few are, and what a text costs follows from the text.
TEST_F(HiddenAnswers, OfErrorsAreHeldAgainstManyHiddenNames) {
  upstream.tools = R"({"name":"read","inputSchema":{"type":"object"}})";
  for (int i = 0; i < 3000; ++i) upstream.tools += R"(,{"name":"delete_)" + std::to_string(i) + R"(","inputSchema":{"type":"object"}})";
  begin("callgate: 1\ndefault: allow\ntools:\n  \"delete_*\": {action: hide}\n");
  const auto error = [](const std::string& text) { return R"("error":{"code":-32000,"message":")" + text + "\"}"; };
  const std::string left_out = error("The server refused this. Its own words are left out.");
  for (const char* text : {"delete_2999", "call delete_0, please", "see x.delete_17"}) {
    answers("tools/call", error(text));
    EXPECT_EQ(call_read(), left_out) << text;
  }
  for (const char* text : {"delete_3000", "undelete_5", "delete_5x", "call read"}) {
    answers("tools/call", error(text));
    EXPECT_EQ(call_read(), error(text));
  }
  answers("tools/call", error("no delete_7 here"));
  EXPECT_EQ(call_read(R"({"q":"delete_7"})"), error("no delete_7 here")) << "the caller said it itself";
  answers("tools/call", error("no delete_7 here, but delete_8"));
  EXPECT_EQ(call_read(R"({"q":"delete_7"})"), left_out);
  std::string dear;
  while (dear.size() < 60'000) dear += "a.";
  answers("tools/call", error(dear));
  EXPECT_EQ(call_read(), left_out) << "it could not be looked through";
  std::string plain;
  while (plain.size() < 60'000) plain += "delete_x ";
  answers("tools/call", error(plain));
  EXPECT_EQ(call_read(), error(plain));
}

TEST_F(HiddenAnswers, OfCompletionsHaveNoHiddenNames) {
  begin();
  const std::string of_prompt = R"("ref":{"type":"ref/prompt","name":"open"},"argument":{"name":"a","value":""})";
  answers("completion/complete", R"("result":{"completion":{"values":["secret","secret_prompt","a secret","team_x","file:///secret/x","file:///open"],"total":6,"hasMore":false}})");
  EXPECT_EQ(ask("completion/complete", of_prompt), R"("result":{"completion":{"values":["a secret","team_x","file:///open"],"total":3,"hasMore":false}})");
  // Which words are names of prompts is known once they were listed.
  answers("prompts/list", R"("result":{"prompts":[{"name":"open"},{"name":"team_x"}]})");
  EXPECT_EQ(ask("prompts/list", ""), R"("result":{"prompts":[{"name":"open"}]})");
  EXPECT_EQ(ask("completion/complete", of_prompt), R"("result":{"completion":{"values":["a secret","file:///open"],"total":2,"hasMore":false}})");
}

TEST_F(HiddenAnswers, OfCompletionsOfATemplateHaveNoPathsThatLeadToHiddenOnes) {
  begin();
  answers("completion/complete", R"("result":{"completion":{"values":["secret/x","open/a"],"total":1}})");
  EXPECT_EQ(ask("completion/complete", R"("ref":{"type":"ref/resource","uri":"file:///{+path}"},"argument":{"name":"path","value":""})"),
            R"("result":{"completion":{"values":["open/a"],"total":0}})");
}

TEST_F(HiddenAnswers, ThatAreErrorsKeepTheirCodeAndLoseTheirWords) {
  begin();
  const std::string neutral = R"("error":{"code":-32602,"message":"The server refused this. Its own words are left out."})";
  for (const char* words : {R"("message":"did you mean secret?")", R"("message":"no","data":{"try":["\u0073ecret"]})", R"("message":"use `secret_prompt`")", R"("message":"see file:///secret/x.")"}) {
    answers("tools/call", R"("error":{"code":-32602,)" + std::string(words) + "}");
    EXPECT_EQ(call_read(), neutral) << words;
    EXPECT_EQ(ask_stateless("tools/call", R"("name":"read","arguments":{})", "read"), neutral) << words;
  }
  answers("prompts/get", R"("error":{"code":-32602,"message":"did you mean secret_prompt?"})");
  EXPECT_EQ(ask("prompts/get", R"("name":"open")"), neutral);
}

TEST_F(HiddenAnswers, ThatAreErrorsPassWhereTheyNameNothingHidden) {
  begin();
  for (const char* words : {"no secrets here", "secret-less", "C:\\\\folder\\\\x", "error: file:///open", "Secretary"}) {
    const std::string error = R"("error":{"code":-32602,"message":")" + std::string(words) + R"("})";
    answers("tools/call", error);
    EXPECT_EQ(call_read(), error);
  }
}

/// Or whoever guesses could read off which names are hidden.
TEST_F(HiddenAnswers, ThatAreErrorsMayRepeatWhatTheCallerWrote) {
  begin();
  const std::string error = R"("error":{"code":-32602,"message":"no such file: secret"})";
  answers("tools/call", error);
  EXPECT_EQ(call_read(R"({"path":"secret"})"), error);
  EXPECT_NE(call_read(R"({"path":"other"})"), error);
}

TEST_F(HiddenAnswers, OfFailedCallsLoseTheBlocksThatNameWhatIsHidden) {
  begin();
  answers("tools/call", R"("result":{"content":[{"type":"text","text":"failed"},{"type":"text","text":"ask secret"}],"structuredContent":{"try":"secret"},"isError":true})");
  EXPECT_EQ(call_read(), R"("result":{"content":[{"type":"text","text":"failed"},{"type":"text","text":"The server refused this. Its own words are left out."}],"isError":true})");
}

TEST_F(HiddenAnswers, ThatSucceedAreNotUnderstood) {
  begin();
  answers("tools/call", R"("result":{"content":[{"type":"text","text":"ask secret, see file:///secret/x"}]})");
  EXPECT_NE(call_read().find("ask secret, see file:///secret/x"), std::string::npos);
}

TEST_F(HiddenAnswers, ToAHiddenOrUnknownToolDoNotNameOthers) {
  answers("probe", R"("error":{"code":-32602,"message":"no such tool; did you mean read or secret?"})");
  begin();
  const std::string refused = R"("error":{"code":-32602,"message":"Unknown tool: )";
  EXPECT_EQ(ask("tools/call", R"("name":"nobody")"), refused + R"(nobody"})");
  EXPECT_EQ(ask("tools/call", R"("name":"secret")"), refused + R"(secret"})");
}

TEST_F(HiddenAnswers, AreTheServersOwnForAnUnknownToolWhereTheyNameNothingHidden) {
  answers("probe", R"("error":{"code":-32602,"message":"no such tool; did you mean read?"})");
  begin();
  EXPECT_EQ(ask("tools/call", R"("name":"secret")"), R"("error":{"code":-32602,"message":"no such tool; did you mean read?"})");
}

constexpr const char* opening = R"({"jsonrpc":"2.0","id":7,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"t","version":"1"}}})";

TEST_F(HiddenAnswers, ToAHandshakeHaveNoInstructionsThatNameWhatIsHidden) {
  begin();
  session_id.clear();
  const std::string rest = R"("capabilities":{"tools":{}, "x":1},"serverInfo":{"name":"f","version":"1"})";
  for (const char* words : {"Call secret first.", "Start with secret_prompt", "Read <file:///secret/x>"}) {
    answers("initialize", R"("result":{"protocolVersion":"2025-06-18","instructions":")" + std::string(words) + R"(",)" + rest + "}");
    const Answer answer = post(opening);
    EXPECT_EQ(answer.body, R"({"jsonrpc":"2.0","id":7,"result":{"protocolVersion":"2025-06-18","capabilities":{"tools":{"listChanged":true}, "x":1},"serverInfo":{"name":"f","version":"1"}}})");
    EXPECT_NE(answer.headers.find("Mcp-Session-Id: "), std::string::npos);
  }
  answers("initialize", R"("result":{"protocolVersion":"2025-06-18","instructions":"Call read first.",)" + rest + "}");
  EXPECT_NE(post(opening).body.find("Call read first."), std::string::npos);
}

/// The answer of a call whose stream broke off.
TEST_F(HiddenAnswers, OnAResumedStreamAreCutAsWell) {
  begin();
  upstream.raw_answer = [](net::HttpExchange& exchange, std::string /*id*/) -> net::Task<void> {
    co_await exchange.respond(200, "Content-Type: text/event-stream\r\n", "id: a1\ndata: \n\n");
  };
  call_read();
  upstream.stream_events = R"(data: {"jsonrpc":"2.0","id":7,)" + with_content(blocks) + "}\n\n";
  Answer stream;
  bool done = false;
  accept = "text/event-stream";
  group.spawn(talk("GET", "Accept: text/event-stream\r\nLast-Event-ID: a1\r\nMcp-Session-Id: " + session_id + "\r\n", {}, stream, done));
  turn_until([&] { return stream.body.find("later") != std::string::npos; });
  EXPECT_EQ(stream.body.find("file:///secret"), std::string::npos) << stream.body;
  EXPECT_NE(stream.body.find(shown_blocks), std::string::npos) << stream.body;
}

}  // namespace
}  // namespace callgate::gateway::hidden_answers_test
