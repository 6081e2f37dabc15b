#include "classify/look_alikes.hpp"

#include <algorithm>
#include <string>
#include <unordered_map>
#include <vector>

#include <fmt/format.h>

#include "base/folded_name.hpp"
#include "base/json_pointer.hpp"
#include "classify/definition.hpp"
#include "classify/schema_reader.hpp"

namespace callgate::classify {
namespace {

constexpr std::size_t longest_name = 512;  ///< of names that are compared
constexpr std::size_t most_named = 3;      ///< others that the evidence of one tool names

void add_signal(Classification& tool, std::string_view signal) {
  const auto place = std::ranges::lower_bound(tool.signals, signal);
  if (place == tool.signals.end() || *place != signal) tool.signals.emplace(place, signal);
}

/// Quotes the whole name of another tool.
void quote_name(Classification& tool, Claim claim, std::string field, std::string_view name, std::string says, std::string_view rule) {
  tool.evidence.push_back({.claim = claim, .field = std::move(field), .text = std::string(name), .end = static_cast<std::uint32_t>(name.size()), .says = std::move(says), .rule = std::string(rule)});
}

std::string field_of_sibling(std::string_view name) {
  return fmt::format("sibling:{}/name", json::pointer_token(name));
}
std::string field_of_server(std::string_view server, std::string_view name) {
  return fmt::format("server:{}/{}/name", json::pointer_token(server), json::pointer_token(name));
}

/// The risk of the worst tool that this one is taken for, with the reason in place of the default's.
void raise_to(Classification& tool, const Classification& worst) {
  if (worst.risk <= tool.risk) return;
  std::erase_if(tool.evidence, [](const Evidence& each) { return each.claim == Claim::risk && each.rule == "default"; });
  tool.risk = worst.risk;
  quote_name(tool, Claim::risk, field_of_sibling(worst.tool), worst.tool, "its name looks like this one, which may be called in its place", "look_alike");
}

/// Tools by what their names look like. Those of no name, or too long a one, are in none.
using Alike = std::unordered_map<std::string, std::vector<Classification*>>;

Alike by_look(std::span<Classification> tools) {
  Alike alike;
  for (Classification& tool : tools) {
    if (!tool.tool.empty() && tool.tool.size() <= longest_name) alike[look_alike_key(tool.tool)].push_back(&tool);
  }
  return alike;
}

void compare_group(std::vector<Classification*>& group) {
  std::ranges::sort(group, [](const Classification* a, const Classification* b) { return a->risk != b->risk ? a->risk > b->risk : a->tool < b->tool; });
  std::vector<std::string_view> names;  // one more than are named: a tool does not name itself
  for (const Classification* each : group) {
    if (names.size() <= most_named && std::ranges::find(names, each->tool) == names.end()) names.emplace_back(each->tool);
  }
  if (names.size() < 2) return;
  const Classification worst{.tool = group.front()->tool, .risk = group.front()->risk};
  for (Classification* tool : group) {
    raise_to(*tool, worst);
    std::size_t named = 0;
    for (const std::string_view name : names) {
      if (name == tool->tool || named++ == most_named) continue;
      quote_name(*tool, Claim::signal, field_of_sibling(name), name, "its name looks like that of this tool", "signal/look_alike");
    }
    add_signal(*tool, "look_alike");
  }
}

/// Where a name stands.
struct Listed {
  std::size_t server = 0;
  std::string_view name;
};

/// Compares the lists of several servers.
class Servers {
 public:
  explicit Servers(std::span<const ServerTools> servers) : servers_(servers) {
    for (std::size_t i = 0; i < servers.size(); ++i) {
      for (const Classification& tool : servers[i].tools) {
        if (tool.tool.empty() || tool.tool.size() > longest_name) continue;
        add(by_look_[look_alike_key(tool.tool)], {i, tool.tool});
        if (is_telling(tool.tool)) add(by_name_[tool.tool], {i, tool.tool});
      }
    }
  }

  void compare() {
    for (std::size_t i = 0; i < servers_.size(); ++i) {
      for (std::size_t k = 0; k < servers_[i].tools.size(); ++k) {
        Classification& tool = servers_[i].tools[k];
        const std::size_t before = tool.evidence.size();
        compare_name(i, tool);
        read_description(i, tool, servers_[i].definitions[k]);
        if (tool.evidence.size() > before) add_signal(tool, "shadows");
      }
    }
  }

 private:
  /// One line for each name of a server, however often it lists that, and a few for each server.
  static void add(std::vector<Listed>& all, Listed listed) {
    std::size_t own = 0;
    for (auto each = all.rbegin(); each != all.rend() && each->server == listed.server; ++each) {
      if (each->name == listed.name || ++own == most_named) return;
    }
    all.push_back(listed);
  }

  /// Whether a name in running text can be nothing else: several words in one.
  static bool is_telling(std::string_view name) {
    const auto is_lower = [](char c) { return c >= 'a' && c <= 'z'; };
    const auto is_upper = [](char c) { return c >= 'A' && c <= 'Z'; };
    if (name.size() < 6) return false;
    for (std::size_t i = 1; i + 1 < name.size(); ++i) {
      if (name[i] == '_' || (is_lower(name[i - 1]) && is_upper(name[i]))) return true;
    }
    return false;
  }

  void compare_name(std::size_t server, Classification& tool) const {
    const auto found = by_look_.find(look_alike_key(tool.tool));
    if (tool.tool.size() > longest_name || found == by_look_.end()) return;
    std::size_t named = 0;
    // The same name first: that one is called in this one's place, or the other way round.
    for (const bool same : {true, false}) {
      for (const Listed& other : found->second) {
        if (other.server == server || (other.name == tool.tool) != same || named == most_named) continue;
        const std::string_view id = servers_[other.server].server;
        quote_name(tool, Claim::signal, field_of_server(id, other.name), other.name,
                   same ? fmt::format("same name on server `{}`: a client that joins both may call the wrong one", id)
                        : fmt::format("its name looks like this one of server `{}`: a client that joins both may call the wrong one", id),
                   "signal/shadows");
        ++named;
      }
    }
  }

  bool lists(std::size_t server, const std::vector<Listed>& listed) const {
    return std::ranges::any_of(listed, [server](const Listed& each) { return each.server == server; });
  }

  /// Words of the description that are names of other servers' tools.
  void read_description(std::size_t server, Classification& tool, json::Value definition) const {
    const auto value = definition.is_object() ? definition.find("description") : std::nullopt;
    if (!value || !value->is_string() || by_name_.empty()) return;
    const std::string text = value->string();
    const auto in_name = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '.'; };
    std::vector<std::string_view> named;
    for (std::size_t at = 0; at < std::min(text.size(), max_text_bytes) && named.size() < most_named;) {
      std::size_t end = at;
      while (end < text.size() && in_name(text[end])) ++end;
      std::string_view word = std::string_view(text).substr(at, end - at);
      while (!word.empty() && (word.back() == '.' || word.back() == '-')) word.remove_suffix(1);
      const auto found = word.empty() ? by_name_.end() : by_name_.find(word);
      if (found != by_name_.end() && !lists(server, found->second) && std::ranges::find(named, word) == named.end()) {
        named.push_back(word);
        const auto start = static_cast<std::uint32_t>(at);
        tool.evidence.push_back({.claim = Claim::signal, .field = "/description", .text = std::string(word), .start = start, .end = start + static_cast<std::uint32_t>(word.size()),
                                 .says = fmt::format("speaks of a tool of server `{}`", servers_[found->second.front().server].server), .rule = "signal/shadows"});
      }
      at = end + 1;
    }
  }

  std::span<const ServerTools> servers_;
  std::unordered_map<std::string, std::vector<Listed>> by_look_;
  std::unordered_map<std::string_view, std::vector<Listed>> by_name_;  ///< of telling names
};

}  // namespace

void compare_names(std::span<Classification> tools) {
  for (auto& [key, group] : by_look(tools)) {
    if (group.size() > 1) compare_group(group);
  }
}

void compare_servers(std::span<const ServerTools> servers) {
  if (servers.size() > 1) Servers(servers).compare();
}

}  // namespace callgate::classify
