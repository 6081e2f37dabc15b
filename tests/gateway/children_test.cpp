// Children: how many, whose, and what a client hears while one starts.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <sstream>

#include "gateway/world.hpp"

namespace callgate::gateway::children_test {
namespace {

using namespace std::chrono_literals;

/// A server as a shell script. It notes each start, and what it reads, in files; while
/// there is a pipe `gate`, it is not there before somebody opens that to write. With a
/// file `modern` it speaks 2026-07-28 alone; with one `frail` it ends at a handshake that
/// comes behind something else.
constexpr const char* script = R"sh(
cd "$1"
echo started >>starts
if [ -p gate ]; then read -r go <gate; fi
while IFS= read -r line; do
  if [ -e doomed ]; then echo 'token: hunter2' >&2; printf 'no \033[31mconfig' >&2; exit 3; fi
  echo "$$ $line" >>said
  id=$(printf '%s' "$line" | sed -n 's/.*"id":\([0-9]*\|"[^"]*"\)[,}].*/\1/p')
  n=$((n + 1))
  case "$line" in
    *'"method":"initialize"'*)
      if [ -e frail ] && [ $n -gt 1 ]; then exit 1; fi
      if [ -e modern ]; then echo "{\"jsonrpc\":\"2.0\",\"id\":$id,\"error\":{\"code\":-32601,\"message\":\"Method not found\"}}"; continue; fi
      version=$(printf '%s' "$line" | sed -n 's/.*"protocolVersion":"\([^"]*\)".*/\1/p')
      echo "{\"jsonrpc\":\"2.0\",\"id\":$id,\"result\":{\"protocolVersion\":\"$version\",\"capabilities\":{\"tools\":{}},\"serverInfo\":{\"name\":\"sh\",\"version\":\"1\"}}}" ;;
    *'"method":"server/discover"'*)
      if [ -e modern ]; then echo "{\"jsonrpc\":\"2.0\",\"id\":$id,\"result\":{\"resultType\":\"complete\",\"supportedVersions\":[\"2026-07-28\"],\"capabilities\":{\"tools\":{}}}}"; continue; fi
      echo "{\"jsonrpc\":\"2.0\",\"id\":$id,\"error\":{\"code\":-32601,\"message\":\"Method not found\"}}" ;;
    *'"method":"tools/list"'*) echo "{\"jsonrpc\":\"2.0\",\"id\":$id,\"result\":{\"tools\":[{\"name\":\"read\",\"inputSchema\":{\"type\":\"object\"}}]}}" ;;
    *'"method":"resources/'*) echo "{\"jsonrpc\":\"2.0\",\"id\":$id,\"result\":{}}" ;;
    *callgate_probe_*) if [ -e brittle ]; then exit 1; fi
      echo "{\"jsonrpc\":\"2.0\",\"id\":$id,\"error\":{\"code\":-32602,\"message\":\"Unknown tool\"}}" ;;
    *'"method":"tools/call"'*) if [ -e last ]; then echo 'out of memory' >&2; exit 9; fi
      echo "{\"jsonrpc\":\"2.0\",\"id\":$id,\"result\":{\"content\":[{\"type\":\"text\",\"text\":\"done by $$\"}]}}"
      if [ -e late ]; then
        echo "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\",\"params\":{\"progressToken\":9$id,\"progress\":1,\"message\":\"a late word\"}}"
        echo "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/resources/updated\",\"params\":{\"uri\":\"file:///a\",\"_meta\":{\"io.modelcontextprotocol/subscriptionId\":9$id}}}"
        echo "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\"params\":{\"requestId\":$id,\"reason\":\"a late word\"}}"
        echo "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/elicitation/complete\",\"params\":{\"elicitationId\":\"a late word\"}}"
        echo "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/prompts/list_changed\",\"params\":{\"x\":\"a late word\",\"_meta\":{\"io.modelcontextprotocol/subscriptionId\":9$id}}}"
        echo "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/resources/list_changed\"}"
      fi
      if [ -e news ]; then echo "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/tools/list_changed\",\"params\":{\"_meta\":{\"io.modelcontextprotocol/subscriptionId\":9$id}}}"; fi ;;
  esac
done
)sh";

class Children : public World {
 protected:
  Children() {
    std::ofstream(folder / "server.sh") << script;
    adjust = [this](config::Server& server) {
      server.url.clear();
      server.command = {"/bin/sh", (folder / "server.sh").string(), folder.string()};
      server.max_children = max_children;
      server.shared = shared;
      server.start_ahead = start_ahead;
      server.call_timeout = call_timeout;
    };
  }
  std::string text_of(const std::string& name) const {
    std::ifstream stream(folder / name);
    return {std::istreambuf_iterator<char>(stream), {}};
  }
  long starts() const {
    const std::string text = text_of("starts");
    return std::ranges::count(text, '\n');
  }
  void read_list() {
    turn_until([&] { return gates->all().front()->tools().is_current(mcp::Era::legacy); });
    ASSERT_TRUE(gates->all().front()->tools().is_current(mcp::Era::legacy));
  }
  Answer open(const std::string& revision = "2025-06-18") {
    session_id.clear();
    const Answer answer = post(R"({"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":")" + revision + R"(","capabilities":{"roots":{}},"clientInfo":{"name":"t","version":"1"}}})");
    const std::size_t at = answer.headers.find("Mcp-Session-Id: ");
    if (at != std::string::npos) session_id = answer.headers.substr(at + 16, answer.headers.find('\n', at) - at - 16);
    return answer;
  }
  /// A stateless call; its server may not be there yet.
  void begin_stateless(Answer& answer, bool& done) {
    begin(R"({"jsonrpc":"2.0","id":9,"method":"tools/call","params":{"name":"read","arguments":{},"_meta":{"progressToken":"t-1","io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}}})",
          answer, done, modern_headers("tools/call", "read"));
  }
  std::string pid_that_heard(const std::string& method) const {
    std::istringstream lines(text_of("said"));
    for (std::string line; std::getline(lines, line);) {
      if (line.find("\"" + method + "\"") != std::string::npos) return line.substr(0, line.find(' '));
    }
    return {};
  }
  /// What that child heard before it heard of this method.
  std::string heard_before(const std::string& method, const std::string& pid) const {
    std::string before;
    std::istringstream lines(text_of("said"));
    for (std::string line; std::getline(lines, line);) {
      if (!line.starts_with(pid + " ")) continue;
      if (line.find("\"" + method + "\"") != std::string::npos) break;
      before += line + "\n";
    }
    return before;
  }
  static std::string pid_in(const std::string& body) {
    const std::size_t at = body.find("done by ");
    return at == std::string::npos ? std::string() : body.substr(at + 8, body.find('"', at) - at - 8);
  }
  void hold_children() { ASSERT_EQ(::mkfifo((folder / "gate").c_str(), 0600), 0); }
  /// Lets those go on that wait, and those after them pass at once. One that is on its way to the pipe may not find it
  /// there any more, so nobody may be reading: hence opened to read as well, which waits for nobody.
  void let_children_go() {
    std::filesystem::rename(folder / "gate", folder / "gate.open");
    const int gate = ::open((folder / "gate.open").c_str(), O_RDWR | O_CLOEXEC);
    ASSERT_GE(gate, 0);
    EXPECT_EQ(::write(gate, "go\n", 3), 3);
    ::close(gate);
  }
  /// The first stateless call, while no child is there yet: all that it needs are on their way at once.
  void call_while_three_start() {
    hold_children();
    start(allow_);
    turn_until([&] { return starts() == 1; });
    Answer answer;
    bool done = false;
    begin_stateless(answer, done);
    turn_until([&] { return starts() == 3; });
    EXPECT_EQ(starts(), 3) << "nobody is there yet, and all are on their way";
    EXPECT_FALSE(done);
    let_children_go();
    turn_until([&] { return done; });
    EXPECT_NE(answer.body.find("done by"), std::string::npos) << answer.body;
    EXPECT_EQ(starts(), 3) << "no other was needed";
  }
  static std::string with_token(const std::string& method, const std::string& members, int id) {
    return R"({"jsonrpc":"2.0","id":)" + std::to_string(id) + R"(,"method":")" + method + R"(","params":{)" + members + R"("_meta":{"progressToken":"t-1"}}})";
  }

  const std::string allow_ = "callgate: 1\ndefault: allow\n";
  std::size_t max_children = 0;
  bool shared = false;
  bool start_ahead = false;
  std::chrono::milliseconds call_timeout{40'000};
};

/// Protocol item 80.
TEST_F(Children, OfAServerAreBoundedAndTheClientIsToldWhatToDo) {
  max_children = 2;
  start(allow_);
  read_list();
  EXPECT_EQ(open().status, 200);
  EXPECT_NE(call("read").body.find("done"), std::string::npos);
  EXPECT_EQ(open().status, 200);
  const Answer third = open();
  EXPECT_NE(third.body.find("all 2 child processes of this server are in use: raise its `max_children`"), std::string::npos) << third.body;
}

TEST_F(Children, InAllAreBounded) {
  config.limits.children = 1;
  start(allow_);
  read_list();
  EXPECT_EQ(open().status, 200);
  const Answer second = open();
  EXPECT_NE(second.body.find("raise `limits.children`"), std::string::npos) << second.body;
}

/// Whoever holds many keeps nobody else out, whatever they are for; what it lets go of it may have again.
TEST_F(Children, OfOneGrantAreHalfOfAllAtMost) {
  config.limits.children = 8;
  config.auth = config::Auth::grants;
  start(allow_);
  read_list();
  call_as("many");
  const std::string many = authorization;
  for (int i = 0; i < 4; ++i) ASSERT_NE(open().body.find("2025-06-18"), std::string::npos);
  const std::string last = session_id;
  const Answer more = open();
  EXPECT_NE(more.body.find("this grant has 4 of the 8 child processes, half of all and so the most it may: end a session, or raise `limits.children`"), std::string::npos) << more.body;
  Answer stateless;
  bool done = false;
  begin_stateless(stateless, done);
  turn_until([&] { return done; });
  EXPECT_NE(stateless.body.find("this grant has 4 of the 8"), std::string::npos) << stateless.body;
  call_as("other");
  const Answer opened = open();
  EXPECT_NE(opened.body.find("2025-06-18"), std::string::npos) << opened.body;
  const std::string others = call("read").body;
  EXPECT_NE(others.find("done by"), std::string::npos) << others;
  authorization = many;
  session_id = last;
  Answer gone;
  done = false;
  group.spawn(talk("DELETE", authorization + "Mcp-Session-Id: " + last + "\r\n", "", gone, done));
  turn_until([&] { return done; });
  EXPECT_NE(open().body.find("2025-06-18"), std::string::npos) << "one of its own has ended";
  EXPECT_NE(open().body.find("this grant has 4 of the 8"), std::string::npos);
}

/// One that was started before somebody came counts for whoever takes it.
TEST_F(Children, OfOneGrantCountThoseThatStoodReady) {
  config.limits.children = 4;
  config.auth = config::Auth::grants;
  start_ahead = true;
  start(allow_);
  read_list();
  turn_until([&] { return starts() == 2; });
  call_as("many");
  for (int i = 0; i < 2; ++i) ASSERT_NE(open().body.find("2025-06-18"), std::string::npos);
  EXPECT_NE(open().body.find("this grant has 2 of the 4"), std::string::npos);
}

/// Without grants nobody can be told from another: all children are everybody's.
TEST_F(Children, WithoutGrantsAreSharedByAllCallers) {
  config.limits.children = 2;
  start(allow_);
  read_list();
  for (int i = 0; i < 2; ++i) EXPECT_NE(open().body.find("2025-06-18"), std::string::npos);
  EXPECT_NE(open().body.find("all 2 child processes are in use"), std::string::npos);
}

TEST_F(Children, ThatAreSharedServeAllSessionsOfARevision) {
  shared = true;
  start(allow_);
  read_list();
  EXPECT_NE(open().body.find("2025-06-18"), std::string::npos);
  const std::string first_session = session_id;
  const std::string first = call("read", "{}", 5).body;
  EXPECT_NE(open().body.find("2025-06-18"), std::string::npos);
  const std::string second = call("read", "{}", 5).body;
  EXPECT_NE(first.find("done by"), std::string::npos) << first;
  EXPECT_EQ(first, second) << "one process";
  EXPECT_NE(open("2025-03-26").body.find("2025-03-26"), std::string::npos);
  const std::string other = call("read", "{}", 5).body;
  EXPECT_NE(other.find("done by"), std::string::npos);
  EXPECT_NE(first, other) << "another revision has its own";
  EXPECT_EQ(text_of("said").find("\"roots\""), std::string::npos) << "no client can be asked";
  session_id = first_session;
  EXPECT_EQ(call("read", "{}", 6).body.find("error"), std::string::npos);
}

TEST_F(Children, ThatAreSharedWatchWhatAnySessionWatches) {
  shared = true;
  start(allow_);
  read_list();
  const auto of = [](const std::string& method, int id) { return R"({"jsonrpc":"2.0","id":)" + std::to_string(id) + R"(,"method":"resources/)" + method + R"(","params":{"uri":"file:///a"}})"; };
  open();
  const std::string first = session_id;
  EXPECT_NE(post(of("subscribe", 2)).body.find("result"), std::string::npos);
  open();
  EXPECT_NE(post(of("subscribe", 2)).body.find("result"), std::string::npos);
  EXPECT_NE(post(of("unsubscribe", 3)).body.find("result"), std::string::npos);
  EXPECT_EQ(text_of("said").find("resources/unsubscribe"), std::string::npos) << "another session watches it still";
  session_id = first;
  EXPECT_NE(post(of("unsubscribe", 3)).body.find("result"), std::string::npos);
  EXPECT_NE(text_of("said").find("resources/unsubscribe"), std::string::npos);
}

/// What belongs to the call of one is told to no other, also once that call is over: of what comes behind an
/// answer, only news that are everybody's go to all.
TEST_F(Children, ThatAreSharedTellNobodyOfTheCallsOfOthers) {
  shared = true;
  std::ofstream(folder / "late") << "";
  config.auth = config::Auth::grants;
  start(allow_);
  read_list();
  call_as("listener");
  ASSERT_EQ(open("2025-11-25").status, 200);
  ASSERT_NE(post(R"({"jsonrpc":"2.0","id":2,"method":"resources/subscribe","params":{"uri":"file:///a"}})").body.find("result"), std::string::npos);
  Answer stream;
  bool over = false;
  group.spawn(talk("GET", "Accept: text/event-stream\r\n" + authorization + "Mcp-Session-Id: " + session_id + "\r\n", "", stream, over));
  turn_until([&] { return stream.status != 0; });
  call_as("caller");
  ASSERT_EQ(open("2025-11-25").status, 200);
  const Answer answer = post(R"({"jsonrpc":"2.0","id":5,"method":"tools/call","params":{"name":"read","arguments":{},"_meta":{"progressToken":"mine"}}})");
  EXPECT_NE(answer.body.find("done by"), std::string::npos) << answer.body;
  turn_until([&] { return over || stream.body.find("notifications/resources/list_changed") != std::string::npos; });
  EXPECT_NE(stream.body.find("notifications/resources/list_changed"), std::string::npos) << stream.body;
  EXPECT_EQ(stream.body.find("notifications/progress"), std::string::npos) << stream.body;
  EXPECT_EQ(stream.body.find("subscriptionId"), std::string::npos) << stream.body;
  EXPECT_EQ(stream.body.find("a late word"), std::string::npos) << stream.body;
  EXPECT_NE(stream.body.find(R"({"jsonrpc":"2.0","method":"notifications/prompts/list_changed"})"), std::string::npos) << "that a list changed, without what names a subscription of another: " << stream.body;
}

/// What comes on a subscription that is over is nobody's; that the tools are others now is the gate's to know.
TEST_F(Children, ThatSayOnASubscriptionThatIsOverThatToolsChangedAreAskedForThem) {
  std::ofstream(folder / "modern") << "";
  start(allow_);
  const auto call_once = [&] {
    Answer answer;
    bool done = false;
    begin_stateless(answer, done);
    turn_until([&] { return done; });
    return answer.body;
  };
  ASSERT_NE(call_once().find("done by"), std::string::npos);
  turn_until([&] { return gates->all().front()->tools().is_current(mcp::Era::modern); });
  const auto lists_asked = [&] {
    const std::string said = text_of("said");
    std::size_t count = 0;
    for (std::size_t at = 0; (at = said.find("\"tools/list\"", at)) != std::string::npos; ++at) ++count;
    return count;
  };
  const std::size_t before = lists_asked();
  std::ofstream(folder / "news") << "";
  ASSERT_NE(call_once().find("done by"), std::string::npos);
  turn_until([&] { return lists_asked() > before; });
  EXPECT_GT(lists_asked(), before);
}

/// A grant may have half of all: its dead one, which is the last that it may have, does not stand in the way of the next.
TEST_F(Children, BehindABridgeThatDiedTakeNoPlaceOfTheirGrant) {
  config.auth = config::Auth::grants;
  config.limits.children = 4;
  start(allow_);
  read_list();
  call_as("caller");
  ASSERT_EQ(open().status, 200);
  session_id.clear();  // the session stays, and its child with it
  const auto call_once = [&] {
    Answer answer;
    bool done = false;
    begin_stateless(answer, done);
    turn_until([&] { return done; });
    return answer.body;
  };
  std::string body = call_once();
  const std::string first = pid_in(body);
  ASSERT_FALSE(first.empty()) << body;
  std::ofstream(folder / "last") << "";
  EXPECT_EQ(pid_in(call_once()), "") << "it ends in mid-call";
  std::filesystem::remove(folder / "last");
  body = call_once();
  EXPECT_FALSE(pid_in(body).empty()) << body;
  EXPECT_NE(pid_in(body), first);
}

TEST_F(Children, ThatStandReadyServeTheNextSession) {
  start_ahead = true;
  start(allow_);
  read_list();
  turn_until([&] { return starts() == 2; });
  EXPECT_EQ(starts(), 2) << "one reads the list, one stands ready";
  EXPECT_EQ(open().status, 200);
  EXPECT_NE(call("read").body.find("done"), std::string::npos);
  turn_until([&] { return starts() == 3; });
  EXPECT_EQ(starts(), 3) << "the next one stands ready";
}

/// After a crash the list is read anew before the call goes on, and needs a child of its own for a moment.
TEST_F(Children, ThatCrashAreReplacedAlsoWhereAllAreInUse) {
  max_children = 1;
  start(allow_);
  read_list();
  ASSERT_EQ(open().status, 200);
  const std::string pid = pid_in(call("read").body);
  ASSERT_FALSE(pid.empty());
  ::kill(std::stoi(pid), SIGKILL);
  turn_until([&] { return log.has("upstream_ended"); });
  const std::string body = call("read").body;
  EXPECT_NE(body.find("done by"), std::string::npos) << body;
}

/// A reading in whose midst the server is opened anew asks for no other one because of that.
TEST_F(Children, ThatDieOfAnUnknownToolAreNotReadOnAndOn) {
  std::ofstream(folder / "brittle") << "";
  start(allow_);
  Answer answer;
  bool done = false;
  begin_stateless(answer, done);
  turn_until([&] { return done; });
  EXPECT_NE(answer.body.find("done by"), std::string::npos) << answer.body;
  auto& tools = gates->all().front()->tools();
  for (int i = 0; i < 2; ++i) {
    tools.want_again(mcp::Era::modern);
    turn_until([&] { return tools.is_current(mcp::Era::modern) && tools.is_current(mcp::Era::legacy); });
  }
  const auto until = net::Loop::read_clock() + std::chrono::milliseconds(700);
  const long before = starts();
  turn_until([&] { return net::Loop::read_clock() > until; });
  EXPECT_LE(starts() - before, 1) << "nobody asked for anything";
}

/// The operator reads why, a client that it ended and nothing of what it wrote.
TEST_F(Children, ThatCannotStartSayWhyToTheOperatorAlone) {
  std::ofstream(folder / "doomed") << "";
  start(allow_);
  const gateway::KnownTools& known = gates->all().front()->tools().known(mcp::Era::legacy);
  turn_until([&] { return !known.fault.empty(); });
  EXPECT_EQ(
      known.told(),
      "the server's process ended: the program ended with code 3; its last words: token: *** no \\u001b[31mconfig");
  EXPECT_TRUE(log.has("upstream_ended"));
  // Soon the program is not started for everybody who asks: what the last one said stands.
  std::string body;
  for (int i = 0; i < 10 && !body.contains("before it said anything"); ++i) {
    body = open().body;
    EXPECT_NE(body.find("ended"), std::string::npos) << body;
    EXPECT_EQ(body.find("config"), std::string::npos) << body;
  }
  EXPECT_NE(body.find("before it said anything: try again in"), std::string::npos) << body;
  EXPECT_TRUE(std::ranges::any_of(log.lines(), [](const std::string& line) { return line.contains("before it said anything") && line.contains("its last words: token: ***"); }));
}

TEST_F(Children, ThatEndDuringACallSayWhyToTheOperatorAlone) {
  start(allow_);
  read_list();
  ASSERT_EQ(open().status, 200);
  std::ofstream(folder / "last") << "";
  const std::string body = call("read").body;
  EXPECT_NE(body.find("the server's process ended"), std::string::npos) << body;
  EXPECT_EQ(body.find("out of memory"), std::string::npos) << body;
  EXPECT_TRUE(log.has("the program ended with code 9; its last words: out of memory"));
}

TEST_F(Children, ThatStandReadyTakeNobodysRoom) {
  start_ahead = true;
  max_children = 1;
  start(allow_);
  read_list();
  EXPECT_EQ(open().status, 200);
  EXPECT_NE(call("read").body.find("done"), std::string::npos);
}

/// A server that needs long to be there: its clients hear that it starts, and its calls have their own time behind that.
TEST_F(Children, ThatAreStartingAreToldByProgress) {
  start(allow_);
  read_list();
  ASSERT_EQ(open().status, 200);
  // The next child takes its time: the one of this session is gone.
  hold_children();
  const std::string body = call("read").body;
  const std::size_t at = body.find("done by ");
  ASSERT_NE(at, std::string::npos) << body;
  ::kill(std::stoi(body.substr(at + 8)), SIGKILL);
  turn_until([&] { return log.has("upstream_ended"); });
  Answer answer;
  bool done = false;
  begin(with_token("tools/call", R"("name":"read","arguments":{},)", 9), answer, done);
  turn_until([&] { return answer.body.find("the server is starting") != std::string::npos; });
  EXPECT_NE(answer.body.find(R"("progressToken":"t-1")"), std::string::npos) << answer.body;
  EXPECT_FALSE(done);
  let_children_go();
  turn_until([&] { return done; });
  EXPECT_NE(answer.body.find("done by"), std::string::npos) << answer.body;
}

/// In the stateless era a call opens what it needs itself.
TEST_F(Children, ThatAreStartingAreToldInTheStatelessEraToo) {
  hold_children();
  start(allow_);
  turn_until([&] { return starts() == 1; });
  Answer answer;
  bool done = false;
  const std::string call_text = R"({"jsonrpc":"2.0","id":9,"method":"tools/call","params":{"name":"read","arguments":{},"_meta":{"progressToken":"t-1","io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}}})";
  begin(call_text, answer, done, modern_headers("tools/call", "read"));
  turn_until([&] { return answer.body.find("the server is starting") != std::string::npos; });
  EXPECT_NE(answer.body.find(R"("progressToken":"t-1")"), std::string::npos) << answer.body;
  let_children_go();
  turn_until([&] { return done; });
  EXPECT_NE(answer.body.find("done by"), std::string::npos) << answer.body;
}

/// The first stateless call needs three of them, and waits for one start: protocol item 15.
TEST_F(Children, OfTheFirstStatelessCallStartSideBySide) {
  call_while_three_start();
  const std::string heard = heard_before("nothing", pid_that_heard("server/discover"));
  EXPECT_NE(heard.find("\"initialize\""), std::string::npos) << "the one that was asked for its era goes on serving: " << heard;
}

TEST_F(Children, OfAServerOfTheStatelessEraStartSideBySide) {
  std::ofstream(folder / "modern") << "";
  call_while_three_start();
}

/// What a client with a session speaks to has heard nothing before it.
TEST_F(Children, ThatWereAskedForTheirEraServeNoSessionOfAClient) {
  start(allow_);
  read_list();
  Answer answer;
  bool done = false;
  begin_stateless(answer, done);
  turn_until([&] { return done; });
  for (int session = 0; session < 3; ++session) {
    EXPECT_EQ(open().status, 200);
    const std::string pid = pid_in(call("read").body);
    ASSERT_FALSE(pid.empty());
    EXPECT_EQ(heard_before("initialize", pid), "");
  }
}

TEST_F(Children, ThatBearNoHandshakeBehindAQuestionAreReplaced) {
  std::ofstream(folder / "frail") << "";
  start(allow_);
  read_list();
  Answer answer;
  bool done = false;
  begin_stateless(answer, done);
  turn_until([&] { return done; });
  const std::string pid = pid_in(answer.body);
  ASSERT_FALSE(pid.empty()) << answer.body;
  EXPECT_EQ(heard_before("initialize", pid), "");
}

TEST_F(Children, ThatStandReadyServeStatelessCallersToo) {
  start_ahead = true;
  start(allow_);
  read_list();
  Answer answer;
  bool done = false;
  begin_stateless(answer, done);
  turn_until([&] { return done; });
  EXPECT_NE(answer.body.find("done by"), std::string::npos) << answer.body;
  turn_until([&] { return starts() == 4; });
  EXPECT_EQ(starts(), 4) << "two start beside the list's: one stood ready before, and one stands ready again";
}

TEST_F(Children, HaveTheTimeForTheirStartBeforeACallsOwnTimeBegins) {
  call_timeout = 1ms;
  start(allow_);
  const Answer opened = open();
  EXPECT_EQ(opened.status, 200);
  EXPECT_NE(opened.body.find("2025-06-18"), std::string::npos) << "the handshake has the time of a start: " << opened.body;
}

TEST_F(Children, ThatDoNotComeInTimeAreGivenUp) {
  start_timeout = 300ms;
  hold_children();
  start(allow_);
  const Answer opened = open();
  EXPECT_NE(opened.body.find("did not answer in time"), std::string::npos) << opened.body;
  let_children_go();
}

}  // namespace
}  // namespace callgate::gateway::children_test
