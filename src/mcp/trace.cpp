#include "mcp/trace.hpp"

#include <algorithm>

namespace callgate::mcp {

namespace {

bool is_hex(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

bool is_zero(std::string_view text) { return text.find_first_not_of('0') == std::string_view::npos; }

}  // namespace

/// version "-" trace-id "-" parent-id "-" flags; later versions may say more behind that.
std::string_view trace_id(std::string_view traceparent) {
  constexpr std::size_t size = 55;
  if (traceparent.size() < size || traceparent[2] != '-' || traceparent[35] != '-' || traceparent[52] != '-') return {};
  const std::string_view version = traceparent.substr(0, 2);
  const std::string_view trace = traceparent.substr(3, 32);
  const std::string_view parent = traceparent.substr(36, 16);
  if (!is_hex(version) || !is_hex(trace) || !is_hex(parent) || !is_hex(traceparent.substr(53, 2))) return {};
  if (version == "ff" || is_zero(trace) || is_zero(parent)) return {};
  const bool ends = traceparent.size() == size || (version != "00" && traceparent[size] == '-');
  return ends ? trace : std::string_view{};
}

std::string_view trace_id(const Message& message) {
  const auto text = message.meta ? message.meta.find("traceparent") : std::nullopt;
  // Escapes would make a text that is none.
  return text && text->is_string() ? trace_id(text->raw_string()) : std::string_view{};
}

}  // namespace callgate::mcp
