#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <span>

#include "catalogue/escape.hpp"
#include "catalogue/sentences.hpp"
#include "catalogue/tool_sections.hpp"

namespace callgate::catalogue {

using classify::Category;

std::optional<Section> parameters_section(const ToolView& view) {
  if (view.parameters.empty()) return std::nullopt;
  Block table{.kind = Block::Kind::table, .columns = {"Name", "Type", "Required", "Default", "Bounds", "Description"}};
  for (const ParameterRow& each : std::span(view.parameters).first(std::min(view.parameters.size(), max_parameter_rows))) {
    Line bounds{text(each.bounds)};
    if (each.free_object) bounds = say("parameter/free");
    if (each.deeper) {
      bounds.push_back(text(plain(bounds).empty() ? "" : "; "));
      std::ranges::move(say("parameter/deeper"), std::back_inserter(bounds));
    }
    if (!each.from_text.empty()) {
      bounds.push_back(text(plain(bounds).empty() ? "" : "; "));
      std::ranges::move(say("parameter/text"), std::back_inserter(bounds));
      bounds.push_back(text(": " + each.from_text));
    }
    table.rows.push_back({{code(each.path)}, {text(each.type)}, {text(each.required ? "yes" : "no")}, {each.fallback.empty() ? text("") : code(bounded(each.fallback, 120))}, std::move(bounds),
                          {text(bounded(each.description, 600))}});
  }
  Section part{"parameters", "Parameters", {std::move(table)}};
  if (view.parameters.size() > max_parameter_rows) part.blocks.push_back(paragraph(say("parameter/more", {{"count", text(std::to_string(max_parameter_rows))}})));
  return part;
}

std::optional<Section> siblings_section(const ToolView& view) {
  if (view.siblings.empty()) return std::nullopt;
  Section part{"siblings", "Sibling tools"};
  const auto add = [&](std::string_view heading, const auto& takes) {
    std::vector<Line> items;
    for (const Sibling& each : view.siblings) {
      const std::string risk = each.same_work ? fmt::format(" · {} · {}", word(each.tool->category), word(each.tool->risk)) : fmt::format(" · {}", word(each.tool->risk));
      if (takes(each)) items.push_back({link(each.tool->tool, url_segment(each.file) + ".html"), text(risk)});
    }
    if (items.empty()) return;
    part.blocks.push_back({.kind = Block::Kind::heading, .line = {text(heading)}});
    part.blocks.push_back(list(std::move(items)));
  };
  add("On the same thing", [](const Sibling& each) { return each.same_work; });
  for (const Category category : {Category::read, Category::write, Category::execute, Category::destructive, Category::financial}) {
    add(word(category), [category](const Sibling& each) { return !each.same_work && each.tool->category == category; });
  }
  if (view.siblings.size() + 1 < view.listed) part.blocks.push_back(paragraph(say("sibling/all", {{"count", link(std::to_string(view.listed), "index.html")}})));
  return part;
}

std::optional<Section> history_section(const ToolView& view) {
  if (view.kept == nullptr) return std::nullopt;
  const KeptFacts& kept = *view.kept;
  std::vector<Line> items;
  if (!kept.pinned_on.empty()) items.push_back(say("history/pinned", {{"date", text(kept.pinned_on)}}));
  if (!kept.offered_on.empty()) {
    const std::string_view id = kept.state == KeptFacts::State::unpinned ? "history/new" : "history/offered";
    items.push_back(say(id, {{"date", text(kept.offered_on)}, {"command", code("callgate server pin " + view.server->id)}}));
  }
  if (items.empty()) return std::nullopt;
  Section part{"history", "History", {list(std::move(items))}};
  if (!kept.difference.empty()) part.blocks.push_back(fold({text("What differs")}, {snippet(kept.difference)}));
  return part;
}

}  // namespace callgate::catalogue
