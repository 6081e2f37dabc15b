#include "generate/mode_verdicts.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "generate/example.hpp"
#include "generate/policy_text.hpp"
#include "generate/property.hpp"
#include "policy/load.hpp"
#include "registry/fingerprint.hpp"
#include "schema/schema.hpp"

namespace callgate::generate {
namespace {

using policy::Verdict;

Arguments members_of(std::string_view object) {
  Arguments arguments;
  const auto read = json::OwnedDocument::parse(std::string(object), registry::definition_limits);
  if (!read || !(*read)->root().is_object()) return arguments;
  for (const json::Member each : (*read)->root().members()) arguments.emplace_back(each.key.string(), each.value.text());
  return arguments;
}

/// The arguments of the first test that lets a call pass.
std::optional<Arguments> base_of(const Rule& rule) {
  const auto passes = std::ranges::find_if(rule.tests, [](const Expected& each) { return each.verdict >= Verdict::require_approval; });
  return passes == rule.tests.end() ? std::nullopt : std::optional(members_of(passes->arguments));
}

/// What the rule itself asks for, where no test tells a call that the tool takes.
Arguments asked_for(const Rule& rule) {
  Arguments arguments;
  for (const Clause& clause : rule.clauses) {
    if (clause.required && !clause.good.empty()) set_member(arguments, clause.argument, clause.good);
  }
  return arguments;
}

/// `value` at a path of names that dots part, in an object; members beside it stay.
std::string set_at(const Arguments& object, std::string_view path, const std::string& value, bool whole) {
  const std::size_t dot = whole ? std::string_view::npos : path.find('.');
  const std::string_view name = path.substr(0, dot);
  Arguments changed = object;
  if (dot == std::string_view::npos) {
    set_member(changed, name, value);
  } else {
    const auto inner = std::ranges::find(object, name, [](const auto& each) { return std::string_view(each.first); });
    set_member(changed, name, set_at(inner == object.end() ? Arguments{} : members_of(inner->second), path.substr(dot + 1), value, false));
  }
  return json_of(changed);
}

class Judge {
 public:
  Judge(const Rule& rule, json::Value definition, const classify::Modes& modes)
      : rule_(rule), modes_(modes), loaded_(policy::load(policy_text({&rule, 1}, ""), "rule")) {
    const auto passes = base_of(rule);
    base_ = passes ? *passes : asked_for(rule);
    auto list = policy::ToolList::parse(fmt::format("{{\"tools\":[{}]}}", definition.text()));
    if (list) list_ = std::move(*list);
    // Without such a call the tool's own schema would refuse every one, and nothing were said of the rule.
    by_its_schema_ = passes && list_.find(rule.tool) != nullptr;
    const auto schema = definition.find("inputSchema");
    const auto properties = schema ? schema->find("properties") : std::nullopt;
    whole_ = properties && properties->find(modes.argument).has_value();
    required_ = schema && asks_for(*schema, modes.argument);
  }

  Verdict of(std::string_view value) const {
    const Verdict verdict = with(json::quoted(value));
    // Some tools take several modes at once.
    return verdict == Verdict::invalid_arguments ? std::max(verdict, with("[" + json::quoted(value) + "]")) : verdict;
  }

  Verdict without() const {
    Arguments arguments = base_;
    if (whole_) std::erase_if(arguments, [this](const auto& each) { return each.first == modes_.argument; });
    return judge(json_of(arguments));
  }

  /// Whether the tool's own schema takes a call without the argument.
  bool may_be_left_out() const {
    const policy::KnownTool* tool = list_.find(rule_.tool);
    if (!whole_ || tool == nullptr || tool->input_schema == nullptr) return false;
    if (!by_its_schema_) return !required_;
    Arguments arguments = base_;
    std::erase_if(arguments, [this](const auto& each) { return each.first == modes_.argument; });
    const auto read = json::OwnedDocument::parse(json_of(arguments));
    return read && !tool->input_schema->validate((*read)->root());
  }

 private:
  static bool asks_for(json::Value schema, std::string_view argument) {
    const auto required = schema.find("required");
    if (!required || !required->is_array()) return false;
    for (const json::Value each : required->elements()) {
      if (each.equals(argument)) return true;
    }
    return false;
  }

  Verdict with(const std::string& value) const { return judge(set_at(base_, modes_.argument, value, whole_)); }

  Verdict judge(const std::string& arguments) const {
    const auto call = policy::parse_call(fmt::format("{{\"tool\":{},\"arguments\":{}}}", json::quoted(rule_.tool), arguments));
    if (!call || loaded_.policy == nullptr) return Verdict::fault;
    return policy::judge_fresh(*loaded_.policy, *call, by_its_schema_ ? &list_ : nullptr).verdict;
  }

  const Rule& rule_;
  const classify::Modes& modes_;
  Arguments base_;
  policy::Loaded loaded_;
  policy::ToolList list_;
  bool by_its_schema_ = false;  ///< there is a call that both the tool and the rule take
  bool required_ = false;       ///< its schema says itself that the argument has to be there
  bool whole_ = false;  ///< the argument is one of the tool's own; else dots part a path to it
};

/// The mode that the schema names as the default of the argument; nothing where it names none, or something else too.
std::optional<std::size_t> default_mode(json::Value definition, const classify::Modes& modes) {
  const auto schema = definition.find("inputSchema");
  if (!schema || !schema->is_object()) return std::nullopt;
  std::optional<std::size_t> worst;
  for (const Property& property : read_properties(*schema, ExampleMaker(*schema))) {
    if (property.name != modes.argument) continue;
    for (const json::Value fallback : property.defaults) {
      const auto found = fallback.is_string() ? std::ranges::find(modes.values, fallback.string(), &classify::Mode::value) : modes.values.end();
      if (found == modes.values.end()) return std::nullopt;
      const auto at = static_cast<std::size_t>(found - modes.values.begin());
      const auto harm = [&](std::size_t i) { return std::pair(modes.values[i].risk, modes.values[i].category); };
      if (!worst || harm(at) > harm(*worst)) worst = at;
    }
  }
  return worst;
}

}  // namespace

ModeVerdicts mode_verdicts(const Rule& rule, json::Value definition, const classify::Modes& modes) {
  const Judge judge(rule, definition, modes);
  ModeVerdicts verdicts;
  for (const classify::Mode& mode : modes.values) verdicts.values.push_back(judge.of(mode.value));
  if (!modes.closed) verdicts.anything_else = judge.of("no_such_mode");
  if (judge.may_be_left_out()) verdicts.left_out = judge.without();
  if (verdicts.left_out) verdicts.left_out_is = default_mode(definition, modes);
  return verdicts;
}

}  // namespace callgate::generate
