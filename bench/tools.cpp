#include "tools.hpp"

#include <fmt/format.h>

#include <array>
#include <map>

#include "json_cursor.hpp"

namespace callgate::bench {
namespace {

std::string tool_name(std::size_t n, std::size_t of) {
  if (n == 0) return "echo";
  return n + 1 == of ? "delete_all" : fmt::format("tool_{:04}", n);
}

// Shaped after the tools of published servers: a title, a two-sentence
// description, a handful of typed arguments, one of them nested.
std::string definition(const std::string& name, std::size_t n) {
  constexpr std::array verbs = {"Read", "List", "Search", "Create", "Update", "Describe", "Export", "Send"};
  constexpr std::array nouns = {"customer records", "storage buckets", "database rows", "repository files",
                                "calendar events",  "invoices",        "cluster nodes", "chat messages"};
  return fmt::format(
      R"({{"name":"{0}","title":"{1} {2}","description":"{1} {2} that match the given filter. )"
      R"(Returns at most `limit` entries, newest first, each with its identifier, owner and last change.",)"
      R"("inputSchema":{{"type":"object","properties":{{)"
      R"("payload":{{"type":"string","description":"Text to work on"}},)"
      R"("filter":{{"type":"string","maxLength":256,"description":"Condition that entries must meet"}},)"
      R"("limit":{{"type":"integer","minimum":1,"maximum":1000,"default":50}},)"
      R"("amount":{{"type":"number","description":"Amount in account currency"}},)"
      R"("stream":{{"type":"boolean","description":"Answer as a Server-Sent Event"}},)"
      R"("options":{{"type":"object","properties":{{"recursive":{{"type":"boolean"}},)"
      R"("order":{{"type":"string","enum":["asc","desc"]}}}}}}}},"required":["payload"]}}}})",
      name, verbs[n % verbs.size()], nouns[n / verbs.size() % nouns.size()]);
}

std::string initialize_result(std::string_view version) {
  if (version != "2025-06-18" && version != "2025-11-25") version = "2025-11-25";
  return fmt::format(R"({{"protocolVersion":"{}","capabilities":{{"tools":{{"listChanged":false}}}},)"
                     R"("serverInfo":{{"name":"bench-upstream","version":"1.0"}}}})",
                     version);
}

}  // namespace

ToolServer::ToolServer(std::size_t tools, Lie lie, Era era)
    : lie_(lie),
      era_(era),
      list_(era == Era::stateless ? R"({"resultType":"complete","ttlMs":0,"cacheScope":"private","tools":[)" : R"({"tools":[)") {
  for (std::size_t n = 0; n < tools; ++n) {
    const std::string name = tool_name(n, tools);
    if (n > 0) list_ += ',';
    list_ += definition(name, n);
    calls_[name] = 0;
  }
  list_ += "]}";
}

Answer ToolServer::answer(std::string_view message) {
  std::string_view id;
  std::string_view method;
  std::string_view version;
  Call call;
  JsonCursor cursor(message);
  const auto read_arguments = [&](std::string_view key) {
    const std::string_view value = cursor.value();
    if (key == "payload") call.payload = value;
    if (key == "stream") call.as_event = value == "true";
  };
  const auto read_params = [&](std::string_view key) {
    if (key == "arguments" && cursor.peek() == '{') return cursor.object(read_arguments);
    const std::string_view value = cursor.value();
    if (key == "name") call.tool = without_quotes(value);
    if (key == "protocolVersion") version = without_quotes(value);
  };
  cursor.object([&](std::string_view key) {
    if (key == "params" && cursor.peek() == '{') return cursor.object(read_params);
    const std::string_view value = cursor.value();
    if (key == "id") id = value;
    if (key == "method") method = without_quotes(value);
  });
  if (cursor.failed()) {
    ++malformed_;
    body_ = R"({"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"parse error"}})";
    return {.kind = Answer::Kind::message, .body = body_};
  }
  if (!call.tool.empty() && method == "tools/call") return this->call(id, call);

  if (const auto known = methods_.find(method); known != methods_.end())
    ++known->second;
  else
    methods_.emplace(method, 1);
  if (id.empty()) return {};
  Answer answer{.kind = Answer::Kind::message};
  std::string_view result;
  std::string initialized;
  if (method == "initialize" && !stateless()) {
    answer.kind = Answer::Kind::initialized_session;
    result = initialized = initialize_result(version);
  } else if (method == "tools/list") {
    result = list_;
  } else if (method == "server/discover" && stateless()) {
    result = R"({"resultType":"complete","supportedVersions":["2026-07-28"],"capabilities":{"tools":{}},"ttlMs":0,"cacheScope":"private"})";
  } else if (method == "ping" && !stateless()) {
    result = "{}";
  }
  begin(id, result.empty() ? "error" : "result");
  body_ += result.empty() ? R"({"code":-32601,"message":"method not found"})" : result;
  body_ += '}';
  answer.body = body_;
  return answer;
}

Answer ToolServer::call(std::string_view id, const Call& call) {
  ++called_;
  const auto tool = calls_.find(call.tool);
  if (tool == calls_.end()) {
    ++unknown_tools_;
    begin(id, "error");
    body_ += R"({"code":-32602,"message":"Unknown tool: )";
    body_ += call.tool;
    body_ += "\"}}";
    return {.kind = Answer::Kind::message, .body = body_};
  }
  ++tool->second;
  const bool lies = lie_ != Lie::none && called_ % 50 == 0;
  begin(lies && lie_ == Lie::id ? "1" : id, "result");
  body_ += stateless() ? R"({"resultType":"complete","content":[{"type":"text","text":)" : R"({"content":[{"type":"text","text":)";
  body_ += call.payload.empty() ? R"("")" : call.payload;
  if (lies && lie_ == Lie::text) body_[body_.size() - 2] = '~';
  body_ += R"(}],"isError":false}})";
  return {.kind = Answer::Kind::message, .as_event = call.as_event, .body = body_};
}

void ToolServer::begin(std::string_view id, std::string_view member) {
  body_ = R"({"jsonrpc":"2.0","id":)";
  body_ += id;
  body_ += ",\"";
  body_ += member;
  body_ += "\":";
}

std::string ToolServer::stats() const {
  std::string out = fmt::format(R"({{"calls":{},"unknown_tools":{},"malformed":{},"methods":{{)", called_,
                                unknown_tools_, malformed_);
  const auto append = [&](const auto& counts) {
    bool first = true;
    for (const auto& [name, count] : std::map<std::string_view, std::uint64_t>(counts.begin(), counts.end())) {
      out += fmt::format(R"({}{}:{})", first ? "" : ",", json_quoted(name), count);
      first = false;
    }
  };
  append(methods_);
  out += R"(},"tools":{)";
  append(calls_);
  return out += "}}";
}

}  // namespace callgate::bench
