#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "catalogue/sentences.hpp"
#include "catalogue/tool_sections.hpp"

namespace callgate::catalogue {

using classify::Classification;

bool has_signal(const Classification& tool, std::string_view signal) { return std::ranges::find(tool.signals, signal) != tool.signals.end(); }

std::string bounded(std::string_view text, std::size_t most) {
  if (text.size() <= most) return std::string(text);
  while (most > 0 && (static_cast<unsigned char>(text[most]) & 0xC0U) == 0x80U) --most;
  return std::string(text.substr(0, most)) + "…";
}

std::string lower(std::string_view word) {
  std::string out(word);
  out[0] = static_cast<char>(out[0] | 0x20);
  return out;
}

std::string called(const ServerFacts& server) {
  if (server.named == Named::by_operator) return server.id;
  constexpr std::size_t longest_name = 120;
  for (const std::string& own : {server.says.title, server.says.name}) {
    const std::size_t begin = own.find_first_not_of(" \t\r\n");
    if (begin != std::string::npos) return bounded(std::string_view(own).substr(begin, own.find_first_of("\r\n", begin) - begin), longest_name);
  }
  return server.id;
}

std::string_view word(KeptFacts::State state) {
  constexpr std::array<std::string_view, 3> words{"pinned", "quarantined", "new"};
  return words[static_cast<std::size_t>(state)];
}

bool is_unknown(const Classification& tool) { return tool.grounds == "unknown"; }

bool is_suspicious(const Classification& tool) {
  static constexpr std::array<std::string_view, 4> signs{"instructions_in_text", "odd_characters", "look_alike", "shadows"};
  return std::ranges::any_of(signs, [&](std::string_view sign) { return has_signal(tool, sign); });
}

std::string confidence_words(const Classification& tool) {
  const std::string_view id = tool.confidence >= 0.9 ? "confidence/sure" : tool.confidence >= classify::needs_a_look_below ? "confidence/likely" : "confidence/look";
  return plain(say(id, {{"number", text(fmt::format("{:.2f}", tool.confidence))}}));
}

std::string subject_of(const Classification& tool) {
  const auto verb = std::ranges::find_if(tool.evidence, [](const classify::Evidence& each) { return each.claim == classify::Claim::category && each.field == "/name"; });
  if (verb == tool.evidence.end() || verb->start > verb->end || verb->end > tool.tool.size()) return {};
  const auto trimmed = [](std::string_view part) {
    constexpr std::string_view separators = "_-. /";
    const std::size_t first = part.find_first_not_of(separators);
    return first == std::string_view::npos ? std::string_view() : part.substr(first, part.find_last_not_of(separators) - first + 1);
  };
  const std::string_view name = tool.tool;
  std::string_view subject = trimmed(name.substr(0, verb->start));
  if (subject.empty()) subject = trimmed(name.substr(verb->end));
  std::string out(subject);
  for (char& c : out) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c | 0x20 : c);
  if (out.size() > 3 && out.back() == 's') out.pop_back();
  return out;
}

std::string first_sentence(std::string_view description) {
  std::string out;
  for (std::size_t i = 0; i < description.size(); ++i) {
    const char c = description[i];
    const bool paragraph_ends = c == '\n' && i + 1 < description.size() && (description[i + 1] == '\n' || description[i + 1] == ' ');
    if (paragraph_ends && !out.empty()) break;
    const bool blank = c == ' ' || c == '\n' || c == '\t' || c == '\r';
    if (blank && (out.empty() || out.back() == ' ')) continue;
    out += blank ? ' ' : c;
    if ((c == '.' || c == '!' || c == '?') && (i + 1 == description.size() || description[i + 1] == ' ' || description[i + 1] == '\n')) break;
  }
  while (!out.empty() && out.back() == ' ') out.pop_back();
  return out;
}

Line badges_of(const Classification& tool) {
  const auto badge = [](std::string_view word, std::string_view kind) { return Inline{Inline::Kind::badge, std::string(word), std::string(kind)}; };
  return {badge(word(tool.category), "category"), badge(fmt::format("{} risk", word(tool.risk)), fmt::format("risk-{}", word(tool.risk))), badge(confidence_words(tool), "confidence")};
}

}  // namespace callgate::catalogue
