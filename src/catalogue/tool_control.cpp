#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "catalogue/sentences.hpp"
#include "catalogue/tool_sections.hpp"
#include "generate/policy_text.hpp"

namespace callgate::catalogue {
namespace {

using classify::Classification;
using policy::Verdict;

constexpr std::size_t shown_attacks = 6;

std::string words_of(Verdict action) {
  if (action == Verdict::allow) return "allowed";
  if (action == Verdict::require_approval) return "asks a person";
  return action == Verdict::hide ? "hidden" : "refused";
}

std::vector<Block> blocks_of(const Attack& attack) {
  std::vector<Block> blocks{paragraph({text(attack.happens)}), paragraph({text("Answered by: "), text(attack.answered_by), text(".")})};
  Line mappings;
  for (const std::string& mapping : attack.mappings) mappings.push_back(text((mappings.empty() ? "" : ", ") + mapping));
  if (!mappings.empty()) blocks.push_back(paragraph(std::move(mappings)));
  std::vector<Line> references;
  for (const Reference& each : attack.references) references.push_back({link(each.label, std::string(each.address))});
  if (!references.empty()) blocks.push_back(list(std::move(references)));
  return blocks;
}

/// `what`: of which calls it speaks, in the singular.
Line limit_line(const generate::Limit& limit, std::string_view what) {
  return say("rule/limit", {{"calls", text(count_of(limit.max, what))}, {"window", text(generate::window_text(limit.window))}, {"why", text(limit.why)}});
}

/// What becomes of some of a tool's acts.
Line meaning(const generate::Case& each) {
  constexpr std::size_t most = 12;  // the rule itself has them all
  std::vector<std::string> values;
  for (std::size_t i = 0; i < std::min(most, each.values.size()); ++i) values.push_back(bounded(each.values[i], 60));
  if (each.values.size() > most) values.push_back(fmt::format("{} more", each.values.size() - most));
  if (each.missing) values.emplace_back("left out");
  Line line = say(fmt::format("rule/case_{}", policy::word(each.action)), {{"argument", code(each.argument)}, {"values", text(listed(values, "or"))}});
  if (each.limit) {
    line.push_back(text(" "));
    std::ranges::move(limit_line(*each.limit, "such call"), std::back_inserter(line));
  }
  return line;
}

std::vector<Line> meaning(const generate::Rule& rule) {
  const bool parted = !rule.cases.empty() && rule.action > Verdict::deny;
  std::vector<Line> lines;
  if (parted) {
    for (const generate::Case& each : rule.cases) lines.push_back(meaning(each));
  }
  lines.push_back(say(fmt::format("rule/{}{}", parted ? "other_" : "", policy::word(rule.action))));
  if (rule.action > Verdict::deny && rule.limit) lines.push_back(limit_line(*rule.limit, "call"));
  if (!rule.clauses.empty()) lines.push_back(say("rule/arguments", {{"names", text(restricted(rule))}}));
  if (rule.closed) lines.push_back(say("rule/closed"));
  if (!rule.tests.empty()) lines.push_back(say("rule/tests", {{"count", text(count_of(rule.tests.size(), "test"))}}));
  return lines;
}

}  // namespace

std::optional<Section> modes_section(const ToolView& view) {
  const Classification& tool = *view.tool;
  if (!tool.modes) return std::nullopt;
  // Without a rule the default of a policy stands, which is to refuse.
  const auto suggested = [](std::optional<Verdict> verdict) { return text(words_of(verdict.value_or(Verdict::deny))); };
  const generate::ModeVerdicts verdicts = view.mode_verdicts.value_or(generate::ModeVerdicts{});
  Block table{.kind = Block::Kind::table, .columns = {tool.modes->argument, "Category", "Risk", "Suggested"}};
  for (std::size_t i = 0; i < tool.modes->values.size(); ++i) {
    const classify::Mode& mode = tool.modes->values[i];
    const auto verdict = i < verdicts.values.size() ? std::optional(verdicts.values[i]) : std::nullopt;
    table.rows.push_back({{code(bounded(mode.value, 100))}, {text(word(mode.category))}, {text(word(mode.risk))}, {suggested(verdict)}});
  }
  const auto other = [&](std::string_view what, const auto& judged, std::optional<Verdict> verdict) {
    table.rows.push_back({{text(what)}, {text(word(judged.category))}, {text(word(judged.risk))}, {suggested(verdict)}});
  };
  if (!tool.modes->closed) other("anything else", tool, verdicts.anything_else);
  if (verdicts.left_out && verdicts.left_out_is) {
    other("left out", tool.modes->values[*verdicts.left_out_is], verdicts.left_out);
  } else if (verdicts.left_out) {
    other("left out", tool, verdicts.left_out);
  }
  return Section{"modes", "Acts of this tool", {std::move(table)}};
}

Section attacks_section(const ToolView& view) {
  Section part{"attacks", "Attacks that exploit this kind of access"};
  if (view.attacks.empty()) part.blocks.push_back(paragraph(say("attacks/none")));
  std::vector<Block> more;
  for (std::size_t i = 0; i < view.attacks.size(); ++i) {
    Block one = attack_block(*view.attacks[i]);
    (i < shown_attacks ? part.blocks : more).push_back(std::move(one));
  }
  if (!more.empty()) part.blocks.push_back(fold(say("attacks/more", {{"count", text(std::to_string(view.attacks.size()))}}), std::move(more)));
  return part;
}

Section control_section(const ToolView& view) {
  Section part{"control", "How to control it"};
  part.blocks.push_back(snippet(view.policy));
  if (view.rule != nullptr) part.blocks.push_back(list(meaning(*view.rule)));
  if (view.rule != nullptr && view.listed > 1) part.blocks.push_back(paragraph(say("rule/alone", {{"policy", link("policy.yaml", "policy.yaml")}})));
  part.blocks.push_back(steps_with(*view.server, view.rule == nullptr ? "policy.yaml" : view.file + ".yaml"));
  return part;
}

Block attack_block(const Attack& attack) { return fold({text(attack.name), text(fmt::format(" · {}", word(attack.severity)))}, blocks_of(attack)); }

bool is_plain_name(std::string_view name) {
  return !name.empty() && name.size() <= 64 && std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.' || c == '-';
  });
}

Block steps_with(const ServerFacts& server, std::string_view file) {
  const std::string name = is_plain_name(server.id) ? server.id : "NAME";
  const std::string command = server.is_remote() ? fmt::format("callgate server add {} --policy {} --url URL", name, file) : fmt::format("callgate server add {} --policy {} -- COMMAND", name, file);
  Block steps{.kind = Block::Kind::steps};
  steps.items.push_back(say("step/save", {{"file", code(file)}, {"command", code(fmt::format("callgate policy check --strict {}", file))}}));
  steps.items.push_back(say("step/register", {{"command", code(command)}}));
  steps.items.push_back(say("step/point", {{"command", code("callgate serve")}, {"address", code(fmt::format("http://127.0.0.1:8808/mcp/{}", name))}}));
  return steps;
}

std::string restricted(const generate::Rule& rule) {
  std::vector<std::string> names;
  for (const generate::Clause& clause : rule.clauses) names.push_back(clause.argument);
  return listed(names);
}

}  // namespace callgate::catalogue
