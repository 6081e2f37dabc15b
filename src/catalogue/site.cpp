#include "catalogue/site.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>
#include <unordered_map>
#include <vector>

#include "catalogue/escape.hpp"
#include "catalogue/html.hpp"
#include "catalogue/list_pages.hpp"
#include "catalogue/sentences.hpp"
#include "generate/policy_text.hpp"
#include "registry/fingerprint.hpp"

namespace callgate::catalogue {
namespace {

constexpr std::size_t all_siblings = 60;   ///< lists up to this are shown whole on each page
constexpr std::size_t near_siblings = 12;  ///< else so many on either side, by beginning and by end of the name

std::string folded(std::string_view name) {
  std::string out(name);
  for (char& c : out) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c | 0x20 : c);
  return out;
}

/// Files for names: those that differ in letter case alone get a digest each.
std::vector<std::string> files_for(const std::vector<std::string>& names) {
  std::map<std::string, std::size_t> count;
  for (const std::string& name : names) ++count[folded(name)];
  std::vector<std::string> files;
  for (const std::string& name : names) files.push_back(name.empty() ? std::string() : file_name(name, count[folded(name)] > 1));
  return files;
}

/// Names of which none stands twice: later ones get a number that no other name has.
std::vector<std::string> numbered(std::vector<std::string> names) {
  std::set<std::string> taken(names.begin(), names.end());
  std::set<std::string> given;
  for (std::string& name : names) {
    if (given.insert(name).second) continue;
    std::string other;
    for (std::size_t number = 2; other.empty() || !taken.insert(other).second; ++number) other = name + "-" + std::to_string(number);
    name = other;
    given.insert(name);
  }
  return names;
}

/// Neighbours of each tool in the order of names and of their ends.
class Neighbours {
 public:
  explicit Neighbours(const ServerView& server) : server_(server) {
    for (std::size_t i = 0; i < server.files.size(); ++i) {
      if (!server.files[i].empty()) by_name_.push_back(i);
    }
    for (const classify::Classification& tool : server.input->tools) subjects_.push_back(subject_of(tool));
    by_end_ = by_name_;
    std::ranges::sort(by_name_, {}, [this](std::size_t i) { return std::string_view(name(i)); });
    std::ranges::sort(by_end_, {}, [this](std::size_t i) { return std::pair(end_of(name(i)), i); });
    for (std::size_t k = 0; k < by_name_.size(); ++k) place_by_name_[by_name_[k]] = k;
    for (std::size_t k = 0; k < by_end_.size(); ++k) place_by_end_[by_end_[k]] = k;
  }

  std::vector<Sibling> of(std::size_t tool) const {
    std::set<std::size_t> near;
    if (by_name_.size() <= all_siblings) {
      near.insert(by_name_.begin(), by_name_.end());
    } else {
      add(near, by_name_, place_by_name_.at(tool));
      add(near, by_end_, place_by_end_.at(tool));
    }
    near.erase(tool);
    std::vector<Sibling> siblings;
    for (const std::size_t i : near) siblings.push_back({&server_.input->tools[i], server_.files[i], !subjects_[tool].empty() && subjects_[i] == subjects_[tool]});
    // Places in one list, so their order is that of the list.
    std::ranges::sort(siblings, {}, [](const Sibling& each) { return std::tuple(!each.same_work, each.tool->category, each.tool); });
    return siblings;
  }
  std::size_t count() const { return by_name_.size(); }

 private:
  const std::string& name(std::size_t i) const { return server_.input->tools[i].tool; }
  static std::string_view end_of(std::string_view name) {
    const std::size_t cut = name.find_first_of("_-.");
    return cut == std::string_view::npos ? name : name.substr(cut + 1);
  }
  static void add(std::set<std::size_t>& near, const std::vector<std::size_t>& order, std::size_t place) {
    const std::size_t first = place < near_siblings ? 0 : place - near_siblings;
    for (std::size_t k = first; k < std::min(order.size(), place + near_siblings + 1); ++k) near.insert(order[k]);
  }

  const ServerView& server_;
  std::vector<std::string> subjects_;
  std::vector<std::size_t> by_name_;
  std::vector<std::size_t> by_end_;
  std::unordered_map<std::size_t, std::size_t> place_by_name_;
  std::unordered_map<std::size_t, std::size_t> place_by_end_;
};

std::string text_of(json::Value object, std::string_view key) {
  const auto value = object.find(key);
  return value && value->is_string() ? value->string() : std::string();
}

class Site {
 public:
  Site(std::span<const ServerInput> servers, std::string_view classifier, const Sink& sink) : classifier_(classifier), sink_(sink) {
    std::vector<std::string> ids;
    for (const ServerInput& server : servers) ids.push_back(server.facts.id.empty() ? "server" : server.facts.id);
    const std::vector<std::string> folders = files_for(numbered(std::move(ids)));
    for (std::size_t i = 0; i < servers.size(); ++i) {
      ServerView view{.input = &servers[i], .folder = folders[i], .classifier = classifier_};
      std::vector<std::string> names;
      for (const classify::Classification& tool : servers[i].tools) names.push_back(tool.tool);
      std::map<std::string, std::size_t> count;
      for (const std::string& name : names) ++count[name];
      // Which of two tools of one name is meant cannot be told: neither has a page.
      for (std::string& name : names) {
        if (count[name] > 1) name.clear();
      }
      view.files = files_for(names);
      for (std::size_t k = 0; k < view.files.size(); ++k) view.hashes.push_back(view.files[k].empty() ? std::string() : registry::fingerprint(servers[i].definitions[k]));
      for (const std::string& name : names) {
        if (!name.empty()) listed_by_[name].push_back(called(servers[i].facts));
      }
      views_.push_back(std::move(view));
    }
  }

  void write() {
    sink_("style.css", text_of_table(built_in_tables(), "style"));
    sink_("page.js", text_of_table(built_in_tables(), "page"));
    sink_("search.js", text_of_table(built_in_tables(), "search"));
    sink_("index.html", to_html(index_page(views_)));
    sink_("index.json", index_json(views_));
    sink_("llms.txt", llms_text(views_));
    for (const ServerView& server : views_) write_server(server);
  }

 private:
  void write_server(const ServerView& server) {
    sink_(server.folder + "/index.html", to_html(server_page(server)));
    sink_(server.folder + "/index.json", server_json(server));
    sink_(server.folder + "/policy.yaml", server.input->policy.text);
    std::unordered_map<std::string_view, const generate::Rule*> rules;
    for (const generate::Rule& rule : server.input->policy.rules) rules.emplace(rule.tool, &rule);
    const Neighbours neighbours(server);
    for (std::size_t i = 0; i < server.files.size(); ++i) {
      if (server.files[i].empty()) continue;
      const auto rule = rules.find(server.input->tools[i].tool);
      write_tool(server, i, rule == rules.end() ? nullptr : rule->second, neighbours);
    }
  }

  void write_tool(const ServerView& server, std::size_t i, const generate::Rule* rule, const Neighbours& neighbours) {
    const json::Value definition = server.input->definitions[i];
    const classify::Classification& tool = server.input->tools[i];
    const auto annotations = definition.find("annotations");
    ToolView view{.server = &server.input->facts, .tool = &tool, .rule = rule, .kept = server.input->kept.empty() ? nullptr : &server.input->kept[i], .title = text_of(definition, "title"), .description = text_of(definition, "description"),
                  .hash = server.hashes[i], .annotations = annotations && annotations->is_object() ? std::string(annotations->text()) : std::string(),
                  .has_output_schema = definition.find("outputSchema").has_value(), .parameters = parameters_of(definition, rule), .attacks = attacks_on(tool),
                  .policy = rule != nullptr ? generate::policy_text({rule, 1}, "") : "callgate: 1\ndefault: deny   # its name is no tool name: no rule can name it\n",
                  .file = server.files[i], .siblings = neighbours.of(i), .listed = neighbours.count(), .servers = listed_by_[tool.tool], .classifier = classifier_};
    std::tie(view.arguments, view.required) = count_arguments(definition);
    if (rule != nullptr && tool.modes) view.mode_verdicts = generate::mode_verdicts(*rule, definition, *tool.modes);
    const std::string path = server.folder + "/" + view.file;
    sink_(path + ".html", to_html(tool_page(view)));
    sink_(path + ".json", tool_json(view));
    sink_(path + ".yaml", view.policy);
  }

  std::string classifier_;
  const Sink& sink_;
  std::vector<ServerView> views_;
  std::map<std::string, std::vector<std::string>> listed_by_;
};

}  // namespace

void write_site(std::span<const ServerInput> servers, std::string_view classifier, const Sink& sink) { Site(servers, classifier, sink).write(); }

}  // namespace callgate::catalogue
