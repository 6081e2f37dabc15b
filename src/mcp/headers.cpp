#include "mcp/headers.hpp"

#include <vector>

#include <fmt/format.h>

#include "base/decimal.hpp"
#include "base/json.hpp"
#include "mcp/ascii.hpp"
#include "mcp/codes.hpp"
#include "mcp/header_value.hpp"

namespace callgate::mcp {

namespace {

constexpr std::string_view version_header = "MCP-Protocol-Version";
constexpr std::string_view method_header = "Mcp-Method";
constexpr std::string_view name_header = "Mcp-Name";
constexpr std::string_view param_prefix = "Mcp-Param-";

HeaderFault mismatch(std::string_view header) {
  return {.code = code::header_mismatch, .message = fmt::format("Header mismatch: {}", header), .data = {}};
}

/// The member of the body that Mcp-Name mirrors, for the methods that have one.
std::string_view named_member(MethodId method) {
  switch (method) {
    case MethodId::tools_call:
    case MethodId::prompts_get: return "name";
    case MethodId::resources_read: return "uri";
    case MethodId::tasks_get:
    case MethodId::tasks_update:
    case MethodId::tasks_cancel: return "taskId";
    default: return {};
  }
}

std::optional<json::Value> find_named(const Message& message) {
  const std::string_view member = named_member(message.method_id);
  return member.empty() || !message.params ? std::nullopt : message.params.find(member);
}

/// How an argument is written in a header; nothing for values that have no such form.
std::optional<std::string> argument_text(json::Value value) {
  switch (value.kind()) {
    case json::Kind::string: return value.string();
    case json::Kind::number:
    case json::Kind::boolean: return std::string(value.text());
    default: return std::nullopt;
  }
}

/// Integers are compared as numbers: `42.0` and `42` are one.
bool matches(std::string_view header, json::Value value) {
  const auto text = decode_header_value(header);
  if (!text) return false;
  if (!value.is_number()) return argument_text(value) == text;
  const auto left = Decimal::parse(*text);
  const auto right = Decimal::parse(value.text());
  return left && right && *left == *right;
}

/// The mirrored headers of one request, each at most once.
struct Mirrors {
  std::optional<std::string_view> version;
  std::optional<std::string_view> method;
  std::optional<std::string_view> name;
  std::string_view twice;  ///< the name of one that stands twice

  explicit Mirrors(std::span<const Header> headers) {
    for (std::size_t i = 0; i < headers.size(); ++i) {
      const Header& header = headers[i];
      if (!starts_with_fold(header.name, "mcp-")) continue;
      if (equal_fold(header.name, version_header)) put(version, version_header, header);
      if (equal_fold(header.name, method_header)) put(method, method_header, header);
      if (equal_fold(header.name, name_header)) put(name, name_header, header);
      if (starts_with_fold(header.name, param_prefix) && find_header(headers.subspan(i + 1), header.name))
        twice = header.name;
    }
  }

 private:
  void put(std::optional<std::string_view>& place, std::string_view known, const Header& header) {
    if (place) twice = known;
    place = header.value;
  }
};

std::optional<HeaderFault> check_version(const Mirrors& mirrors, const Message& message, const RequestMeta& meta, Era era,
                                         std::span<const Revision> supported) {
  if (era == Era::legacy) return std::nullopt;
  if (message.is_request() && (!meta.has_protocol_version || !meta.client_capabilities))
    return check_modern_meta(message, meta, supported);
  const bool agrees = mirrors.version && (!meta.has_protocol_version || *mirrors.version == meta.protocol_version.view());
  if (!agrees) return mismatch(version_header);
  return check_modern_meta(message, meta, supported);
}

std::optional<HeaderFault> check_names(const Mirrors& mirrors, const Message& message, bool required) {
  if (mirrors.method ? *mirrors.method != message.method.view() : required) return mismatch(method_header);
  const auto named = find_named(message);
  const bool names = named && named->is_string();
  if (mirrors.name && !(names && matches(*mirrors.name, *named))) return mismatch(name_header);
  if (!mirrors.name && required && names) return mismatch(name_header);
  return std::nullopt;
}

std::optional<HeaderFault> check_params(std::span<const Header> headers, const Message& message, bool required,
                                        std::span<const ParamHeader> params) {
  if (params.empty() || message.method_id != MethodId::tools_call || !message.params) return std::nullopt;
  const auto arguments = message.params.find("arguments");
  for (const ParamHeader& param : params) {
    const auto header = find_header(headers, fmt::format("{}{}", param_prefix, param.name));
    auto value = arguments ? find_argument(*arguments, param) : std::nullopt;
    if (value && !argument_text(*value)) value = std::nullopt;  // null, or a type that the schema will refuse
    const bool fine = header ? value && matches(*header, *value) : !value || !required;
    if (!fine) return mismatch(fmt::format("{}{}", param_prefix, param.name));
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::string_view> find_header(std::span<const Header> headers, std::string_view name) {
  for (const Header& header : headers) {
    if (equal_fold(header.name, name)) return header.value;
  }
  return std::nullopt;
}

Era era_of(std::span<const Header> headers, const Message& message, const RequestMeta& meta) {
  if (meta.has_protocol_version) return Era::modern;
  if (message.method_id == MethodId::initialize) return Era::legacy;
  const auto version = find_header(headers, version_header);
  const auto revision = version ? parse_revision(*version) : std::nullopt;
  return revision ? era_of(*revision) : Era::legacy;
}

std::optional<HeaderFault> check_headers(std::span<const Header> headers, const Message& message,
                                         const RequestMeta& meta, Era era, std::span<const Revision> supported,
                                         std::span<const ParamHeader> params) {
  const Mirrors mirrors(headers);
  if (!mirrors.twice.empty()) return mismatch(mirrors.twice);
  if (auto fault = check_version(mirrors, message, meta, era, supported)) return fault;
  const bool required = era == Era::modern && message.is_request();
  if (auto fault = check_names(mirrors, message, required)) return fault;
  return check_params(headers, message, required, params);
}

std::optional<HeaderFault> check_modern_meta(const Message& message, const RequestMeta& meta,
                                             std::span<const Revision> supported) {
  if (message.is_request()) {
    const std::string_view missing = !meta.has_protocol_version  ? "protocolVersion"
                                     : !meta.client_capabilities ? "clientCapabilities"
                                                                 : "";
    if (!missing.empty()) {
      return HeaderFault{.code = code::invalid_params,
                         .message = fmt::format("Missing required _meta field: io.modelcontextprotocol/{}", missing),
                         .data = {}};
    }
  }
  if (!meta.has_protocol_version) return std::nullopt;
  const auto revision = parse_revision(meta.protocol_version.view());
  for (const Revision each : supported) {
    if (revision == each) return std::nullopt;
  }
  return unsupported_version(supported, meta.protocol_version.view());
}

HeaderFault unsupported_version(std::span<const Revision> modern, std::string_view requested) {
  std::vector<Revision> supported{Revision::r2024_11_05, Revision::r2025_03_26, Revision::r2025_06_18, Revision::r2025_11_25};
  supported.insert(supported.end(), modern.begin(), modern.end());
  std::string list;
  for (const Revision each : supported) fmt::format_to(std::back_inserter(list), "{}\"{}\"", list.empty() ? "" : ",", word(each));
  return {.code = code::unsupported_version,
          .message = "Unsupported protocol version",
          .data = fmt::format(R"({{"supported":[{}],"requested":{}}})", list, json::quoted(requested.substr(0, 64)))};
}

namespace {

/// `put` gets the two parts of each header's name, and the text that it mirrors.
template <class Put>
void mirror(const Message& message, Revision revision, std::span<const ParamHeader> params, Put put) {
  put(version_header, std::string_view(), word(revision));
  put(method_header, std::string_view(), message.method.view());
  if (const auto named = find_named(message); named && named->is_string()) put(name_header, std::string_view(), Text(*named).view());
  if (params.empty() || message.method_id != MethodId::tools_call || !message.params) return;

  const auto arguments = message.params.find("arguments");
  for (const ParamHeader& param : params) {
    const auto value = arguments ? find_argument(*arguments, param) : std::nullopt;
    const auto text = value ? argument_text(*value) : std::nullopt;
    if (text) put(param_prefix, std::string_view(param.name), std::string_view(*text));
  }
}

}  // namespace

std::vector<OwnedHeader> mirrored_headers(const Message& message, Revision revision, std::span<const ParamHeader> params) {
  std::vector<OwnedHeader> out;
  mirror(message, revision, params, [&](std::string_view name, std::string_view rest, std::string_view text) {
    out.push_back({.name = std::string(name) + std::string(rest), .value = encode_header_value(text)});
  });
  return out;
}

std::string mirrored_lines(const Message& message, Revision revision, std::span<const ParamHeader> params) {
  std::string lines;
  lines.reserve(192);
  mirror(message, revision, params, [&](std::string_view name, std::string_view rest, std::string_view text) {
    lines += name;
    lines += rest;
    lines += ": ";
    append_header_value(lines, text);
    lines += "\r\n";
  });
  return lines;
}

}  // namespace callgate::mcp
