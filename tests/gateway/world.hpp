#pragma once

#include <gtest/gtest.h>

#include <ctime>
#include <filesystem>
#include <fstream>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "approval/memory_questions.hpp"
#include "audit/memory_sink.hpp"
#include "base/remove_folder.hpp"
#include "gateway/http_front.hpp"
#include "limits/memory_counters.hpp"
#include "net/http_client.hpp"
#include "session/round_book.hpp"
#include "store/grant_table.hpp"

namespace callgate::gateway {

/// Says at once what `say` says of a list.
class SaidAtOnce final : public registry::Judging {
 public:
  using Say = std::function<std::vector<registry::ToolClass>(std::span<const json::Value>)>;
  SaidAtOnce(Say say, std::span<const json::Value> definitions) : say_(std::move(say)), definitions_(definitions) {}
  bool go_on() override { return false; }
  std::vector<registry::ToolClass> answer() override { return say_(definitions_); }

  static ClassesOf by(Say say) {
    return [say = std::move(say)](const config::Server&, std::span<const json::Value> definitions) { return std::make_unique<SaidAtOnce>(say, definitions); };
  }

 private:
  Say say_;
  std::span<const json::Value> definitions_;
};

/// A server of MCP behind the gate, in the same loop: answers what a test says
/// and keeps every message that reached it.
class FakeServer final : public net::HttpHandler {
 public:
  explicit FakeServer(net::Loop& loop) : server_(loop, *this, {}) { address_ = *server_.listen(*net::Address::numeric("127.0.0.1", 0)); }

  net::Task<void> handle(net::HttpExchange& exchange) override {
    const std::string body(exchange.body());
    std::string headers;
    for (const net::Header& header : exchange.head().headers.all()) headers += std::string(header.name) + ": " + std::string(header.value) + "\n";
    if (exchange.head().method == "GET" && !stream_events.empty()) {
      ++streams;
      if (!co_await exchange.begin(200, "Content-Type: text/event-stream\r\n") || !co_await exchange.write(stream_events)) co_return;
      if (stream_ends) co_await exchange.finish();
      else co_await exchange.gone(net::Loop::forever);
      co_return;
    }
    if (exchange.head().method != "POST") {
      if (exchange.head().method == "DELETE") ++deletes;
      co_await exchange.respond(exchange.head().method == "DELETE" ? 200 : 405, {}, {});
      co_return;
    }
    json::Document document;
    const auto message = mcp::read_message(body, document, mcp::Direction::from_client);
    const std::string method = message ? std::string(message->method.view()) : std::string("unreadable");
    const std::string id = message ? std::string(message->id_text) : std::string("null");
    if (method == "tools/call" && body.find("callgate_probe_") == std::string::npos) {
      calls.push_back(body);
      call_headers.push_back(headers);
      if (raw_answer) co_return co_await raw_answer(exchange, id);
    }
    last_headers = headers;
    if (on_request && message && message->is_request() && co_await on_request(exchange, method, id, body)) co_return;
    if (method == "completion/complete" || method == "prompts/get" || method.starts_with("resources/")) asked.push_back(body);
    if (message && message->is_response()) responses.push_back(body);
    if (!message || !message->is_request()) {
      notes.push_back(body);
      co_await exchange.respond(message && message->is_response() ? response_status : 202, {}, {});
      co_return;
    }
    const std::string session = method == "initialize" && names_sessions ? "Mcp-Session-Id: theirs-1\r\nSet-Cookie: a=b\r\n" : "";
    co_await exchange.respond(200, "Content-Type: application/json\r\n" + session, answer(method, id, body));
  }
  std::string refused(int /*status*/, const Error& error, const net::Address& /*peer*/) override { return error.message; }

  std::string url() const { return "http://" + address_.text() + "/mcp"; }

  std::vector<std::string> calls;         ///< bodies of tools/call, byte for byte
  std::vector<std::string> call_headers;
  std::string last_headers;               ///< of the last POST
  std::vector<std::string> asked;         ///< bodies about prompts and resources
  std::vector<std::string> responses;     ///< of the client to requests of this server
  std::vector<std::string> notes;         ///< what is no request: notifications and responses
  int response_status = 202;              ///< that responses get
  int deletes = 0;                        ///< sessions that were ended
  std::string stream_events;              ///< said on a GET stream, which then stays open; empty: there is none
  bool stream_ends = false;               ///< it does not
  int streams = 0;                        ///< that were asked for, where there is one
  std::string tools = R"({"name":"read","inputSchema":{"type":"object"}},{"name":"write","inputSchema":{"type":"object","properties":{"n":{"type":"integer"}}}},{"name":"secret","inputSchema":{"type":"object"}})";
  bool modern = true;                     ///< it speaks 2026-07-28 as well
  std::string revision = "2025-06-18";    ///< that it chooses for a session
  bool names_sessions = true;             ///< its sessions have ids
  std::string call_result = R"({"content":[{"type":"text","text":"done"}]})";
  std::function<net::Task<void>(net::HttpExchange&, std::string id)> raw_answer;
  /// Answers any request itself where it says true.
  std::function<net::Task<bool>(net::HttpExchange&, std::string method, std::string id, std::string body)> on_request;

 private:
  std::string answer(const std::string& method, const std::string& id, const std::string& body) const {
    const auto result = [&](const std::string& json) { return R"({"jsonrpc":"2.0","id":)" + id + R"(,"result":)" + json + "}"; };
    if (method == "initialize")
      return result(R"({"protocolVersion":")" + revision + R"(","capabilities":{"tools":{}},"serverInfo":{"name":"fake","version":"1"}})");
    if (method == "server/discover" && !modern) return R"({"jsonrpc":"2.0","id":)" + id + R"(,"error":{"code":-32601,"message":"Method not found"}})";
    if (method == "server/discover") return result(R"({"resultType":"complete","supportedVersions":["2026-07-28"],"capabilities":{"tools":{}}})");
    if (method == "tools/list") return result(R"({"tools":[)" + tools + "]}");
    if (method == "tools/call" && body.find("callgate_probe_") != std::string::npos) {
      const std::size_t at = body.find("callgate_probe_");
      return R"({"jsonrpc":"2.0","id":)" + id + R"(,"error":{"code":-32602,"message":"no tool )" + body.substr(at, body.find('"', at) - at) + R"("}})";
    }
    if (method == "tools/call") return result(call_result);
    return result("{}");
  }

  net::HttpServer server_;
  net::Address address_;
};

/// A whole gate over HTTP in front of the fake server: memory for a disk, a
/// clock that a test moves.
class World : public testing::Test {
 protected:
  World() : upstream(loop), digest_key(audit::KeyBytes{}), policies(log, metrics) {
    folder = std::filesystem::temp_directory_path() / ("callgate-gateway-" + random_hex(8));
    std::filesystem::create_directories(folder);
    store = std::move(*store::open_in_memory());
    desk.emplace([this](std::int64_t wall_ms) { return ids.next(wall_ms); });
    questions.emplace(*desk);
    journal = std::move(*audit::Journal::open({.instance = "test", .sync = audit::Sync::none}, std::make_unique<audit::MemorySink>(disk), clock, log));
    loop.at_turn_end([this] {
      if (journal->has_unwritten()) [[maybe_unused]] const auto written = journal->flush();
    });
  }
  ~World() override {
    group.cancel();
    server.reset();
    gates.reset();
    remove_folder(folder);
  }

  void write_policy(const std::string& text) {
    const auto path = folder / "policy.yaml";
    std::ofstream(path) << text;
    std::filesystem::permissions(path, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  }

  void start(const std::string& policy) {
    write_policy(policy);
    config::Server behind;
    behind.name = "fake";
    behind.url = server_url.empty() ? upstream.url() : server_url;
    behind.transport = transport;
    behind.start_timeout = start_timeout;
    behind.policy = folder / "policy.yaml";
    if (adjust) adjust(behind);
    config.servers = {behind};
    auto loaded = policies.load(behind.policy);
    ASSERT_TRUE(loaded.has_value()) << loaded.error().message;
    parts.emplace(Parts{loop, clock, log, metrics, config, *journal, digest_key, *counting,
                        asking == nullptr ? *questions : *asking, *keeping, *going_on, *store, policies, classes_of, approval_url,
                        keep_alive_every, between_readings});
    if (replies) parts->replies = replies;
    gates = std::make_unique<Gates>(*parts);
    grants.emplace(*store);
    front = std::make_unique<HttpFront>(*parts, *gates, session::Authenticator(config.auth, &*grants), session::AccessList(config));
    server.emplace(loop, *front, net::ServerLimits{});
    address = *server->listen(*net::Address::numeric("127.0.0.1", 0));
    gates->start();
  }

 public:
  struct Answer {
    int status = 0;
    std::string body;
    std::string headers;
  };

 protected:
  net::Task<void> talk(std::string method, std::string headers, std::string body, Answer& out, bool& done) {
    net::HttpClient client(loop, {.tls = false, .host = "127.0.0.1", .port = address.port(), .target = target}, nullptr, {});
    auto reply = co_await client.send(method, headers, body, std::chrono::seconds(10));
    if (reply) {
      out.status = (*reply)->status();
      for (const net::Header& header : (*reply)->headers().all()) out.headers += std::string(header.name) + ": " + std::string(header.value) + "\n";
      const bool stream = out.headers.find("text/event-stream") != std::string::npos;
      while (stream) {  // a test may look at what came so far
        const auto chunk = co_await (*reply)->next(std::chrono::seconds(10));
        if (!chunk || chunk->empty()) break;
        out.body += *chunk;
      }
      if (!stream) {
        auto whole = co_await (*reply)->whole(1U << 26U, std::chrono::seconds(10));
        out.body = whole ? std::string(*whole) : whole.error().message;
      }
    } else {
      out.body = reply.error().error.message;
    }
    done = true;
  }
  void begin(const std::string& body, Answer& out, bool& done, const std::string& more = {}) {
    std::string headers = "Content-Type: application/json\r\nAccept: " + accept + "\r\n" + more;
    headers += authorization;
    if (!session_id.empty()) headers += "Mcp-Session-Id: " + session_id + "\r\n";
    group.spawn(talk("POST", headers, body, out, done));
  }
  /// From here on requests carry the token of a new caller, and no session.
  void call_as(const std::string& name) {
    const std::string token = store::new_token();
    const store::Grant grant{.id = ids.next(clock.wall_ms()), .name = name, .server = "fake", .policy = (folder / "policy.yaml").string(), .token_hash = store::hash_token(token)};
    ASSERT_TRUE(store->grants().add(grant).has_value());
    ASSERT_TRUE(grants->refresh().has_value());
    authorization = "Authorization: Bearer " + token + "\r\n";
    session_id.clear();
  }
  template <class Done>
  void turn_until(Done done) {
    const auto until = net::Loop::read_clock() + std::chrono::seconds(20);
    while (!done() && net::Loop::read_clock() < until) turn();
  }
  void turn() {
    constexpr net::Duration longest_wait = std::chrono::milliseconds(20);
    const net::Instant began = net::Loop::read_clock();
    const net::Duration computed = computed_so_far();
    loop.turn(longest_wait);
    had_ += std::min(net::Loop::read_clock() - began, longest_wait + computed_so_far() - computed);
  }
  /// The time that this test has had in its turns: what it waited and what it computed. What passed while others had the
  /// machine is not in it, so it can be held to a limit on one that is busy.
  net::Duration time_had() const { return had_; }
  Answer post(const std::string& body, const std::string& more = {}) {
    Answer out;
    bool done = false;
    begin(body, out, done, more);
    turn_until([&] { return done; });
    EXPECT_TRUE(done) << "no answer to " << body.substr(0, 200);
    return out;
  }
  /// A request of 2026-07-28 with its envelope; `members` are those of its params.
  static std::string modern_text(const std::string& method, const std::string& members, const std::string& id, const std::string& extensions = "") {
    return R"({"jsonrpc":"2.0","id":)" + id + R"(,"method":")" + method + R"(","params":{)" + members + (members.empty() ? "" : ",") +
           R"("_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{"extensions":{)" + extensions + "}}}}}";
  }
  static std::string modern_headers(const std::string& method, const std::string& name = {}) {
    return "MCP-Protocol-Version: 2026-07-28\r\nMcp-Method: " + method + "\r\n" + (name.empty() ? "" : "Mcp-Name: " + name + "\r\n");
  }
  static constexpr const char* with_roots = R"(},"roots":{)";  ///< no extension, but one more capability
  static constexpr const char* with_tasks = R"("io.modelcontextprotocol/tasks":{})";
  void open_session(const std::string& capabilities = "{}") {
    const Answer answer = post(R"({"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":)" + capabilities + R"(,"clientInfo":{"name":"t","version":"1"}}})");
    ASSERT_EQ(answer.status, 200) << answer.body;
    const std::size_t at = answer.headers.find("Mcp-Session-Id: ");
    ASSERT_NE(at, std::string::npos) << answer.headers;
    session_id = answer.headers.substr(at + 16, answer.headers.find('\n', at) - at - 16);
  }
  Answer call(const std::string& tool, const std::string& arguments = "{}", int id = 1) {
    return post(call_text(tool, arguments, id));
  }
  static std::string call_text(const std::string& tool, const std::string& arguments = "{}", int id = 1) {
    return R"({"jsonrpc":"2.0","id":)" + std::to_string(id) + R"(,"method":"tools/call","params":{"name":")" + tool + R"(","arguments":)" + arguments + "}}";
  }
  std::string records() const { return disk.text(); }

 private:
  static net::Duration computed_so_far() {
    timespec time{};
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
  }
  net::Duration had_{};

 protected:
  net::Loop loop;
  audit::MemoryDisk disk;
  FakeClock clock;
  MemoryLog log;
  Metrics metrics;
  IdSource ids;
  FakeServer upstream;
  config::Config config;
  audit::DigestKey digest_key;
  std::filesystem::path folder;
  std::unique_ptr<store::Store> store;
  Policies policies;
  limits::MemoryCounters counters;
  limits::Counters* counting = &counters;  ///< what the gate asks
  std::optional<approval::Desk> desk;
  std::optional<approval::MemoryQuestions> questions;
  session::NoSessionStore no_sessions;
  session::SessionStore* keeping = &no_sessions;  ///< where sessions are kept
  session::MemoryRounds memory_rounds{clock};
  session::RoundStore* going_on = &memory_rounds;  ///< where calls of several rounds are kept
  approval::Questions* asking = nullptr;   ///< what the gate asks; null: memory
  std::unique_ptr<audit::Journal> journal;
  std::optional<store::GrantWatch> grants;
  ClassesOf classes_of;
  std::function<std::string(std::string_view)> approval_url;  ///< where a person answers; empty: nowhere
  net::Duration keep_alive_every = std::chrono::seconds(20);  ///< on a subscription
  net::Duration between_readings = std::chrono::milliseconds(250);
  std::string authorization;  ///< a header line of every request
  std::shared_ptr<net::ReplyRoom> replies;  ///< for large answers; null: what the gate has by itself
  std::optional<Parts> parts;
  std::unique_ptr<Gates> gates;
  std::unique_ptr<HttpFront> front;
  std::optional<net::HttpServer> server;
  net::Address address;
  std::string accept = "application/json, text/event-stream";
  std::string server_url;     ///< of the server behind; empty: the fake one's
  config::Transport transport = config::Transport::found_out;
  std::chrono::milliseconds start_timeout{60'000};
  std::function<void(config::Server&)> adjust;  ///< what else is set of the server behind; may be empty
  std::string target = "/mcp";
  std::string session_id;
  net::TaskGroup group;
};

}  // namespace callgate::gateway
