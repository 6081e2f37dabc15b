#include "generate/wish_standing.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "generate/policy_text.hpp"
#include "generate/trial.hpp"
#include "generate/yaml_pieces.hpp"
#include "generate/yaml_writer.hpp"
#include "policy/program.hpp"

namespace callgate::generate {
namespace {

using policy::Verdict;

/// The members of a rule in their order, as JSON text.
using Body = std::vector<std::pair<std::string, std::string>>;

const std::string* part_of(const Body& body, std::string_view key) {
  const auto found = std::ranges::find(body, key, [](const auto& each) { return std::string_view(each.first); });
  return found == body.end() ? nullptr : &found->second;
}

void set(Body& body, std::string_view key, std::string value) {
  const auto found = std::ranges::find(body, key, [](const auto& each) { return std::string_view(each.first); });
  if (found != body.end()) {
    found->second = std::move(value);
  } else {
    body.emplace_back(std::string(key), std::move(value));
  }
}

void take_out(Body& body, std::string_view key) {
  std::erase_if(body, [key](const auto& each) { return each.first == key; });
}

Body body_of(const yaml::Node& rule) {
  Body body;
  for (const yaml::Member& each : rule.members) body.emplace_back(each.key, json_of(each.value));
  return body;
}

std::string shown(std::string_view json) { return comment_line(yaml_flow(json), 200); }

policy::Deciding deciding(const Standing& standing, const std::string& tool) {
  const policy::KnownTool* known = standing.tools.find(tool);
  return policy::deciding_rules(standing.loaded.policy->program(), tool, known == nullptr ? policy::ToolClass{} : known->is);
}

Verdict most_of(const policy::Rule& rule) {
  Verdict most = rule.action;
  if (rule.hides()) return most;
  for (const policy::Case& each : rule.cases) most = std::max(most, each.action);
  return most;
}

/// Says no more than what happens, and why.
bool is_bare(const Body& body) {
  return std::ranges::all_of(body, [](const auto& each) { return each.first == "action" || each.first == "reason"; });
}

/// The rule of one tool: what it was, and what becomes of it.
class Change {
 public:
  Change(const Standing& standing, const yaml::Node& file, const Rule& rule, bool acts, Wished& wished) : rule_(rule), acts_(acts), wished_(wished) {
    const policy::Deciding by = deciding(standing, rule.tool);
    take(file, *by.first);
    if (by.second != nullptr) take_second(file, *by.first, *by.second);
  }

  /// Nothing where the rule says the same as before.
  std::optional<Body> run() {
    body_ = before_;
    if (acts_ && rule_.action <= Verdict::deny) {
      refuse();
    } else {
      if (acts_) act();
      limit();
      bound();
    }
    if (body_ == before_) return std::nullopt;
    tell_counters();
    return body_;
  }

 private:
  void take(const yaml::Node& file, const policy::Rule& rule) {
    action_ = rule.action;
    pointer_ = rule.pointer;
    if (rule.pointer.starts_with("/tools/") || rule.pointer.starts_with("/classes/")) before_ = body_of(yaml::at_pointer(file, rule.pointer));
    set(before_, "action", json::quoted(policy::word(action_)));
  }

  /// Of a category and a risk the stricter one stands; two that say more than an action make no single rule.
  void take_second(const yaml::Node& file, const policy::Rule& first, const policy::Rule& second) {
    const Body other = body_of(yaml::at_pointer(file, second.pointer));
    const bool first_says_more = !is_bare(before_);
    const bool second_says_more = !is_bare(other);
    const policy::Rule& says_more = first_says_more ? first : second;
    // What the other one does not let pass must not pass by a case, or by a check that is switched off, of this one.
    const Verdict stricter = std::min(first.action, second.action);
    const bool lets_more_pass = !says_more.checks_own_schema || std::ranges::any_of(says_more.cases, [stricter](const policy::Case& each) { return each.action > stricter; });
    if ((first_says_more && second_says_more) || (first_says_more != second_says_more && lets_more_pass)) {
      wished_.faults.push_back(fmt::format("`{}` is judged by `{}` and `{}` at once, which make no single rule: write its rule under `tools` yourself, then wish again", comment_line(rule_.tool), pointer_, second.pointer));
      return;
    }
    if (second_says_more) before_ = other;
    if (second.action < action_) {
      action_ = second.action;
      pointer_ = second.pointer;
    }
    set(before_, "action", json::quoted(policy::word(action_)));
  }

  void say(const std::string& what) { wished_.dropped.push_back(fmt::format("{}: {}", comment_line(rule_.tool), what)); }

  void refuse() {
    for (const auto& [key, value] : before_) {
      if (key != "action" && key != "reason") say(fmt::format("`{}` of `{}` is dropped with it: {}", key, pointer_, shown(value)));
    }
    if (action_ == rule_.action && is_bare(before_)) return;
    body_ = {{"action", json::quoted(policy::word(rule_.action))}};
  }

  void act() {
    // What no rule names is new, and no part of the policy goes with it.
    if (rule_.action > action_ && pointer_ != "/default") say(fmt::format("loosened: `{}` of `{}` becomes `{}`", policy::word(action_), pointer_, policy::word(rule_.action)));
    if (rule_.action == action_) return drop_milder_cases();
    set(body_, "action", json::quoted(policy::word(rule_.action)));
    take_out(body_, "reason");  // it says why the other action stands
    if (const std::string* approval = part_of(body_, "approval"); approval != nullptr && rule_.action != Verdict::require_approval) {
      say(fmt::format("`approval` of `{}` is dropped, nobody is asked: {}", pointer_, shown(*approval)));
      take_out(body_, "approval");
    }
    drop_milder_cases();
  }

  /// Who wishes to be asked is asked always: a case that lets calls through unasked would undo that.
  void drop_milder_cases() {
    const std::string* cases = part_of(body_, "cases");
    if (cases == nullptr || rule_.action != Verdict::require_approval) return;
    const auto document = json::OwnedDocument::parse(*cases);
    if (!document || !(*document)->root().is_array()) return;
    std::string kept;
    for (const json::Value each : (*document)->root().elements()) {
      const auto action = each.find("action");
      if (action && action->equals("allow")) {
        say(fmt::format("a case of `{}` that lets calls through unasked is dropped: {}", pointer_, shown(each.text())));
      } else {
        kept += (kept.empty() ? "" : ",") + std::string(each.text());
      }
    }
    if (kept.empty()) take_out(body_, "cases");
    else set(body_, "cases", "[" + kept + "]");
  }

  void limit() {
    if (!rule_.limit) return;
    const std::string limit = fmt::format(R"({{"max":{},"window":"{}"}})", rule_.limit->max, window_text(rule_.limit->window));
    if (const std::string* old = part_of(body_, "rate_limit")) {
      if (*old == limit) return;
      say(fmt::format("`rate_limit` of `{}` is replaced: {} becomes {}", pointer_, shown(*old), shown(limit)));
    }
    set(body_, "rate_limit", limit);
  }

  /// Puts the wished conditions in the place of what the rule asked of the same arguments.
  void bound() {
    if (rule_.clauses.empty()) return;
    const std::string* old = part_of(body_, "arguments");
    const auto document = json::OwnedDocument::parse(old == nullptr ? "{}" : *old);
    const json::Value schema = (*document)->root();
    const auto old_properties = schema.find("properties");
    Arguments properties = members_of(old_properties ? *old_properties : json::Value());
    for (const Clause& clause : rule_.clauses) {
      const auto was = std::ranges::find(properties, clause.argument, &Arguments::value_type::first);
      if (was != properties.end() && was->second != clause.schema) say(fmt::format("what `{}` asks of `{}` is replaced: {} becomes {}", pointer_, comment_line(clause.argument), shown(was->second), shown(clause.schema)));
      set_argument(properties, clause.argument, clause.schema);
    }
    Arguments whole = members_of(schema);
    set_argument(whole, "properties", json_of(properties));
    set_argument(whole, "required", required(schema));
    set(body_, "arguments", json_of(whole));
  }

  static Arguments members_of(json::Value object) {
    Arguments members;
    if (!object || !object.is_object()) return members;
    for (const json::Member each : object.members()) members.emplace_back(each.key.string(), std::string(each.value.text()));
    return members;
  }

  std::string required(json::Value schema) const {
    std::vector<std::string> names;
    if (const auto old = schema.find("required"); old && old->is_array()) {
      for (const json::Value each : old->elements()) names.emplace_back(each.text());
    }
    for (const Clause& clause : rule_.clauses) {
      if (std::ranges::find(names, json::quoted(clause.argument)) == names.end()) names.push_back(json::quoted(clause.argument));
    }
    std::string text;
    for (const std::string& each : names) text += (text.empty() ? "" : ",") + each;
    return "[" + text + "]";
  }

  /// Limits of a key count what all of its tools do, and a key of its own counts anew.
  void tell_counters() {
    if (pointer_ == "/tools/" + rule_.tool || part_of(body_, "rate_limit") == nullptr || part_of(before_, "rate_limit") == nullptr || rule_.limit) return;
    say(fmt::format("loosened: the limit of `{}` counted its tools together; `{}` has a rule of its own now and is counted by itself: {}", pointer_, comment_line(rule_.tool), shown(*part_of(before_, "rate_limit"))));
  }

  const Rule& rule_;
  bool acts_;
  Wished& wished_;
  Body before_;
  Body body_;
  Verdict action_ = Verdict::deny;
  std::string pointer_;
};

std::string rule_lines(std::string_view tool, const Body& body, std::size_t indent) {
  const std::string margin(indent, ' ');
  std::string text = fmt::format("{}{}:\n", margin, yaml_string(tool));
  for (const auto& [key, value] : body) text += fmt::format("{}  {}: {}\n", margin, key, yaml_flow(std::string_view(value)));
  return text;
}

/// The file with other rules and tests in it.
class Writer {
 public:
  using Bodies = std::vector<std::pair<std::string, Body>>;
  Writer(std::string_view text, const yaml::Node& file, const Bodies& bodies, std::string_view heading) : text_(text), file_(file), bodies_(bodies), heading_(heading) {}

  /// `keeps` says of each test that is there whether it stays; `tests` are further ones.
  /// Where the lines do not come apart it is written anew, without its comments.
  std::string write(const std::vector<bool>& keeps, const std::string& tests, bool& comments_kept) const {
    std::string text = heading_text() + spliced(keeps, tests);
    comments_kept = same(text);
    return comments_kept ? text : heading_text() + anew(keeps, tests);
  }

  /// Whether everything that was not to be changed says what it said.
  bool same(std::string_view text) const {
    const yaml::Parsed parsed = yaml::parse(text, "policy");
    if (!parsed.root || !parsed.faults.empty() || !parsed.root->is_mapping()) return false;
    for (const yaml::Member& each : file_.members) {
      if (each.key == "expect" || each.key == "tools") continue;
      const yaml::Member* now = parsed.root->find(each.key);
      if (now == nullptr || json_of(now->value) != json_of(each.value)) return false;
    }
    const yaml::Member* before = file_.find("tools");
    const yaml::Member* after = parsed.root->find("tools");
    if (before == nullptr) return true;
    return std::ranges::all_of(before->value.members, [&](const yaml::Member& each) {
      if (body_of_tool(each.key) != nullptr) return true;
      const yaml::Member* now = after == nullptr ? nullptr : after->value.find(each.key);
      return now != nullptr && json_of(now->value) == json_of(each.value);
    });
  }

 private:
  std::string heading_text() const {
    std::string out;
    for (std::string_view rest = heading_; !rest.empty();) {
      const std::size_t end = std::min(rest.find('\n'), rest.size());
      out += fmt::format("# {}\n", rest.substr(0, end));
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    return out;
  }

  const Body* body_of_tool(std::string_view tool) const {
    const auto found = std::ranges::find(bodies_, tool, [](const auto& each) { return std::string_view(each.first); });
    return found == bodies_.end() ? nullptr : &found->second;
  }

  std::string spliced(const std::vector<bool>& keeps, const std::string& tests) const {
    auto pieces = yaml_pieces(text_, file_, 1);
    if (!pieces) return {};
    for (const yaml::Member& each : file_.members) {
      if (each.key == "tools") replace_tools(*pieces->find("tools"), each);
      if (each.key == "expect") replace_tests(*pieces->find("expect"), each, keeps, tests);
    }
    if (file_.find("tools") == nullptr && !bodies_.empty()) pieces->entries.push_back({"tools", "\ntools:\n" + new_rules(2)});
    if (file_.find("expect") == nullptr && !tests.empty()) pieces->entries.push_back({"expect", "\nexpect:\n" + tests});
    return pieces->text();
  }

  void replace_tools(YamlPieces::Piece& piece, const yaml::Member& member) const {
    auto rules = yaml_pieces(piece.text, member.value, member.key_mark.line);
    if (!rules || rules->indent == 0) {
      piece.text = "tools:\n" + rules_anew(member.value);
      return;
    }
    for (const auto& [tool, body] : bodies_) {
      if (YamlPieces::Piece* old = rules->find(tool)) old->text = rule_lines(tool, body, rules->indent);
      else rules->entries.push_back({tool, rule_lines(tool, body, rules->indent)});
    }
    piece.text = rules->text();
  }

  void replace_tests(YamlPieces::Piece& piece, const yaml::Member& member, const std::vector<bool>& keeps, const std::string& tests) const {
    auto items = yaml_pieces(piece.text, member.value, member.key_mark.line);
    if (!items || items->indent != 2) {
      piece.text = expect_text(tests_anew(member.value, keeps) + tests);
      return;
    }
    std::vector<YamlPieces::Piece> kept;
    for (std::size_t i = 0; i < items->entries.size(); ++i) {
      if (i >= keeps.size() || keeps[i]) kept.push_back(std::move(items->entries[i]));
    }
    items->entries = std::move(kept);
    if (!tests.empty()) items->entries.push_back({{}, tests});
    piece.text = items->entries.empty() ? items->tail : items->text();
  }

  static std::string expect_text(const std::string& tests) { return tests.empty() ? std::string() : "expect:\n" + tests; }

  std::string new_rules(std::size_t indent) const {
    std::string text;
    for (const auto& [tool, body] : bodies_) text += rule_lines(tool, body, indent);
    return text;
  }

  std::string rules_anew(const yaml::Node& old) const {
    std::string text;
    for (const yaml::Member& each : old.members) {
      const Body* body = body_of_tool(each.key);
      text += body != nullptr ? rule_lines(each.key, *body, 2) : fmt::format("  {}: {}\n", yaml_string(each.key), yaml_flow(each.value));
    }
    for (const auto& [tool, body] : bodies_) {
      if (old.find(tool) == nullptr) text += rule_lines(tool, body, 2);
    }
    return text;
  }

  static std::string tests_anew(const yaml::Node& old, const std::vector<bool>& keeps) {
    std::string text;
    for (std::size_t i = 0; i < old.items.size(); ++i) {
      if (i >= keeps.size() || keeps[i]) text += fmt::format("  - {}\n", yaml_flow(old.items[i]));
    }
    return text;
  }

  std::string anew(const std::vector<bool>& keeps, const std::string& tests) const {
    std::string text;
    const yaml::Node none;
    for (const yaml::Member& each : file_.members) {
      if (each.key == "tools") text += "tools:\n" + rules_anew(each.value);
      else if (each.key != "expect") text += fmt::format("{}: {}\n", yaml_string(each.key), yaml_flow(each.value));
    }
    if (file_.find("tools") == nullptr && !bodies_.empty()) text += "tools:\n" + new_rules(2);
    const yaml::Member* old = file_.find("expect");
    return text + expect_text(tests_anew(old == nullptr ? none : old->value, keeps) + tests);
  }

  std::string_view text_;
  const yaml::Node& file_;
  const Bodies& bodies_;
  std::string_view heading_;
};

std::string shown_call(const policy::Call& call) {
  const std::string_view thing = call.action == policy::Action::tool_call ? "" : call.action == policy::Action::prompt_get ? "prompt " : "resource ";
  return fmt::format("{}{}", thing, comment_line(call.name));
}

/// Which tests of the policy in force still hold.
std::vector<bool> holding(const Standing& standing, const policy::Policy& now, Wished& wished) {
  std::vector<bool> keeps;
  for (const policy::Expectation& each : standing.loaded.expectations) {
    const policy::Outcome outcome = policy::run(now, each, &standing.tools);
    // One that did not hold before is the policy's own affair.
    const bool held = policy::run(*standing.loaded.policy, each, &standing.tools).held;
    keeps.push_back(outcome.held || !held);
    if (!keeps.back()) wished.dropped.push_back(fmt::format("{}: the test at {} holds no more and is taken out: `{}` is `{}` now", shown_call(each.call), each.where, policy::word(each.verdict), policy::word(outcome.decision.verdict)));
  }
  return keeps;
}

/// The tests of a rule that hold beside what stays of the rule before.
std::string holding_tests(Rule& rule, const policy::Policy& now, const policy::ToolList& tools, std::vector<std::string>& notes) {
  const auto verdict = [&](const Expected& test) {
    const auto call = policy::parse_call(fmt::format(R"({{"tool":{},"arguments":{}}})", json::quoted(rule.tool), test.arguments));
    return call ? policy::judge_fresh(now, *call, &tools) : policy::Decision{};
  };
  std::erase_if(rule.tests, [&](Expected& test) {
    const policy::Decision decision = verdict(test);
    if (decision.rule != test.rule) test.rule.clear();
    if (decision.verdict < test.verdict && test.verdict == rule.action)
      notes.push_back(fmt::format("{}: what stays of the policy in force decides otherwise than is wished: with {} it is `{}`, by `{}`", comment_line(rule.tool), shown(test.arguments), policy::word(decision.verdict), decision.rule));
    return decision.verdict != test.verdict;
  });
  return tests_text(rule);
}

}  // namespace

policy::Verdict standing_action(const Standing& standing, const std::string& tool) {
  const policy::Deciding by = deciding(standing, tool);
  const Verdict first = most_of(*by.first);
  return by.second == nullptr ? first : std::min(first, most_of(*by.second));
}

void lay_over(Wished& wished, const Standing& standing, std::string_view heading, const std::set<std::string>& only_limited) {
  const yaml::Parsed file = yaml::parse(standing.text, "policy");
  if (!file.root || !file.faults.empty() || standing.loaded.policy == nullptr) {
    wished.faults.emplace_back("the policy in force has faults of its own: mend it first, see `callgate policy check`");
    return;
  }
  Writer::Bodies bodies;
  for (const Rule& rule : wished.policy.rules) {
    if (auto body = Change(standing, *file.root, rule, !only_limited.contains(rule.tool), wished).run()) bodies.emplace_back(rule.tool, std::move(*body));
  }
  if (!wished.faults.empty()) return;
  if (bodies.empty()) {
    wished.policy.text = standing.text;
    wished.notes.emplace_back("the policy in force does already what is wished");
    return;
  }
  bool comments_kept = true;
  const Writer writer(standing.text, *file.root, bodies, heading);
  const std::vector<bool> none(standing.loaded.expectations.size(), false);
  const policy::Loaded bare = policy::load(writer.write(none, {}, comments_kept), "draft", &standing.tools);
  for (const Error& each : bare.faults) wished.faults.push_back(fmt::format("the wish makes no policy of the one in force: {}: {}", each.where, each.message));
  if (!wished.faults.empty()) return;
  const std::vector<bool> keeps = holding(standing, *bare.policy, wished);
  std::string tests;
  for (Rule& rule : wished.policy.rules) {
    const bool changed = std::ranges::find(bodies, rule.tool, [](const auto& each) { return each.first; }) != bodies.end();
    if (changed) tests += holding_tests(rule, *bare.policy, standing.tools, wished.notes);
  }
  wished.policy.text = writer.write(keeps, tests, comments_kept);
  if (!writer.same(wished.policy.text)) wished.faults.emplace_back("the wish cannot be laid over the policy in force: parts of it would not be kept");
  if (!comments_kept) wished.notes.emplace_back("the policy in force is written anew, and its comments are not kept: its rules do not stand on lines of their own");
}

}  // namespace callgate::generate
