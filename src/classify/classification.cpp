#include "classify/classification.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>

#include "base/json.hpp"

namespace callgate::classify {
namespace {

constexpr std::array<std::string_view, 5> category_words{"Read", "Write", "Execute", "Destructive", "Financial"};
constexpr std::array<std::string_view, 4> risk_words{"Low", "Medium", "High", "Critical"};

bool same_letters(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
  return std::ranges::equal(a, b, {}, lower, lower);
}

template <class Value, std::size_t size>
std::optional<Value> value_of(const std::array<std::string_view, size>& words, std::string_view word) {
  for (std::size_t i = 0; i < size; ++i) {
    if (same_letters(words[i], word)) return static_cast<Value>(i);
  }
  return std::nullopt;
}

void append(std::string& out, const Evidence& each) {
  fmt::format_to(std::back_inserter(out), R"({{"for":"{}","field":)", word(each.claim));
  json::append_quoted(out, each.field);
  out += R"(,"text":)";
  json::append_quoted(out, each.text);
  fmt::format_to(std::back_inserter(out), R"(,"start":{},"end":{},"says":)", each.start, each.end);
  json::append_quoted(out, each.says);
  out += R"(,"rule":)";
  json::append_quoted(out, each.rule);
  if (each.against) out += R"(,"against":true)";
  out += '}';
}

void append(std::string& out, const Modes& modes) {
  out += R"({"argument":)";
  json::append_quoted(out, modes.argument);
  out += modes.closed ? R"(,"closed":true,"values":[)" : R"(,"closed":false,"values":[)";
  for (const Mode& mode : modes.values) {
    if (&mode != modes.values.data()) out += ',';
    out += R"({"value":)";
    json::append_quoted(out, mode.value);
    fmt::format_to(std::back_inserter(out), R"(,"category":"{}","risk":"{}"}})", word(mode.category), word(mode.risk));
  }
  out += "]}";
}

}  // namespace

std::string_view word(Category category) { return category_words[static_cast<std::size_t>(category)]; }
std::string_view word(Risk risk) { return risk_words[static_cast<std::size_t>(risk)]; }

std::string_view word(Claim claim) {
  switch (claim) {
    case Claim::category: return "category";
    case Claim::risk: return "risk";
    case Claim::signal: return "signal";
  }
  return "signal";
}

std::optional<Category> category_of(std::string_view word) { return value_of<Category>(category_words, word); }
std::optional<Risk> risk_of(std::string_view word) { return value_of<Risk>(risk_words, word); }

std::string to_json(const Classification& tool, std::string_view server, std::string_view classifier) {
  std::string out = R"({"server":)";
  json::append_quoted(out, server);
  out += R"(,"tool":)";
  json::append_quoted(out, tool.tool);
  fmt::format_to(std::back_inserter(out), R"(,"category":"{}","risk":"{}","confidence":{:.2f},"grounds":)", word(tool.category),
                 word(tool.risk), tool.confidence);
  json::append_quoted(out, tool.grounds);
  out += R"(,"evidence":[)";
  for (const Evidence& each : tool.evidence) {
    if (&each != tool.evidence.data()) out += ',';
    append(out, each);
  }
  out += R"(],"signals":[)";
  for (const std::string& signal : tool.signals) {
    if (&signal != tool.signals.data()) out += ',';
    json::append_quoted(out, signal);
  }
  out += ']';
  if (tool.modes) {
    out += R"(,"modes":)";
    append(out, *tool.modes);
  }
  if (tool.overridden) {
    fmt::format_to(std::back_inserter(out), R"(,"override":{{"judged":{{"category":"{}","risk":"{}"}},"reason":)", word(tool.overridden->category), word(tool.overridden->risk));
    json::append_quoted(out, tool.overridden->reason);
    out += '}';
  }
  out += R"(,"classifier":)";
  json::append_quoted(out, classifier);
  return out + '}';
}

}  // namespace callgate::classify
