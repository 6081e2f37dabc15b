#include "mcp/handshake.hpp"

#include "mcp/read_value.hpp"

namespace callgate::mcp {

namespace {

constexpr std::size_t max_version_bytes = 64;

bool is_object(std::optional<json::Value> value) { return value && value->is_object(); }

}  // namespace

ClientCapabilities read_client_capabilities(json::Value capabilities) {
  ClientCapabilities out;
  if (!capabilities || !capabilities.is_object()) return out;
  out.roots = is_object(capabilities.find("roots"));
  out.sampling = is_object(capabilities.find("sampling"));
  if (const auto elicitation = capabilities.find("elicitation"); is_object(elicitation)) {
    out.url_elicitation = is_object(elicitation->find("url"));
    out.form_elicitation = elicitation->find("form").has_value() || !out.url_elicitation;
  }
  if (const auto extensions = capabilities.find("extensions"); is_object(extensions))
    out.tasks = is_object(extensions->find("io.modelcontextprotocol/tasks"));
  return out;
}

ClientCapabilities read_capabilities_text(std::string_view text) {
  json::Document document;
  return json::parse(text, {}, document) ? read_client_capabilities(document.root()) : ClientCapabilities{};
}

Result<Initialize> read_initialize(const Message& message) {
  if (!message.params) return fail(ErrorKind::invalid, "`initialize` needs `params`");
  auto version = read_name(message.params, "protocolVersion", max_version_bytes);
  if (!version) return std::unexpected(std::move(version.error()));
  const auto capabilities = read_required_object(message.params, "capabilities");
  if (!capabilities) return std::unexpected(capabilities.error());
  const auto info = read_object(message.params, "clientInfo");
  if (!info) return std::unexpected(info.error());
  return Initialize{.protocol_version = std::move(*version), .capabilities = *capabilities, .client_info = *info};
}

Result<Initialized> read_initialized(const Message& message) {
  if (!message.result) return fail(ErrorKind::invalid, "the server refused `initialize`");
  auto version = read_name(message.result, "protocolVersion", max_version_bytes);
  if (!version) return std::unexpected(std::move(version.error()));
  const auto capabilities = read_required_object(message.result, "capabilities");
  if (!capabilities) return std::unexpected(capabilities.error());
  const auto info = read_object(message.result, "serverInfo");
  if (!info) return std::unexpected(info.error());
  return Initialized{.protocol_version = std::move(*version), .capabilities = *capabilities, .server_info = *info};
}

bool has_capability(json::Value capabilities, std::string_view name) {
  return capabilities && is_object(capabilities.find(name));
}

bool tells_of_changes(json::Value capabilities) {
  if (!capabilities || !capabilities.is_object()) return false;
  for (const json::Member each : capabilities.members()) {
    if (!each.value.is_object()) continue;
    for (const std::string_view what : {"listChanged", "subscribe"}) {
      const auto said = each.value.find(what);
      if (said && said->is_boolean() && said->boolean()) return true;
    }
  }
  return false;
}

std::optional<Revision> read_discovered(const Message& message) {
  if (!message.result) return std::nullopt;
  const auto supported = message.result.find("supportedVersions");
  if (!supported || !supported->is_array()) return std::nullopt;
  std::optional<Revision> best;
  for (const json::Value each : supported->elements()) {
    if (!each.is_string()) continue;
    const auto revision = parse_revision(Text(each).view());
    if (revision && era_of(*revision) == Era::modern && (!best || *revision > *best)) best = revision;
  }
  return best;
}

}  // namespace callgate::mcp
