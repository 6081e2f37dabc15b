#include "catalogue/tool_page.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "catalogue/escape.hpp"
#include "catalogue/sentences.hpp"
#include "generate/policy_text.hpp"

namespace callgate::catalogue {
namespace {

using classify::Category;
using classify::Classification;
using policy::Verdict;

constexpr std::size_t longest_quote = 300;
constexpr std::size_t shown_attacks = 6;
/// What makes people careful with a tool that has its category's risk.
constexpr std::array<std::string_view, 9> weighty_signals{"cost",           "drafts_rights", "grants_rights",   "returns_secrets", "free_form_code",
                                                          "free_form_query", "irreversible",  "infrastructure", "sends_outside"};

bool has_signal(const Classification& tool, std::string_view signal) { return std::ranges::find(tool.signals, signal) != tool.signals.end(); }

std::string bounded(std::string_view text, std::size_t most) {
  if (text.size() <= most) return std::string(text);
  while (most > 0 && (static_cast<unsigned char>(text[most]) & 0xC0U) == 0x80U) --most;
  return std::string(text.substr(0, most)) + "…";
}

bool is_plain_name(std::string_view name) {
  return !name.empty() && name.size() <= 64 && std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.' || c == '-';
  });
}

class Builder {
 public:
  explicit Builder(const ToolView& view) : view_(view), tool_(*view.tool), name_(code(tool_.tool)), server_(text(view.server->id)) {}

  Page build() {
    page_.title = fmt::format("{} · {} · {} risk", tool_.tool, word(tool_.category), word(tool_.risk));
    page_.root = "../";
    page_.path = {{"Catalogue", "../index.html"}, {view_.server->id, "index.html"}};
    page_.heading = {name_};
    page_.badges = badges_of(tool_);
    if (!view_.title.empty()) page_.lead.push_back(paragraph({quote(view_.title)}));
    page_.lead.push_back(paragraph(lead()));
    page_.lead.push_back(facts());
    does();
    why();
    signals();
    modes();
    attacks();
    control();
    parameters();
    siblings();
    history();
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

  static std::string lower(std::string_view word) {
    std::string out(word);
    out[0] = static_cast<char>(out[0] | 0x20);
    return out;
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
    const auto required = std::ranges::count_if(view_.parameters, [](const ParameterRow& each) { return each.required && each.path.find('.') == std::string::npos; });
    const auto top = std::ranges::count_if(view_.parameters, [](const ParameterRow& each) { return each.path.find('.') == std::string::npos; });
    if (view_.kept != nullptr) row("State", say(fmt::format("state/{}", word(view_.kept->state))));
    if (tool_.overridden) row("Override", say("override/fact", {{"reason", quote(bounded(tool_.overridden->reason, longest_quote))}}));
    row("Parameters", {text(fmt::format("{}, {} required", top, required))});
    row("Annotations", {view_.annotations.empty() ? text("none") : code(bounded(view_.annotations, longest_quote))});
    row("Output schema", {text(view_.has_output_schema ? "yes" : "no")});
    return block;
  }

  Section& section(std::string_view id, std::string_view heading) { return page_.sections.emplace_back(std::string(id), std::string(heading)); }

  std::vector<Line> acts() const {
    std::vector<Line> lines;
    lines.push_back(say(is_unknown(tool_) ? "category/unknown" : fmt::format("category/{}", word(tool_.category))));
    if (tool_.modes) lines.push_back(say("does/mode_argument", {{"argument", code(tool_.modes->argument)}}));
    if (tool_.modes && !tool_.modes->closed) lines.push_back(say("does/open_modes", {{"argument", code(tool_.modes->argument)}}));
    for (const std::string& signal : tool_.signals) {
      const std::string id = "does/" + signal;
      if (lines.size() < 6 && signal != "mode_argument" && can_say(id)) lines.push_back(say(id));
    }
    return lines;
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

  void why() {
    Section& part = section("why", fmt::format("Why {}, why {}", word(tool_.category), lower(word(tool_.risk))));
    for (const classify::Claim claim : {classify::Claim::category, classify::Claim::risk}) {
      std::vector<Line> items;
      for (const classify::Evidence& each : tool_.evidence) {
        if (each.claim != claim) continue;
        items.push_back(evidence_line(each.against ? "evidence/against" : "evidence/for", each));
      }
      if (items.empty()) items.push_back(say("evidence/none"));
      if (claim == classify::Claim::risk) std::ranges::move(weighty(), std::back_inserter(items));
      if (tool_.overridden && said_by_operator(claim)) items = {say("override/for", {{"reason", quote(bounded(tool_.overridden->reason, longest_quote))}, {"judged", text(judged(claim))}})};
      part.blocks.push_back({.kind = Block::Kind::heading, .line = {text(claim == classify::Claim::category ? word(tool_.category) : fmt::format("{} risk", word(tool_.risk)))}});
      part.blocks.push_back(list(std::move(items)));
    }
  }

  /// What else speaks for care, where no row of the tables moved the risk.
  std::vector<Line> weighty() const {
    std::vector<Line> items;
    if (!is_default_risk()) return items;
    for (const std::string_view signal : weighty_signals) {
      for (const classify::Evidence& each : tool_.evidence) {
        if (is_of(each, signal)) items.push_back(evidence_line("evidence/for", each));
      }
    }
    return items;
  }
  bool is_default_risk() const {
    return tool_.risk >= classify::Risk::high && std::ranges::any_of(tool_.evidence, [](const classify::Evidence& each) { return each.claim == classify::Claim::risk && each.rule == "default"; });
  }
  static bool is_of(const classify::Evidence& each, std::string_view signal) {
    return each.claim == classify::Claim::signal && each.rule.starts_with("signal/") && std::string_view(each.rule).substr(7) == signal;
  }
  static Line evidence_line(std::string_view id, const classify::Evidence& each) {
    return say(id, {{"says", text(bounded(each.says, longest_quote))}, {"quote", quote(bounded(each.text, longest_quote))}, {"field", code(bounded(each.field, longest_quote))}});
  }

  /// Whether this half of the class is not the one that was found.
  bool said_by_operator(classify::Claim claim) const {
    return claim == classify::Claim::category ? tool_.overridden->category != tool_.category : tool_.overridden->risk != tool_.risk;
  }
  std::string judged(classify::Claim claim) const {
    return claim == classify::Claim::category ? std::string(word(tool_.overridden->category)) : fmt::format("{} risk", word(tool_.overridden->risk));
  }

  void signals() {
    if (tool_.signals.empty()) return;
    std::vector<Line> items;
    for (const bool cost : {true, false}) {
      for (const std::string& signal : tool_.signals) {
        if ((signal == "cost") != cost || !can_say("signal/" + signal)) continue;
        Line& line = items.emplace_back(say("signal/" + signal));
        for (const classify::Evidence& each : tool_.evidence) {
          if (!is_of(each, signal)) continue;
          line.push_back(text(" "));
          std::ranges::move(evidence_line("evidence/signal", each), std::back_inserter(line));
        }
      }
    }
    section("signals", "Risk signals").blocks.push_back(list(std::move(items)));
  }

  void modes() {
    if (!tool_.modes) return;
    Block table{.kind = Block::Kind::table, .columns = {tool_.modes->argument, "Category", "Risk", "Suggested"}};
    for (const classify::Mode& mode : tool_.modes->values) {
      table.rows.push_back({{code(bounded(mode.value, 100))}, {text(word(mode.category))}, {text(word(mode.risk))}, {text(suggested(mode))}});
    }
    if (!tool_.modes->closed) table.rows.push_back({{text("anything else")}, {text(word(tool_.category))}, {text(word(tool_.risk))}, {text("refused")}});
    section("modes", "Acts of this tool").blocks.push_back(std::move(table));
  }

  std::string suggested(const classify::Mode& mode) const {
    if (view_.rule == nullptr) return "refused";
    for (const generate::Clause& clause : view_.rule->clauses) {
      const bool lists = clause.argument == tool_.modes->argument && clause.schema.find(json::quoted(mode.value)) == std::string::npos;
      if (lists) return "refused";
    }
    for (const generate::Case& each : view_.rule->cases) {
      if (std::ranges::find(each.values, mode.value) != each.values.end()) return words_of(each.action);
    }
    return words_of(view_.rule->action);
  }

  static std::string words_of(Verdict action) {
    if (action == Verdict::allow) return "allowed";
    if (action == Verdict::require_approval) return "asks a person";
    return action == Verdict::hide ? "hidden" : "refused";
  }

  static std::vector<Block> blocks_of(const Attack& attack) {
    std::vector<Block> blocks{paragraph({text(attack.happens)}), paragraph({text("Answered by: "), text(attack.answered_by), text(".")})};
    Line mappings;
    for (const std::string& mapping : attack.mappings) mappings.push_back(text((mappings.empty() ? "" : ", ") + mapping));
    if (!mappings.empty()) blocks.push_back(paragraph(std::move(mappings)));
    std::vector<Line> references;
    for (const Reference& each : attack.references) references.push_back({link(each.label, std::string(each.address))});
    if (!references.empty()) blocks.push_back(list(std::move(references)));
    return blocks;
  }

  void attacks() {
    Section& part = section("attacks", "Attacks that exploit this kind of access");
    if (view_.attacks.empty()) part.blocks.push_back(paragraph(say("attacks/none")));
    std::vector<Block> more;
    for (std::size_t i = 0; i < view_.attacks.size(); ++i) {
      const Attack& attack = *view_.attacks[i];
      Block one = fold({text(attack.name), text(fmt::format(" ({})", word(attack.severity)))}, blocks_of(attack));
      (i < shown_attacks ? part.blocks : more).push_back(std::move(one));
    }
    if (!more.empty()) part.blocks.push_back(fold(say("attacks/more", {{"count", text(std::to_string(view_.attacks.size()))}}), std::move(more)));
  }

  void control() {
    Section& part = section("control", "How to control it");
    part.blocks.push_back(snippet(view_.policy));
    if (view_.rule != nullptr) part.blocks.push_back(list(meaning(*view_.rule)));
    const std::string name = is_plain_name(view_.server->id) ? view_.server->id : "NAME";
    const std::string file = view_.rule == nullptr ? "policy.yaml" : view_.file + ".yaml";
    Block steps{.kind = Block::Kind::steps};
    steps.items.push_back(say("step/save", {{"file", code(file)}, {"command", code(fmt::format("callgate policy check --strict {}", file))}}));
    steps.items.push_back(say("step/register", {{"command", code(fmt::format("callgate server add {} --policy {} -- COMMAND", name, file))}}));
    steps.items.push_back(say("step/point", {{"command", code("callgate serve")}, {"address", code(fmt::format("http://127.0.0.1:8808/mcp/{}", name))}}));
    part.blocks.push_back(std::move(steps));
  }

  static std::vector<Line> meaning(const generate::Rule& rule) {
    std::vector<Line> lines{say(fmt::format("rule/{}", policy::word(rule.action)))};
    if (rule.action > Verdict::deny && rule.limit) {
      lines.push_back(say("rule/limit", {{"max", text(std::to_string(rule.limit->max))}, {"calls", text(rule.limit->max == 1 ? "call" : "calls")},
                                         {"window", text(generate::window_text(rule.limit->window))}, {"why", text(rule.limit->why)}}));
    }
    if (!rule.clauses.empty()) lines.push_back(say("rule/arguments", {{"names", text(restricted(rule))}}));
    if (rule.closed) lines.push_back(say("rule/closed"));
    if (!rule.tests.empty()) lines.push_back(say("rule/tests", {{"count", text(count_of(rule.tests.size(), "test"))}}));
    return lines;
  }

  static std::string restricted(const generate::Rule& rule) {
    std::vector<std::string> names;
    for (const generate::Clause& clause : rule.clauses) names.push_back(clause.argument);
    return listed(names);
  }

  void parameters() {
    if (view_.parameters.empty()) return;
    Block table{.kind = Block::Kind::table, .columns = {"Name", "Type", "Required", "Default", "Bounds", "Description"}};
    for (const ParameterRow& each : view_.parameters) {
      Line bounds{text(each.bounds)};
      if (each.free_object) bounds = say("parameter/free");
      if (!each.from_text.empty()) {
        bounds.push_back(text(bounds.back().text.empty() ? "" : "; "));
        std::ranges::move(say("parameter/text"), std::back_inserter(bounds));
        bounds.push_back(text(": " + each.from_text));
      }
      table.rows.push_back({{code(each.path)}, {text(each.type)}, {text(each.required ? "yes" : "no")}, {each.fallback.empty() ? text("") : code(bounded(each.fallback, 120))}, std::move(bounds),
                            {text(bounded(each.description, 600))}});
    }
    section("parameters", "Parameters").blocks.push_back(std::move(table));
  }

  void siblings() {
    if (view_.siblings.empty()) return;
    Section& part = section("siblings", "Sibling tools");
    const auto add = [&](std::string_view heading, const auto& takes) {
      std::vector<Line> items;
      for (const Sibling& each : view_.siblings) {
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
    if (view_.siblings.size() + 1 < view_.listed) part.blocks.push_back(paragraph(say("sibling/all", {{"count", link(std::to_string(view_.listed), "index.html")}})));
  }

  void ask(std::string_view question, Line answer) {
    Section& part = page_.sections.back();
    part.blocks.push_back({.kind = Block::Kind::heading, .line = say(fmt::format("ask/{}", question), {{"tool", name_}})});
    part.blocks.push_back(paragraph(std::move(answer)));
  }

  void history() {
    if (view_.kept == nullptr) return;
    const KeptFacts& kept = *view_.kept;
    std::vector<Line> items;
    if (!kept.pinned_on.empty()) items.push_back(say("history/pinned", {{"date", text(kept.pinned_on)}}));
    if (!kept.offered_on.empty()) {
      const std::string_view id = kept.state == KeptFacts::State::unpinned ? "history/new" : "history/offered";
      items.push_back(say(id, {{"date", text(kept.offered_on)}, {"command", code("callgate server pin " + view_.server->id)}}));
    }
    if (items.empty()) return;
    Section& part = section("history", "History");
    part.blocks.push_back(list(std::move(items)));
    if (!kept.difference.empty()) part.blocks.push_back(fold({text("What differs")}, {snippet(kept.difference)}));
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
    ask("risk", risk_answer());
    ask("limit", say("answer/limit", {{"code", code("rate_limit: {max: 10, window: 60}")}, {"per", code("per")}}));
    ask("block", say("answer/block", {{"deny", code("action: deny")}, {"reason", code("reason")}, {"hide", code("action: hide")}}));
    ask("server", view_.servers.size() > 1 ? say("answer/servers", {{"count", text(std::to_string(view_.servers.size()))}, {"servers", text(listed(view_.servers))}})
                                           : say("answer/server", {{"server", server_}}));
    if (has_signal(tool_, "cost")) ask("cost", say("answer/cost"));
    if (has_signal(tool_, "irreversible")) ask("undo", say("answer/undo"));
    if (view_.rule != nullptr && !view_.rule->clauses.empty()) ask("arguments", say("answer/arguments", {{"names", text(restricted(*view_.rule))}}));
  }

  Line risk_answer() const {
    std::string says = "there is not enough to tell";
    for (const classify::Evidence& each : tool_.evidence) {
      if (each.claim == classify::Claim::risk && !each.against) says = each.says;
    }
    if (is_default_risk()) {
      for (const std::string_view signal : weighty_signals) {
        const auto found = std::ranges::find_if(tool_.evidence, [signal](const classify::Evidence& each) { return is_of(each, signal); });
        if (found != tool_.evidence.end()) says += "; " + found->says;
      }
    }
    if (tool_.overridden && said_by_operator(classify::Claim::risk)) says = "the configuration says so";
    return say("answer/risk", {{"tool", name_}, {"article", text(article(word(tool_.category)))}, {"category", text(word(tool_.category))}, {"risk", text(lower(word(tool_.risk)))}, {"says", text(says)}});
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

std::string_view word(KeptFacts::State state) {
  constexpr std::array<std::string_view, 3> words{"pinned", "quarantined", "new"};
  return words[static_cast<std::size_t>(state)];
}

bool is_unknown(const Classification& tool) { return tool.grounds == "unknown"; }

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

Page tool_page(const ToolView& view) { return Builder(view).build(); }

}  // namespace callgate::catalogue
