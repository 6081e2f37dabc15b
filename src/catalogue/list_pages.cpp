#include "catalogue/list_pages.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <map>
#include <numeric>
#include <set>

#include "base/json.hpp"
#include "catalogue/escape.hpp"
#include "catalogue/sentences.hpp"
#include "catalogue/server_questions.hpp"
#include "catalogue/tool_sections.hpp"

namespace callgate::catalogue {
namespace {

using classify::Category;
using classify::Classification;
using classify::Risk;

constexpr std::array categories{Category::read, Category::write, Category::execute, Category::destructive, Category::financial};
constexpr std::array risks{Risk::critical, Risk::high, Risk::medium, Risk::low};
constexpr std::size_t worst_shown = 10;
constexpr std::size_t shown_of_hash = 12;  ///< digits; the page of the tool has all

/// Indices of the tools that have pages, worst first, by name among equals.
std::vector<std::size_t> worst_first(const ServerView& server) {
  std::vector<std::size_t> order;
  for (std::size_t i = 0; i < server.files.size(); ++i) {
    if (!server.files[i].empty()) order.push_back(i);
  }
  const auto& tools = server.input->tools;
  std::ranges::sort(order, [&](std::size_t a, std::size_t b) {
    if (tools[a].risk != tools[b].risk) return tools[a].risk > tools[b].risk;
    if (tools[a].category != tools[b].category) return tools[a].category > tools[b].category;
    return tools[a].tool < tools[b].tool;  // names are there once
  });
  return order;
}

Line tool_link(const ServerView& server, std::size_t i, const std::string& above) {
  return {link(server.input->tools[i].tool, above + url_segment(server.files[i]) + ".html")};
}

std::vector<Line> row_of(const ServerView& server, std::size_t i, const std::string& above) {
  const Classification& tool = server.input->tools[i];
  return {tool_link(server, i, above), {text(word(tool.category))}, {text(word(tool.risk))}, {text(confidence_words(tool))}};
}

/// `starts_job` as words.
std::string spaced(std::string word) {
  std::ranges::replace(word, '_', ' ');
  return word;
}

/// What a search finds a tool by: what its server calls it and its arguments, too.
Found found_by(const ServerView& server, std::size_t i) {
  constexpr std::size_t most = 4096;  // bytes: an index is read whole
  const json::Value definition = server.input->definitions[i];
  Found found;
  if (const auto title = definition.find("title"); title && title->is_string()) found.words = bounded(title->string(), longest_quote);
  const auto schema = definition.find("inputSchema");
  const auto properties = schema ? schema->find("properties") : std::nullopt;
  if (properties && properties->is_object()) {
    for (const json::Member each : properties->members()) {
      if (found.words.size() + each.key.text().size() > most) break;
      found.words += (found.words.empty() ? "" : " ") + each.key.string();
    }
  }
  const Classification& tool = server.input->tools[i];
  for (const std::string& signal : tool.signals) found.signals += (found.signals.empty() ? "" : " ") + signal;
  if (is_suspicious(tool)) found.signals += " poisoning";
  if (!server.input->kept.empty()) found.state = word(server.input->kept[i].state);
  return found;
}

/// The signals that tools of the catalogue have, each with its sentence.
Section signals_of(std::span<const ServerView> servers) {
  std::set<std::string> signals;
  for (const ServerView& server : servers) {
    for (std::size_t i = 0; i < server.files.size(); ++i) {
      if (server.files[i].empty()) continue;
      signals.insert(server.input->tools[i].signals.begin(), server.input->tools[i].signals.end());
      if (is_suspicious(server.input->tools[i])) signals.insert("poisoning");
    }
  }
  Block table{.kind = Block::Kind::table, .columns = {"Signal", "What it says of a tool"}};
  for (const std::string& signal : signals) {
    if (can_say("signal/" + signal)) table.rows.push_back({{text(spaced(signal))}, say("signal/" + signal)});
  }
  return {"signals", "Risk signals", table.rows.empty() ? std::vector<Block>{} : std::vector<Block>{std::move(table)}};
}

/// How many there are of each category and risk; the sums add up.
Block counts(const ServerView& server) {
  Block table{.kind = Block::Kind::table, .columns = {"Category", "Critical", "High", "Medium", "Low", "All"}};
  std::map<std::pair<Category, Risk>, std::size_t> count;
  for (std::size_t i = 0; i < server.files.size(); ++i) {
    if (!server.files[i].empty()) ++count[{server.input->tools[i].category, server.input->tools[i].risk}];
  }
  for (const Category category : categories) {
    std::vector<Line> row{{text(word(category))}};
    std::size_t all = 0;
    for (const Risk risk : risks) {
      const std::size_t here = count[{category, risk}];
      all += here;
      row.push_back({text(std::to_string(here))});
    }
    row.push_back({text(std::to_string(all))});
    if (all > 0) table.rows.push_back(std::move(row));
  }
  return table;
}

Block server_facts(const ServerFacts& facts) {
  Block block{.kind = Block::Kind::facts};
  const auto row = [&block](std::string_view name, const std::string& value) {
    if (!value.empty()) block.rows.push_back({{text(name)}, {text(value)}});
  };
  const auto own = [&block](std::string_view name, const std::string& value) {
    if (!value.empty()) block.rows.push_back({{text(name)}, {quote(bounded(value, longest_quote))}});
  };
  own("Its own name", facts.says.name);
  own("Its own title", facts.says.title);
  own("Its own version", facts.says.version);
  row("Package", facts.version.empty() ? facts.package : facts.package + " " + facts.version);
  row("Address", facts.address);
  row("Transport", facts.transport);
  row("Protocol", facts.protocol);
  row("Listed", facts.listed_at);
  return block;
}

std::size_t page_count(const ServerView& server) {
  return static_cast<std::size_t>(std::ranges::count_if(server.files, [](const std::string& file) { return !file.empty(); }));
}

Line made(const ServerView& server) { return say("foot/made", {{"version", text(CALLGATE_VERSION)}, {"classifier", text(server.classifier)}}); }

std::string entry_json(const ServerView& server, std::size_t i) {
  const Classification& tool = server.input->tools[i];
  std::string signals;
  for (const std::string& signal : tool.signals) signals += (signals.empty() ? "" : ",") + json::quoted(signal);
  const std::string pin = server.input->kept.empty() ? "" : fmt::format(R"(,"pin":"{}")", word(server.input->kept[i].state));
  return fmt::format(R"({{"tool":{},"category":"{}","risk":"{}","confidence":{:.3g},"signals":[{}],"file":{}{}}})", json::quoted(tool.tool), word(tool.category), word(tool.risk),
                     tool.confidence, signals, json::quoted(server.files[i]), pin);
}

/// Entries that have no page: without a name, or of a name that stands there several times.
std::vector<Line> left_out(const ServerView& server) {
  std::map<std::string_view, std::size_t> count;
  for (std::size_t i = 0; i < server.files.size(); ++i) {
    if (server.files[i].empty()) ++count[server.input->tools[i].tool];
  }
  std::vector<Line> lines;
  for (const auto& [name, times] : count) {
    if (name.empty()) {
      lines.push_back(say("server/nameless", {{"count", text(fmt::format("{} {}", times, times == 1 ? "entry" : "entries"))}}));
      continue;
    }
    Line line{code(bounded(std::string(name), 120))};
    std::ranges::move(say("server/twice", {{"count", text(std::to_string(times))}}), std::back_inserter(line));
    lines.push_back(std::move(line));
  }
  return lines;
}

/// What an agent reads before it does anything: the definitions as the server sends them. A token is some four bytes.
Line cost_of(const ServerView& server) {
  std::size_t bytes = 0;
  for (const json::Value each : server.input->definitions) bytes += each.text().size();
  return say("server/cost", {{"bytes", text(std::to_string(bytes))}, {"tokens", text(std::to_string((bytes + 3) / 4))}});
}

/// What nobody has accepted yet, and is refused until then.
std::vector<Line> waiting(const ServerView& server, const std::vector<std::size_t>& order) {
  std::vector<Line> lines;
  if (server.input->kept.empty()) return lines;
  for (const std::size_t i : order) {
    const KeptFacts& kept = server.input->kept[i];
    if (kept.state == KeptFacts::State::pinned) continue;
    Line line = tool_link(server, i, "");
    line.push_back(text(fmt::format(" · {} · {}", word(kept.state), kept.offered_on)));
    lines.push_back(std::move(line));
  }
  return lines;
}

}  // namespace

Page server_page(const ServerView& server) {
  const ServerInput& input = *server.input;
  const std::vector<std::size_t> order = worst_first(server);
  const std::string name = called(input.facts);
  Page page{.title = fmt::format("{} · {}", name, count_of(order.size(), "tool")), .root = "../", .path = {{"Catalogue", "../index.html"}, {name, ""}}, .heading = {text(name)}};
  page.lead.push_back(paragraph(say("server/lead", {{"server", text(name)}, {"count", text(count_of(order.size(), "tool"))}})));
  if (Block facts = server_facts(input.facts); !facts.rows.empty()) page.lead.push_back(std::move(facts));
  if (input.facts.says.any()) page.lead.push_back(paragraph(say("server/own_word")));
  const auto section = [&page](std::string_view id, std::string_view heading) -> Section& { return page.sections.emplace_back(std::string(id), std::string(heading)); };
  page.lead.push_back(paragraph(cost_of(server)));
  if (std::vector<Line> lines = left_out(server); !lines.empty()) {
    Section& part = section("left-out", "Left out");
    part.blocks.push_back(paragraph(say("server/left_out")));
    part.blocks.push_back(list(std::move(lines)));
  }
  if (order.empty()) {
    section("tools", "Tools").blocks.push_back(paragraph(say("server/none")));
    return page;
  }
  if (std::vector<Line> lines = waiting(server, order); !lines.empty()) {
    Section& part = section("waiting", "Not accepted yet");
    part.blocks.push_back(paragraph(say("server/waiting", {{"command", code("callgate server pin " + input.facts.id)}})));
    part.blocks.push_back(list(std::move(lines)));
  }
  section("counts", "By category and risk").blocks.push_back(counts(server));
  std::vector<Line> worst;
  for (std::size_t k = 0; k < std::min(order.size(), worst_shown); ++k) {
    const Classification& tool = input.tools[order[k]];
    Line line = tool_link(server, order[k], "");
    line.push_back(text(fmt::format(" · {} · {} risk", word(tool.category), word(tool.risk))));
    worst.push_back(std::move(line));
  }
  section("worst", "Worst tools").blocks.push_back(list(std::move(worst)));
  Block table{.kind = Block::Kind::table, .columns = {"Tool", "Category", "Risk", "Confidence", "Signals"}, .sortable = true};
  if (!input.kept.empty()) table.columns.emplace_back("State");
  table.columns.emplace_back("Definition");
  for (const std::size_t i : order) {
    std::vector<Line> row = row_of(server, i, "");
    std::vector<std::string> signals;
    for (const std::string& signal : input.tools[i].signals) signals.push_back(spaced(signal));
    row.push_back({text(listed(signals))});
    if (!input.kept.empty()) row.push_back({text(word(input.kept[i].state))});
    row.push_back({code(server.hashes[i].substr(server.hashes[i].find(':') + 1, shown_of_hash))});
    table.rows.push_back(std::move(row));
  }
  section("tools", "All tools").blocks.push_back(std::move(table));
  Section& attacks = section("attacks", "Attacks on a server as a whole");
  for (const Attack* attack : attacks_on_servers()) attacks.blocks.push_back(attack_block(*attack));
  Section& policy = section("policy", "A policy to start from");
  policy.blocks.push_back(paragraph({link("policy.yaml", "policy.yaml"), text(fmt::format(": {}.", generate::sentence(generate::effect_of(input.policy.rules, input.tools.size()))))}));
  policy.blocks.push_back(steps_with(input.facts, "policy.yaml"));
  page.sections.push_back(questions_on(server, order));
  page.foot.push_back(made(server));
  return page;
}

std::string server_json(const ServerView& server) {
  const ServerFacts& facts = server.input->facts;
  std::string out = fmt::format(R"({{"schema":"https://callgate.dev/schemas/catalogue-server-1.json","server":{},"package":{},"version":{},"protocol":{},"listed_at":{},"tools":[)",
                                json::quoted(facts.id), json::quoted(facts.package), json::quoted(facts.version), json::quoted(facts.protocol), json::quoted(facts.listed_at));
  bool first = true;
  for (std::size_t i = 0; i < server.files.size(); ++i) {
    if (server.files[i].empty()) continue;
    out += (first ? "" : ",") + entry_json(server, i);
    first = false;
  }
  out += ']';
  if (facts.says.any()) {
    out += fmt::format(R"(,"says":{{"name":{},"title":{},"version":{}}})", json::quoted(facts.says.name), json::quoted(facts.says.title), json::quoted(facts.says.version));
  }
  return out + fmt::format(",\"classifier\":{},\"callgate\":\"{}\"}}\n", json::quoted(server.classifier), CALLGATE_VERSION);
}

Page index_page(std::span<const ServerView> servers) {
  const std::size_t tools = std::accumulate(servers.begin(), servers.end(), std::size_t{0}, [](std::size_t sum, const ServerView& each) { return sum + page_count(each); });
  Page page{.title = "Catalogue of tools", .heading = {text("Catalogue of tools")}, .searchable = true};
  page.lead.push_back(paragraph(say("index/lead", {{"tools", text(count_of(tools, "tool"))}, {"servers", text(count_of(servers.size(), "server"))}})));
  std::size_t number = 0;
  for (const ServerView& server : servers) {
    Section& section = page.sections.emplace_back(fmt::format("server-{}", ++number), called(server.input->facts));
    section.blocks.push_back(paragraph({link(count_of(page_count(server), "tool"), url_segment(server.folder) + "/index.html")}));
    Block table{.kind = Block::Kind::table, .columns = {"Tool", "Category", "Risk", "Confidence"}, .sortable = true};
    for (const std::size_t i : worst_first(server)) {
      table.rows.push_back(row_of(server, i, url_segment(server.folder) + "/"));
      table.found.push_back(found_by(server, i));
    }
    if (!table.rows.empty()) section.blocks.push_back(std::move(table));
  }
  if (Section signals = signals_of(servers); !signals.blocks.empty()) page.sections.push_back(std::move(signals));
  if (!servers.empty()) page.foot.push_back(made(servers.front()));
  return page;
}

std::string index_json(std::span<const ServerView> servers) {
  std::string out = R"({"schema":"https://callgate.dev/schemas/catalogue-index-1.json","servers":[)";
  for (const ServerView& server : servers) {
    out += fmt::format("{}{{\"server\":{},\"folder\":{},\"tools\":[", out.back() == '[' ? "" : ",", json::quoted(server.input->facts.id), json::quoted(server.folder));
    for (std::size_t i = 0; i < server.files.size(); ++i) {
      if (!server.files[i].empty()) out += (out.back() == '[' ? "" : ",") + entry_json(server, i);
    }
    out += "]}";
  }
  return out + "]}\n";
}

std::string llms_text(std::span<const ServerView> servers) {
  std::string out = "# Catalogue of tools\n\n> What the tools of these servers can do, and how bad it can get. Names are those that the servers use.\n";
  for (const ServerView& server : servers) {
    out += fmt::format("\n## {}\n\n", markdown_line(called(server.input->facts)));
    for (const std::size_t i : worst_first(server)) {
      const Classification& tool = server.input->tools[i];
      out += fmt::format("- [{}]({}/{}.json): {}, {} risk\n", markdown_line(tool.tool), url_segment(server.folder), url_segment(server.files[i]), word(tool.category), word(tool.risk));
    }
  }
  return out;
}

}  // namespace callgate::catalogue
