#include "workload.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>

#include "json_cursor.hpp"

namespace callgate::bench {
namespace {

// Every echoed text starts with the id of its call, so an answer that was mixed
// up with another one can never pass.
constexpr std::size_t start_bytes = 12;

// What a stateless request says of itself (MCP 2026-07-28).
constexpr std::string_view envelope =
    R"("_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28",)"
    R"("io.modelcontextprotocol/clientInfo":{"name":"bench-load","version":"1.0"},)"
    R"("io.modelcontextprotocol/clientCapabilities":{}})";

std::string start_of(std::uint64_t id) { return fmt::format("N{:010};", id); }

std::string plain_filler(std::size_t bytes) {
  constexpr std::string_view letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 ,.-";
  std::string out(bytes, ' ');
  std::uint64_t state = 88172645463325252ULL;  // xorshift64, so that nothing compresses or repeats
  for (char& c : out) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    c = letters[state % letters.size()];
  }
  return out;
}

// Quotes, backslashes, line ends and characters of two and four bytes, spread
// through the text.
void sprinkle_escapes(std::string& text) {
  constexpr std::string_view spice = "\"\\\n\xc3\xa9\xf0\x9f\x98\x80";
  for (std::size_t at = 20; at + spice.size() <= text.size(); at += 97) text.replace(at, spice.size(), spice);
}

std::string_view first_text(std::string_view result) {
  std::string_view text;
  JsonCursor cursor(json_member(result, "content"));
  cursor.array([&](std::size_t index) {
    const std::string_view block = cursor.value();
    if (index == 0) text = without_quotes(json_member(block, "text"));
  });
  return text;
}

}  // namespace

std::string Tally::json() const {
  return fmt::format(
      R"("answered":{},"denied":{},"listed":{},"left":{},"leaked":{},"wrong_id":{},"wrong_text":{},"rpc_errors":{},)"
      R"("http_errors":{},"lost":{},"reconnects":{},"last_fault":{},"call_us":{},"denied_us":{},"list_us":{})",
      answered, denied, listed, left, leaked, wrong_id, wrong_text, rpc_errors, http_errors, lost, reconnects,
      json_quoted(last_fault), call_ns.json_microseconds(), denied_ns.json_microseconds(), list_ns.json_microseconds());
}

Workload::Workload(const Flags& flags)
    : tools_(flags.list("tools", "echo")),
      denied_tool_(flags.text("denied-tool", "delete_all")),
      hidden_(flags.has("hidden-tool") ? "\"name\":\"" + flags.text("hidden-tool", "") + "\"" : ""),
      version_(flags.text("revision", "2025-06-18")),
      denied_percent_(flags.count("denied-percent", 0)),
      list_percent_(flags.count("list-percent", 0)),
      as_event_(flags.has("sse")),
      stateless_(flags.has("stateless")) {
  for (const std::string& size : flags.list("size", "1024")) {
    const std::size_t bytes = std::max<std::size_t>(std::strtoull(size.c_str(), nullptr, 10), start_bytes);
    Filler filler{.bytes = bytes, .plain = plain_filler(bytes - start_bytes), .json = {}};
    if (flags.has("escapes")) sprinkle_escapes(filler.plain);
    const std::string quoted = json_quoted(filler.plain);
    filler.json = quoted.substr(1, quoted.size() - 2);
    fillers_.push_back(std::move(filler));
  }
}

Request Workload::next(std::uint64_t due_ns) {
  Request request{.id = ++last_id_, .due_ns = due_ns};
  // 37 and 100 share no factor: any hundred calls in a row hold the mix exactly.
  const std::uint64_t draw = request.id * 37 % 100;
  if (draw < denied_percent_)
    request.kind = Kind::denied_call;
  else if (draw < denied_percent_ + list_percent_)
    request.kind = Kind::list;
  request.bytes = filler(request).bytes;
  if (request.kind == Kind::call) ++calls_sent_;
  if (request.kind == Kind::denied_call) ++denials_sent_;
  return request;
}

Request Workload::handshake(Kind kind, std::uint64_t due_ns) {
  return {.kind = kind, .id = kind == Kind::initialized ? 0 : ++last_id_, .due_ns = due_ns};
}

const Workload::Filler& Workload::filler(const Request& request) const {
  return fillers_[request.id % fillers_.size()];
}

void Workload::write_body(const Request& request, std::string& out) const {
  const auto write = [&](auto text, auto&&... values) { fmt::format_to(std::back_inserter(out), text, values...); };
  switch (request.kind) {
    case Kind::initialize:
      return write(FMT_STRING(R"({{"jsonrpc":"2.0","id":{},"method":"initialize","params":{{"protocolVersion":"{}",)"
                              R"("capabilities":{{}},"clientInfo":{{"name":"bench-load","version":"1.0"}}}}}})"),
                   request.id, version_);
    case Kind::leave: return;
    case Kind::initialized:
      out += R"({"jsonrpc":"2.0","method":"notifications/initialized"})";
      return;
    case Kind::list:
      return write(FMT_STRING(R"({{"jsonrpc":"2.0","id":{},"method":"tools/list","params":{{{}}}}})"), request.id,
                   stateless_ ? envelope : std::string_view());
    case Kind::call:
    case Kind::denied_call:
      break;
  }
  write(FMT_STRING(R"({{"jsonrpc":"2.0","id":{},"method":"tools/call","params":{{"name":"{}","arguments":)"
                   R"({{"filter":"status = open","limit":50,"amount":12.5,{}"payload":"{}{}"}}{}{}}}}})"),
        request.id, tool(request), as_event_ ? R"("stream":true,)" : "", start_of(request.id), filler(request).json,
        stateless_ ? "," : "", stateless_ ? envelope : std::string_view());
}

const std::string& Workload::tool(const Request& request) const {
  return request.kind == Kind::denied_call ? denied_tool_ : tools_[request.id % tools_.size()];
}

void Workload::write_headers(const Request& request, std::string& out) const {
  if (!stateless_) return;
  if (request.kind == Kind::list) {
    out += "Mcp-Method: tools/list\r\n";
  } else {
    fmt::format_to(std::back_inserter(out), "Mcp-Method: tools/call\r\nMcp-Name: {}\r\n", tool(request));
  }
}

bool Workload::judge(std::string_view message, const Request& request, std::uint64_t now_ns) {
  std::string_view id;
  std::string_view result;
  std::string_view error;
  bool from_other_side = false;
  JsonCursor cursor(message);
  cursor.object([&](std::string_view key) {
    const std::string_view value = cursor.value();
    if (key == "id") id = value;
    if (key == "result") result = value;
    if (key == "error") error = value;
    if (key == "method") from_other_side = true;
  });
  if (from_other_side) return false;
  if (id != fmt::format_int(request.id).c_str()) {
    fault(&Tally::wrong_id, message);
  } else if (request.kind == Kind::denied_call) {
    judge_denied(result, error, request, now_ns);
  } else if (result.empty()) {
    fault(&Tally::rpc_errors, message);
  } else if (request.kind == Kind::list) {
    judge_list(result, request, now_ns);
  } else if (request.kind == Kind::call) {
    judge_call(result, message, request, now_ns);
  }
  return true;
}

void Workload::judge_list(std::string_view result, const Request& request, std::uint64_t now_ns) {
  if (!json_member(result, "tools").starts_with("[{")) return fault(&Tally::wrong_text, result);
  if (!hidden_.empty() && result.find(hidden_) != result.npos) return fault(&Tally::leaked, hidden_);
  ++tally_.listed;
  tally_.list_ns.add(now_ns - request.due_ns);
}

void Workload::judge_call(std::string_view result, std::string_view message, const Request& request,
                          std::uint64_t now_ns) {
  if (json_member(result, "isError") == "true") return fault(&Tally::rpc_errors, message);
  if (!is_expected_text(first_text(result), request)) return fault(&Tally::wrong_text, message);
  ++tally_.answered;
  tally_.call_ns.add(now_ns - request.due_ns);
}

// A denial is an error of JSON-RPC or a tool's error result, and holds nothing
// that only the server behind could have sent.
void Workload::judge_denied(std::string_view result, std::string_view error, const Request& request,
                            std::uint64_t now_ns) {
  const bool refused = !error.empty() || json_member(result, "isError") == "true";
  if (!refused || result.find(start_of(request.id)) != result.npos) return fault(&Tally::leaked, result);
  ++tally_.denied;
  tally_.denied_ns.add(now_ns - request.due_ns);
}

bool Workload::is_expected_text(std::string_view raw, const Request& request) const {
  const Filler& expected = filler(request);
  if (!raw.starts_with(start_of(request.id))) return false;
  raw.remove_prefix(start_bytes);
  // Another spelling of the same text is as good; it is only slower to compare.
  return raw == expected.json || (raw.find('\\') != raw.npos && json_unescaped(raw) == expected.plain);
}

void Workload::fault(std::uint64_t Tally::* kind, std::string_view what) {
  ++(tally_.*kind);
  tally_.last_fault = what.substr(0, 300);
}

}  // namespace callgate::bench
