#include "cli/scan_view.hpp"

#include <fmt/format.h>
#include <fmt/ostream.h>

#include <algorithm>
#include <array>

#include "base/json.hpp"
#include "registry/difference.hpp"

namespace callgate::cli {
namespace {

using classify::Classification;
using classify::Risk;
using registry::visible;

constexpr std::size_t widest_name = 44;

std::string in_colour(std::string text, Risk risk, Colour colour) {
  if (risk == Risk::critical || risk == Risk::high) return red(text, colour);
  return risk == Risk::medium ? yellow(text, colour) : green(text, colour);
}

/// A name for a column: visible, and no wider than it.
std::string scan_cell(std::string_view name) {
  std::string text = visible(name);
  if (text.size() > widest_name) text = text.substr(0, widest_name - 3) + "...";
  return text;
}

std::string why(const Classification& tool) {
  if (tool.overridden) {
    return fmt::format("by the configuration (judged {} {}): {}", word(tool.overridden->risk), word(tool.overridden->category), visible(tool.overridden->reason));
  }
  for (const classify::Claim claim : {classify::Claim::risk, classify::Claim::category}) {
    for (const classify::Evidence& each : tool.evidence) {
      if (each.claim == claim && !each.against && each.rule != "default") return fmt::format("{}: `{}`", visible(each.says), scan_cell(each.text));
    }
  }
  return "";
}

/// What speaks of a list, or a text, that is made to mislead.
void write_warnings(std::ostream& out, const Classification& tool, Colour colour) {
  for (const std::string_view signal : {"look_alike", "shadows", "odd_characters", "instructions_in_text"}) {
    if (!std::ranges::binary_search(tool.signals, signal)) continue;
    const auto found = std::ranges::find_if(tool.evidence, [signal](const classify::Evidence& each) { return each.rule.starts_with("signal/") && std::string_view(each.rule).substr(7) == signal; });
    const std::string said = found == tool.evidence.end() ? "" : fmt::format(": {}: `{}`", visible(found->says), scan_cell(found->text));
    fmt::print(out, "      {} {}{}\n", yellow("!", colour), signal, said);
  }
}

void write_long(std::ostream& out, const Classification& tool) {
  for (const classify::Evidence& each : tool.evidence) {
    fmt::print(out, "      {} {}: {} says `{}` ({})\n", each.against ? "but" : "for", word(each.claim),
               visible(each.field), scan_cell(each.text), visible(each.says));
  }
  if (tool.modes) {
    fmt::print(out, "      `{}` chooses{}:", visible(tool.modes->argument), tool.modes->closed ? "" : " (examples, the list is open)");
    for (const classify::Mode& mode : tool.modes->values) fmt::print(out, " {}={}/{}", scan_cell(mode.value), word(mode.category), word(mode.risk));
    out << '\n';
  }
  if (tool.signals.empty()) return;
  out << "      signals:";
  for (const std::string& signal : tool.signals) out << ' ' << signal;
  out << '\n';
}

void write_drift(std::ostream& out, const Scanned& scanned, Colour colour) {
  if (!scanned.looked) return;
  if (scanned.drift.first) {
    out << "  first look: from now on what changes is shown\n";
    return;
  }
  if (scanned.drift.changes.empty()) out << "  nothing has changed since the last look\n";
  for (const Change& change : scanned.drift.changes) {
    fmt::print(out, "  {} since the last look: `{}`\n{}", yellow(std::string(word(change.kind)), colour), visible(change.tool), change.difference);
  }
}

std::string summary(const std::vector<Classification>& tools) {
  std::array<std::size_t, 4> counts{};
  for (const Classification& tool : tools) ++counts[static_cast<std::size_t>(tool.risk)];
  std::string text;
  for (const Risk risk : {Risk::critical, Risk::high, Risk::medium, Risk::low}) {
    const std::size_t count = counts[static_cast<std::size_t>(risk)];
    if (count > 0) text += fmt::format("{}{} {}", text.empty() ? "" : ", ", count, word(risk));
  }
  return text;
}

}  // namespace

void write_table(std::ostream& out, const Scanned& scanned, bool long_form, Colour colour) {
  fmt::print(out, "{}: {} tool{}{}{}\n", visible(scanned.server), scanned.tools.size(), scanned.tools.size() == 1 ? "" : "s",
             scanned.tools.empty() ? "" : ": ", summary(scanned.tools));
  std::vector<const Classification*> order;
  std::size_t width = 4;
  for (const Classification& tool : scanned.tools) {
    order.push_back(&tool);
    width = std::max(width, scan_cell(tool.tool).size());
  }
  std::ranges::sort(order, [](const Classification* a, const Classification* b) { return a->risk != b->risk ? a->risk > b->risk : a->tool < b->tool; });
  bool unsure = false;
  for (const Classification* tool : order) {
    const bool look = tool->confidence < classify::needs_a_look_below;
    unsure |= look;
    fmt::print(out, "  {} {:11}  {:{}} {} {}\n", in_colour(fmt::format("{:8}", word(tool->risk)), tool->risk, colour), word(tool->category),
               scan_cell(tool->tool), width, look ? "?" : " ", why(*tool));
    if (long_form) {
      write_long(out, *tool);
    } else {
      write_warnings(out, *tool, colour);
    }
  }
  if (unsure) out << "  ? needs a look: the definition says too little, or speaks both ways\n";
  write_drift(out, scanned, colour);
}

void append_json(std::string& out, const Scanned& scanned, std::string_view classifier) {
  for (const Classification& tool : scanned.tools) {
    if (out.size() > 1) out += ",\n";
    out += to_json(tool, scanned.server, classifier);
    const auto change = std::ranges::find(scanned.drift.changes, tool.tool, &Change::tool);
    if (change == scanned.drift.changes.end()) continue;
    out.pop_back();
    fmt::format_to(std::back_inserter(out), R"(,"drift":{{"kind":"{}","difference":{}}}}})", word(change->kind), json::quoted(change->difference));
  }
}

}  // namespace callgate::cli
