#include "mcp/tool_call.hpp"

#include "mcp/read_value.hpp"

namespace callgate::mcp {

namespace {

Result<void> read_meta_member(std::string_view key, json::Value value, RequestMeta& meta) {
  constexpr std::string_view prefix = "io.modelcontextprotocol/";
  if (key == "progressToken") {
    if (!is_token(value)) return refuse_value(key, "must be a string or an integer", value);
    meta.progress_token = value.text();
    return {};
  }
  if (!key.starts_with(prefix)) return {};
  key.remove_prefix(prefix.size());
  if (key == "protocolVersion") {
    auto version = read_string(value, key);
    if (!version) return std::unexpected(std::move(version.error()));
    meta.has_protocol_version = true;
    meta.protocol_version = std::move(*version);
  } else if (key == "clientCapabilities" || key == "clientInfo") {
    if (!value.is_object()) return refuse_value(key, "must be an object", value);
    (key == "clientInfo" ? meta.client_info : meta.client_capabilities) = value;
  }
  return {};
}

}  // namespace

Result<RequestMeta> read_request_meta(const Message& message) {
  RequestMeta meta;
  if (!message.meta) return meta;
  std::string scratch;
  for (const auto [key, value] : message.meta.members()) {
    if (auto fine = read_meta_member(key.string(scratch), value, meta); !fine)
      return std::unexpected(std::move(fine.error()));
  }
  return meta;
}

Result<ToolCall> read_tool_call(const Message& message) {
  if (!message.params) return fail(ErrorKind::invalid, "`tools/call` needs `params` with the tool's `name`");
  ToolCall call;
  auto name = read_name(message.params, "name", max_tool_name_bytes);
  if (!name) return std::unexpected(std::move(name.error()));
  call.name = std::move(*name);

  auto arguments = read_object(message.params, "arguments");
  if (!arguments) return std::unexpected(std::move(arguments.error()));
  if (*arguments) call.arguments = *arguments;

  if (!message.meta) return call;
  auto meta = read_request_meta(message);
  if (!meta) return std::unexpected(std::move(meta.error()));
  call.meta = std::move(*meta);
  return call;
}

}  // namespace callgate::mcp
