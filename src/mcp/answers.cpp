#include "mcp/answers.hpp"

#include <fmt/format.h>

#include "base/json.hpp"
#include "mcp/message.hpp"

namespace callgate::mcp {

namespace {

constexpr std::size_t max_echo_bytes = 256;

void append_head(std::string& out, std::string_view id_text) {
  out += R"({"jsonrpc":"2.0","id":)";
  out += id_text.empty() ? "null" : id_text;
}

void append_member(std::string& out, std::string_view key, std::string_view text) {
  out += ",\"";
  out += key;
  out += "\":";
  json::append_quoted(out, text);
}

void append_note(std::string& out, const DecisionNote& note) {
  out += R"({"id":)";
  json::append_quoted(out, note.id);
  append_member(out, "verdict", note.verdict);
  append_member(out, "rule", note.rule);
  append_member(out, "reason", note.reason);
  if (note.retry_after_s) fmt::format_to(std::back_inserter(out), R"(,"retry_after_s":{})", *note.retry_after_s);
  if (note.remaining) fmt::format_to(std::back_inserter(out), R"(,"remaining":{})", *note.remaining);
  if (note.approval) {
    out += R"(,"approval":{"id":)";
    json::append_quoted(out, note.approval->id);
    if (!note.approval->url.empty()) append_member(out, "url", note.approval->url);
    if (!note.approval->expires_at.empty()) append_member(out, "expires_at", note.approval->expires_at);
    out += '}';
  }
  append_member(out, "policy", note.policy);
  out += '}';
}

/// What a caller sent, cut before it is sent back.
std::string echo(std::string_view text) {
  if (text.size() <= max_echo_bytes) return std::string(text);
  std::size_t end = max_echo_bytes;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0U) == 0x80) --end;
  return fmt::format("{}…", text.substr(0, end));
}

}  // namespace

std::string rpc_error(std::string_view id_text, int code, std::string_view message, std::string_view data) {
  std::string out;
  out.reserve(96 + id_text.size() + message.size() + data.size());
  append_head(out, id_text);
  fmt::format_to(std::back_inserter(out), R"(,"error":{{"code":{})", code);
  append_member(out, "message", message);
  if (!data.empty()) {
    out += R"(,"data":)";
    out += data;
  }
  out += "}}";
  return out;
}

std::string refuse_unreadable(std::string_view bytes, const Error& error) {
  const int code = rpc_code(error);
  std::optional<std::string_view> id;
  if (code != code::parse_error) id = salvage_id(bytes);
  const std::string place = error.where.empty() ? std::string() : fmt::format(" ({})", error.where);
  return rpc_error(id.value_or(std::string_view()), code, error.message + place);
}

std::string method_not_found(std::string_view id_text, std::string_view method) {
  return rpc_error(id_text, code::method_not_found, fmt::format("Method not found: {}", echo(method)));
}

std::string denied_call(std::string_view id_text, std::string_view text, const DecisionNote& note, Era era) {
  std::string out;
  out.reserve(320 + id_text.size() + text.size() + note.reason.size() + note.rule.size());
  append_head(out, id_text);
  out += R"(,"result":{)";
  if (era == Era::modern) out += R"("resultType":"complete",)";
  out += R"("isError":true,"content":[{"type":"text","text":)";
  json::append_quoted(out, text);
  out += R"(}],"_meta":{"dev.callgate/decision":)";
  append_note(out, note);
  out += "}}}";
  return out;
}

std::string failed_call(std::string_view id_text, std::string_view text, Era era) {
  std::string out;
  append_head(out, id_text);
  out += R"(,"result":{)";
  if (era == Era::modern) out += R"("resultType":"complete",)";
  out += R"("isError":true,"content":[{"type":"text","text":)";
  json::append_quoted(out, text);
  out += "}]}}";
  return out;
}

std::string denied_request(std::string_view id_text, int code, std::string_view text, const DecisionNote& note) {
  std::string data;
  append_note(data, note);
  return rpc_error(id_text, code, text, data);
}

std::string unknown_tool(std::string_view id_text, std::string_view name) {
  return rpc_error(id_text, code::invalid_params, fmt::format("Unknown tool: {}", echo(name)));
}

std::string resource_not_found(std::string_view id_text, std::string_view uri, Era era) {
  const int code = era == Era::modern ? code::invalid_params : code::resource_not_found_legacy;
  return rpc_error(id_text, code, "Resource not found", fmt::format(R"({{"uri":{}}})", json::quoted(uri)));
}

std::string unknown_prompt(std::string_view id_text, std::string_view name) {
  return rpc_error(id_text, code::invalid_params, fmt::format("Unknown prompt: {}", echo(name)));
}

std::string unknown_task(std::string_view id_text) { return rpc_error(id_text, code::invalid_params, "Unknown task"); }

std::string tasks_not_declared(std::string_view id_text) {
  return capability_missing(id_text, R"({"extensions":{"io.modelcontextprotocol/tasks":{}}})");
}

std::string capability_missing(std::string_view id_text, std::string_view required) {
  return rpc_error(id_text, code::missing_capability, "Missing required client capability", fmt::format(R"({{"requiredCapabilities":{}}})", required));
}

int status_of(const Message& answer) {
  const auto number = answer.error ? answer.error.find("code") : std::nullopt;
  return status_of_code((number ? number->as_int64() : std::nullopt).value_or(0));
}

int status_of_code(std::int64_t number) {
  if (number == code::method_not_found) return 404;
  return number == code::header_mismatch || number == code::missing_capability || number == code::unsupported_version ? 400 : 200;
}

std::string empty_result(std::string_view id_text, Era era) {
  return result(id_text, era == Era::modern ? R"({"resultType":"complete"})" : "{}");
}

std::string result(std::string_view id_text, std::string_view result_json) {
  std::string out;
  out.reserve(40 + id_text.size() + result_json.size());
  append_head(out, id_text);
  out += R"(,"result":)";
  out += result_json;
  out += '}';
  return out;
}

}  // namespace callgate::mcp
