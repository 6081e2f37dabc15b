#include <array>

#include "admin/api_call.hpp"
#include "admin/json_object.hpp"

/// The routes under `/api/v1/servers`.
namespace callgate::admin {
namespace {

std::string server_text(const ServerEntry& server) {
  return JsonObject()
      .text("name", server.name)
      .text("transport", server.transport)
      .text("address", server.address)
      .text("state", server.state)
      .text_if_any("fault", server.fault)
      .text("policy", server.policy)
      .text("source", server.source)
      .number("tools", server.tools)
      .number("quarantined", server.quarantined)
      .number("unknown", server.unknown)
      .number("left_out", server.left_out)
      .done();
}

std::string tool_text(const ToolEntry& tool) {
  JsonObject object;
  object.text("name", tool.name)
      .text("state", word(tool.state))
      .text("era", tool.era)
      .text_if_any("fingerprint", tool.fingerprint)
      .text_if_any("offered", tool.offered)
      .text_if_any("category", tool.category)
      .text_if_any("risk", tool.risk);
  if (!tool.category.empty()) object.raw("overridden", tool.class_reason.empty() ? "false" : "true").text_if_any("class_reason", tool.class_reason);
  if (!tool.definition.empty()) object.raw("definition", tool.definition);
  if (!tool.offered_definition.empty()) object.raw("offered_definition", tool.offered_definition);
  return object.done();
}

std::string left_out_text(const LeftOutEntry& tool) { return JsonObject().text("name", tool.name).text("era", tool.era).text("reason", tool.reason).done(); }

}  // namespace

std::string_view word(ToolEntry::State state) {
  constexpr std::array<std::string_view, 4> words{"known", "quarantined", "unknown", "missing"};
  return words[static_cast<std::size_t>(state)];
}

Api::Answering Api::list_servers(const Call& /*call*/) {
  return Answering::ready(answer_json(200, json_list("servers", parts_.servers.servers(), server_text)));
}

Api::Answering Api::list_tools(const Call& call) {
  const Result<std::vector<ToolEntry>> tools = parts_.servers.tools(call.segments[0]);
  if (!tools) return Answering::ready(answer_error(tools.error()));
  const Result<std::vector<LeftOutEntry>> left_out = parts_.servers.left_out(call.segments[0]);
  if (!left_out) return Answering::ready(answer_error(left_out.error()));
  return Answering::ready(answer_json(200, JsonObject().raw("tools", json_array(*tools, tool_text)).raw("left_out", json_array(*left_out, left_out_text)).done()));
}

Api::Answering Api::pin(const Call& call) {
  constexpr std::array<std::string_view, 2> keys{"tool", "fingerprint"};
  Result<std::vector<std::string>> members = read_text_members(call.request.body, keys);
  if (!members) return Answering::ready(answer_error(members.error()));
  const PinRequest request{.tool = std::move((*members)[0]), .fingerprint = std::move((*members)[1])};
  if (request.tool.empty() && !request.fingerprint.empty()) {
    return Answering::ready(answer_error(400, "invalid", "`fingerprint` belongs to a `tool`; name it"));
  }
  const Result<std::vector<std::string>> pinned = parts_.servers.pin(call.segments[0], request);
  if (!pinned) return Answering::ready(answer_error(pinned.error()));
  return Answering::ready(answer_json(200, JsonObject().texts("pinned", *pinned).done()));
}

}  // namespace callgate::admin
