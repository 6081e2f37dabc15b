#include "catalogue/tool_page.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "catalogue/escape.hpp"
#include "catalogue/sentences.hpp"
#include "catalogue/tool_sections.hpp"

namespace callgate::catalogue {
namespace {

using classify::Classification;

class Builder {
 public:
  explicit Builder(const ToolView& view) : view_(view), tool_(*view.tool), name_(code(tool_.tool)), server_(text(called(*view.server))) {}

  Page build() {
    page_.title = fmt::format("{} · {} · {} risk", tool_.tool, word(tool_.category), word(tool_.risk));
    page_.root = "../";
    page_.path = {{"Catalogue", "../index.html"}, {called(*view_.server), "index.html"}, {tool_.tool, ""}};
    page_.heading = {name_};
    page_.badges = badges_of(tool_);
    if (!view_.title.empty()) page_.lead.push_back(paragraph({quote(view_.title)}));
    page_.lead.push_back(paragraph(lead()));
    page_.lead.push_back(facts());
    does();
    add(why_section(view_));
    add(signals_section(view_));
    add(modes_section(view_));
    add(attacks_section(view_));
    add(control_section(view_));
    add(parameters_section(view_));
    add(siblings_section(view_));
    add(history_section(view_));
    questions();
    foot();
    return std::move(page_);
  }

 private:
  Line lead() const {
    Line line = say("lead", {{"tool", name_}, {"article", text(article(word(tool_.category)))}, {"category", text(word(tool_.category))}, {"risk", text(lower(word(tool_.risk)))}, {"server", server_}});
    line.push_back(text(" "));
    const std::string first = first_sentence(view_.description);
    for (Inline& each : first.empty() ? say("lead/silent") : say("lead/says", {{"quote", quote(bounded(first, longest_quote))}})) line.push_back(std::move(each));
    return line;
  }

  Block facts() const {
    Block block{.kind = Block::Kind::facts};
    const auto row = [&block](std::string_view name, Line value) { block.rows.push_back({{text(name)}, std::move(value)}); };
    const ServerFacts& server = *view_.server;
    row("Server", {server_});
    if (!server.package.empty()) row("Package", {text(server.version.empty() ? server.package : server.package + " " + server.version)});
    if (!server.listed_at.empty()) row("Listed", {text(server.listed_at)});
    if (!server.protocol.empty()) row("Protocol", {text(server.protocol)});
    if (!view_.hash.empty()) row("Definition", {code(view_.hash)});
    if (view_.kept != nullptr) row("State", say(fmt::format("state/{}", word(view_.kept->state))));
    if (tool_.overridden) row("Override", say("override/fact", {{"reason", quote(bounded(tool_.overridden->reason, longest_quote))}}));
    row("Parameters", {text(fmt::format("{}, {} required", view_.arguments, view_.required))});
    row("Annotations", {view_.annotations.empty() ? text("none") : code(bounded(view_.annotations, longest_quote))});
    row("Output schema", {text(view_.has_output_schema ? "yes" : "no")});
    return block;
  }

  Section& section(std::string_view id, std::string_view heading) { return page_.sections.emplace_back(std::string(id), std::string(heading)); }
  void add(std::optional<Section> part) {
    if (part) page_.sections.push_back(std::move(*part));
  }

  std::vector<Line> acts() const {
    std::vector<Line> lines;
    if (tool_.modes) lines.push_back(say("does/mode_argument", {{"argument", code(tool_.modes->argument)}}));
    // What was sent is not taken back.
    const bool for_good = tool_.category == classify::Category::write && (has_signal(tool_, "irreversible") || has_signal(tool_, "sends_outside"));
    lines.push_back(say(is_unknown(tool_) ? "category/unknown" : for_good ? "category/Write_for_good" : fmt::format("category/{}", word(tool_.category))));
    if (!is_unknown(tool_) && !tool_.overridden && tool_.confidence < classify::needs_a_look_below) lines.push_back(say("category/unsure"));
    if (tool_.modes && !tool_.modes->closed) lines.push_back(say("does/open_modes", {{"argument", code(tool_.modes->argument)}}));
    for (const std::string& signal : tool_.signals) {
      const std::string id = "does/" + signal;
      if (lines.size() < 6 && signal != "mode_argument" && can_say(id)) lines.push_back(told(signal, id));
    }
    return lines;
  }

  /// With the tool, or the words of the server, that the plain sentence leaves open.
  Line told(std::string_view signal, const std::string& id) const {
    if (signal == "expires") {
      const auto words = std::ranges::find_if(tool_.evidence, [](const classify::Evidence& each) {
        return each.rule == "signal/expires" && !each.against && each.text.find_first_of("0123456789") != std::string::npos;
      });
      if (words != tool_.evidence.end()) return say("does/expires_says", {{"quote", quote(bounded(words->text, longest_quote))}});
    }
    if (signal == "starts_job") {
      if (const Sibling* poll = sibling([](const Classification& each) { return each.category == classify::Category::read; })) return say("does/starts_job_told", {{"tool", link_to(*poll)}});
    }
    if (signal == "drafts_rights") {
      if (const Sibling* user = sibling([](const Classification& each) { return has_signal(each, "grants_rights"); })) return say("does/drafts_rights_used", {{"tool", link_to(*user)}});
    }
    return say(id);
  }

  static Inline link_to(const Sibling& sibling) { return link(sibling.tool->tool, url_segment(sibling.file) + ".html"); }

  /// A sibling that the description names, else one on the same thing.
  template <typename Fits>
  const Sibling* sibling(Fits fits) const {
    const Sibling* same = nullptr;
    for (const Sibling& each : view_.siblings) {
      if (!fits(*each.tool)) continue;
      if (names(view_.description, each.tool->tool)) return &each;
      if (each.same_work && same == nullptr) same = &each;
    }
    return same;
  }

  /// Whether a name stands in a text, and not as a part of a longer one.
  static bool names(std::string_view text, std::string_view name) {
    const auto joins = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-'; };
    for (std::size_t at = text.find(name); !name.empty() && at != std::string_view::npos; at = text.find(name, at + 1)) {
      const std::size_t behind = at + name.size();
      if ((at == 0 || !joins(text[at - 1])) && (behind == text.size() || !joins(text[behind]))) return true;
    }
    return false;
  }

  void does() {
    Section& part = section("does", "What it does");
    Line line;
    for (Line& each : acts()) {
      if (!line.empty()) line.push_back(text(" "));
      std::ranges::move(each, std::back_inserter(line));
    }
    part.blocks.push_back(paragraph(std::move(line)));
    if (view_.description.empty()) return;
    std::vector<Block> inside{snippet(view_.description)};
    if (has_signal(tool_, "instructions_in_text")) inside.insert(inside.begin(), paragraph(say("signal/instructions_in_text")));
    part.blocks.push_back(fold({text("The whole description, as its server sends it")}, std::move(inside)));
  }

  void ask(std::string_view question, Line answer) {
    Section& part = page_.sections.back();
    part.blocks.push_back({.kind = Block::Kind::heading, .line = say(fmt::format("ask/{}", question), {{"tool", name_}})});
    part.blocks.push_back(paragraph(std::move(answer)));
  }

  void questions() {
    section("questions", "Questions");
    Line does;
    const std::vector<Line> all = acts();
    for (std::size_t i = 0; i < std::min<std::size_t>(2, all.size()); ++i) {
      if (i > 0) does.push_back(text(" "));
      std::ranges::copy(all[i], std::back_inserter(does));
    }
    ask("does", std::move(does));
    ask("policy", say("answer/policy"));
    ask("risk", risk_answer(view_));
    ask("limit", say("answer/limit", {{"code", code("rate_limit: {max: 10, window: 60}")}, {"per", code("per")}}));
    ask("block", say("answer/block", {{"deny", code("action: deny")}, {"reason", code("reason")}, {"hide", code("action: hide")}}));
    ask("server", view_.servers.size() > 1 ? say("answer/servers", {{"count", text(std::to_string(view_.servers.size()))}, {"servers", text(listed(view_.servers))}})
                                           : provider());
    if (has_signal(tool_, "cost")) ask("cost", say("answer/cost"));
    if (has_signal(tool_, "irreversible")) ask("undo", say("answer/undo"));
    if (view_.rule != nullptr && !view_.rule->clauses.empty()) ask("arguments", say("answer/arguments", {{"names", text(restricted(*view_.rule))}}));
  }

  Line provider() const {
    const ServerFacts& server = *view_.server;
    Line line = say("answer/server", {{"server", server_}});
    const std::string package = server.package.empty() || server.version.empty() ? server.package : server.package + " " + server.version;
    if (package.empty()) return line;
    line.push_back(text(" "));
    std::ranges::move(say("answer/package", {{"package", text(package)}}), std::back_inserter(line));
    return line;
  }

  void foot() {
    page_.foot.push_back(say("foot/twin", {{"json", link("JSON", url_segment(view_.file) + ".json")}, {"yaml", link("YAML", url_segment(view_.file) + ".yaml")}}));
    page_.foot.push_back(say("foot/made", {{"version", text(CALLGATE_VERSION)}, {"classifier", text(view_.classifier)}}));
    if (!view_.server->listed_at.empty()) page_.foot.push_back(say("foot/listed", {{"date", text(view_.server->listed_at)}}));
  }

  const ToolView& view_;
  const Classification& tool_;
  Inline name_;
  Inline server_;
  Page page_;
};

}  // namespace

Page tool_page(const ToolView& view) { return Builder(view).build(); }

}  // namespace callgate::catalogue
