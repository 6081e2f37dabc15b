#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "catalogue/sentences.hpp"
#include "catalogue/tool_sections.hpp"
#include "generate/yaml_writer.hpp"

namespace callgate::catalogue {
namespace {

using classify::Classification;

/// What makes people careful with a tool that has its category's risk.
constexpr std::array<std::string_view, 9> weighty_signals{"cost",           "drafts_rights", "grants_rights",   "returns_secrets", "free_form_code",
                                                          "free_form_query", "irreversible",  "infrastructure", "sends_outside"};

bool is_default_risk(const Classification& tool) {
  return tool.risk >= classify::Risk::high && std::ranges::any_of(tool.evidence, [](const classify::Evidence& each) { return each.claim == classify::Claim::risk && each.rule == "default"; });
}

bool is_of(const classify::Evidence& each, std::string_view signal) {
  return each.claim == classify::Claim::signal && each.rule.starts_with("signal/") && std::string_view(each.rule).substr(7) == signal;
}

Line evidence_line(std::string_view id, const classify::Evidence& each) {
  return say(id, {{"says", text(bounded(each.says, longest_quote))}, {"quote", quote(bounded(each.text, longest_quote))}, {"field", code(bounded(each.field, longest_quote))}});
}

/// As a sentence begins.
std::string upper(std::string text) {
  if (!text.empty() && text[0] >= 'a' && text[0] <= 'z') text[0] = static_cast<char>(text[0] & ~0x20);
  return text;
}

/// What else speaks for care, where no row of the tables moved the risk.
std::vector<Line> weighty(const Classification& tool) {
  std::vector<Line> items;
  if (!is_default_risk(tool)) return items;
  for (const std::string_view signal : weighty_signals) {
    for (const classify::Evidence& each : tool.evidence) {
      if (is_of(each, signal)) items.push_back(evidence_line("evidence/for", each));
    }
  }
  return items;
}

/// Whether this half of the class is not the one that was found.
bool said_by_operator(const Classification& tool, classify::Claim claim) {
  return claim == classify::Claim::category ? tool.overridden->category != tool.category : tool.overridden->risk != tool.risk;
}

std::string judged(const Classification& tool, classify::Claim claim) {
  return claim == classify::Claim::category ? std::string(word(tool.overridden->category)) : fmt::format("{} risk", word(tool.overridden->risk));
}

}  // namespace

Section why_section(const ToolView& view) {
  const Classification& tool = *view.tool;
  Section part{"why", fmt::format("Why {}, why {}", word(tool.category), lower(word(tool.risk)))};
  for (const classify::Claim claim : {classify::Claim::category, classify::Claim::risk}) {
    std::vector<Line> items;
    for (const classify::Evidence& each : tool.evidence) {
      if (each.claim != claim) continue;
      items.push_back(evidence_line(each.against ? "evidence/against" : "evidence/for", each));
    }
    if (items.empty()) items.push_back(say("evidence/none"));
    if (claim == classify::Claim::risk) std::ranges::move(weighty(tool), std::back_inserter(items));
    if (tool.overridden && said_by_operator(tool, claim)) items = {say("override/for", {{"reason", quote(bounded(tool.overridden->reason, longest_quote))}, {"judged", text(judged(tool, claim))}})};
    part.blocks.push_back({.kind = Block::Kind::heading, .line = {text(claim == classify::Claim::category ? word(tool.category) : fmt::format("{} risk", word(tool.risk)))}});
    part.blocks.push_back(list(std::move(items)));
  }
  if (auto block = correction(view)) part.blocks.push_back(std::move(*block));
  return part;
}

std::optional<Section> signals_section(const ToolView& view) {
  const Classification& tool = *view.tool;
  if (tool.signals.empty()) return std::nullopt;
  std::vector<Line> items;
  for (const bool cost : {true, false}) {
    for (const std::string& signal : tool.signals) {
      if ((signal == "cost") != cost || !can_say("signal/" + signal)) continue;
      Line& line = items.emplace_back(say("signal/" + signal));
      for (const classify::Evidence& each : tool.evidence) {
        if (!is_of(each, signal)) continue;
        line.push_back(text(" "));
        Line said = evidence_line("evidence/signal", each);
        if (!said.empty()) said.front().text = upper(said.front().text);
        std::ranges::move(said, std::back_inserter(line));
      }
    }
  }
  return Section{"signals", "Risk signals", {list(std::move(items))}};
}

std::optional<Block> correction(const ToolView& view) {
  const Classification& tool = *view.tool;
  if (tool.overridden || view.rule == nullptr || view.hash.empty()) return std::nullopt;
  const std::string server = is_plain_name(view.server->id) ? generate::yaml_string(view.server->id) : "NAME";
  std::string lines = fmt::format("servers:\n  {}:\n    classes:\n      {}:\n", server, generate::yaml_string(tool.tool));
  lines += fmt::format("        category: {}\n        risk: {}\n        reason: say why\n        definition: {}\n", word(tool.category), word(tool.risk), view.hash);
  return fold(say("override/ask"), {paragraph(say("override/how", {{"file", code("callgate.yaml")}})), snippet(lines)});
}

Line risk_answer(const ToolView& view) {
  const Classification& tool = *view.tool;
  std::string says = "there is not enough to tell";
  for (const classify::Evidence& each : tool.evidence) {
    if (each.claim == classify::Claim::risk && !each.against) says = each.says;
  }
  if (is_default_risk(tool)) {
    for (const std::string_view signal : weighty_signals) {
      const auto found = std::ranges::find_if(tool.evidence, [signal](const classify::Evidence& each) { return is_of(each, signal); });
      if (found != tool.evidence.end()) says += "; " + found->says;
    }
  }
  if (tool.overridden && said_by_operator(tool, classify::Claim::risk)) says = "the configuration says so";
  return say("answer/risk", {{"tool", code(tool.tool)}, {"article", text(article(word(tool.category)))}, {"category", text(word(tool.category))}, {"risk", text(lower(word(tool.risk)))}, {"says", text(says)}});
}

}  // namespace callgate::catalogue
