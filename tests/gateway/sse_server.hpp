#pragma once

#include <deque>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "gateway/world.hpp"

namespace callgate::gateway {

/// A server of 2024-11-05 over HTTP+SSE and nothing else: GET opens a stream whose
/// first event names the address to post to. What a test sets is done otherwise.
class SseServer final : public net::HttpHandler {
 public:
  explicit SseServer(net::Loop& loop) : loop_(loop), server_(loop, *this, {}) { address_ = *server_.listen(*net::Address::numeric("127.0.0.1", 0)); }

  /// One stream, and the session that it is.
  struct Stream {
    explicit Stream(net::Loop& loop) : wake(loop) {}
    void say(std::string_view data, std::string_view type = "message") {
      std::string event;
      mcp::append_sse_event(event, data, type);
      write(std::move(event));
    }
    void write(std::string bytes) {
      waiting.push_back(std::move(bytes));
      wake.raise();
    }
    void end() {
      over = true;
      wake.raise();
    }
    std::deque<std::string> waiting;
    bool over = false;
    net::Signal wake;
  };

  net::Task<void> handle(net::HttpExchange& exchange) override {
    const std::string target(exchange.head().target);
    if (exchange.head().method == "GET") return open(exchange);
    return take(exchange, target, std::string(exchange.body()));
  }
  std::string refused(int /*status*/, const Error& error, const net::Address& /*peer*/) override { return error.message; }

  std::string origin() const { return "http://" + address_.text(); }
  std::string url() const { return origin() + "/sse"; }
  /// Requests of that method whose text holds `part`, the probe of unknown tools left out.
  std::vector<std::string> posted(std::string_view method, std::string_view part = {}) const {
    std::vector<std::string> found;
    for (const auto& [name, body] : messages) {
      if (name == method && body.contains(part) && !body.contains("callgate_probe_")) found.push_back(body);
    }
    return found;
  }

  int get_status = 200;
  std::string get_type = "text/event-stream";
  std::vector<std::string> first;  ///< whole events, `{id}` is the stream's; empty: its address
  int post_status = 202;           ///< for requests of this method alone:
  std::string refused_method;
  std::map<std::string, std::string> targets;  ///< that were posted to, with the first message
  std::vector<std::pair<std::string, std::string>> messages;  ///< method and body
  std::size_t opened = 0;
  std::map<std::size_t, std::shared_ptr<Stream>> streams;
  /// Answers a request itself where it says true.
  std::function<bool(Stream&, const std::string& method, const std::string& id)> on_request;
  std::function<net::Task<void>(net::HttpExchange&, const std::string& method)> before_post_answer;

 private:
  net::Task<void> open(net::HttpExchange& exchange) {
    const std::size_t id = ++opened;
    if (get_status != 200) {
      co_await exchange.respond(get_status, get_status < 400 ? "Location: /elsewhere\r\n" : "", "{}");
      co_return;
    }
    const auto stream = streams[id] = std::make_shared<Stream>(loop_);
    if (first.empty()) stream->say("/post?session=" + std::to_string(id), "endpoint");
    for (std::string event : first) {
      if (const std::size_t at = event.find("{id}"); at != std::string::npos) event.replace(at, 4, std::to_string(id));
      stream->write(std::move(event));
    }
    bool there = co_await exchange.begin(200, "Content-Type: " + get_type + "\r\n");
    while (there && !(stream->over && stream->waiting.empty())) {
      while (there && !stream->waiting.empty()) {
        const std::string bytes = std::move(stream->waiting.front());
        stream->waiting.pop_front();
        there = co_await exchange.write(bytes);
      }
      if (!stream->over) co_await stream->wake.wait(std::chrono::milliseconds(50));
      there = there && !exchange.is_gone();
    }
    streams.erase(id);
    if (there) co_await exchange.finish();
  }

  net::Task<void> take(net::HttpExchange& exchange, std::string target, std::string body) {
    json::Document document;
    const auto message = mcp::read_message(body, document, mcp::Direction::from_client);
    const std::string method(message ? message->method.view() : "unreadable");
    targets.emplace(target, body);
    messages.emplace_back(method, body);
    const std::size_t at = target.find("session=");
    const auto found = at == std::string::npos ? streams.end() : streams.find(std::stoul(target.substr(at + 8)));
    if (found == streams.end()) {
      co_await exchange.respond(at == std::string::npos ? 405 : 404, "Content-Type: text/plain\r\n", "Not here");
      co_return;
    }
    const std::shared_ptr<Stream> stream = found->second;
    if (method == refused_method) {
      co_await exchange.respond(post_status, {}, {});
      co_return;
    }
    if (message && message->is_request()) answer(*stream, method, std::string(message->id_text), body);
    if (before_post_answer) co_await before_post_answer(exchange, method);
    co_await exchange.respond(202, "Content-Type: text/plain\r\n", "Accepted");
  }

  void answer(Stream& stream, const std::string& method, const std::string& id, const std::string& body) {
    const auto say = [&](const std::string& member) { stream.say(R"({"jsonrpc":"2.0","id":)" + id + "," + member + "}"); };
    if (on_request && !body.contains("callgate_probe_") && on_request(stream, method, id)) return;
    if (method == "initialize") return say(R"("result":{"protocolVersion":"2024-11-05","capabilities":{"tools":{}},"serverInfo":{"name":"old","version":"1"}})");
    if (method == "tools/list") return say(R"("result":{"tools":[{"name":"read","inputSchema":{"type":"object"}},{"name":"write","inputSchema":{"type":"object"}}]})");
    if (method == "tools/call" && !body.contains("callgate_probe_")) return say(R"("result":{"content":[{"type":"text","text":"done"}]})");
    say(R"("error":{"code":-32601,"message":"Method not found"})");
  }

  net::Loop& loop_;
  net::HttpServer server_;
  net::Address address_;
};

}  // namespace callgate::gateway
