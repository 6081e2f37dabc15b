#include "generate/trial.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace callgate::generate {
namespace {

constexpr std::size_t longest_test = 2000;  ///< bytes of arguments; longer ones could not be read

std::shared_ptr<const schema::Schema> compile(std::string text) {
  const auto document = json::OwnedDocument::parse(std::move(text), {.check_number_range = false});
  if (!document) return nullptr;
  auto compiled = schema::Schema::compile((*document)->root());
  return compiled ? *compiled : nullptr;
}

bool takes_text(const schema::Schema& schema, std::string_view instance) {
  const auto document = json::OwnedDocument::parse(std::string(instance));
  return document && !schema.validate((*document)->root());
}

const std::string* value_of(const Arguments& arguments, std::string_view name) {
  const auto found = std::ranges::find(arguments, name, [](const auto& each) { return std::string_view(each.first); });
  return found == arguments.end() ? nullptr : &found->second;
}

Arguments with(Arguments arguments, std::string_view name, std::string value) {
  set_member(arguments, name, std::move(value));
  return arguments;
}

}  // namespace

std::string arguments_schema(const Rule& rule) {
  if (rule.clauses.empty() && !rule.closed) return {};
  std::string properties;
  std::string required;
  for (const Clause& clause : rule.clauses) {
    properties += fmt::format("{}{}:{}", properties.empty() ? "" : ",", json::quoted(clause.argument), clause.schema);
    if (clause.required) required += (required.empty() ? "" : ",") + json::quoted(clause.argument);
  }
  if (rule.closed) {
    for (const std::string& other : rule.other_arguments) properties += fmt::format("{}{}:true", properties.empty() ? "" : ",", json::quoted(other));
  }
  return fmt::format("{{\"properties\":{{{}}}{}{}}}", properties, required.empty() ? "" : ",\"required\":[" + required + "]",
                     rule.closed ? ",\"additionalProperties\":false" : "");
}

bool Trial::own_takes(std::string_view arguments) const { return own_ == nullptr || takes_text(*own_, arguments); }

/// Whether a value of its argument fits the clause.
bool Trial::holds(const Clause& clause, std::string_view value) const {
  const auto compiled = compile(clause.schema);
  return compiled != nullptr && takes_text(*compiled, value);
}

/// Makes the base call fit the clause.
bool Trial::fit_good(const Clause& clause) {
  const std::string* now = value_of(*base_, clause.argument);
  if (now != nullptr && holds(clause, *now)) return true;
  if (now == nullptr && !clause.required) return true;
  std::optional<std::string> good = clause.good;
  if (good->empty()) {
    const auto document = json::OwnedDocument::parse(clause.schema);
    good = document ? ExampleMaker((*document)->root()).value((*document)->root()) : std::nullopt;
  }
  if (!good || !holds(clause, *good)) return false;
  Arguments changed = with(*base_, clause.argument, *good);
  if (!own_takes(json_of(changed))) return false;
  base_ = std::move(changed);
  return true;
}

bool Trial::keeps(Clause& clause, json::Value input_schema) {
  const auto properties = input_schema.find("properties");
  const auto property = properties ? properties->find(clause.argument) : std::nullopt;
  if (property && !clause.required) {
    // The tool's own default and examples say what it takes.
    if (const auto fallback = property->find("default"); fallback && !holds(clause, fallback->text())) return false;
    if (const auto examples = property->find("examples"); examples && examples->is_array()) {
      for (const json::Value each : examples->elements()) {
        if (!holds(clause, each.text())) return false;
      }
    }
  }
  if (!fit_good(clause)) return false;
  const bool could_be_tried = !clause.bad.empty();
  std::erase_if(clause.bad, [&](const std::string& bad) { return holds(clause, bad) || !own_takes(json_of(with(*base_, clause.argument, bad))); });
  return !could_be_tried || !clause.bad.empty();
}

void Trial::close(Rule& rule) const {
  if (!rule.closed) return;
  std::erase_if(rule.outsiders, [this](const auto& each) { return !own_takes(json_of(with(*base_, each.first, each.second))); });
  rule.closed = !rule.outsiders.empty() && (!rule.clauses.empty() || rule.keeps_closed);
}

policy::Verdict Trial::verdict_of(const Rule& rule, const Arguments& arguments) {
  for (const Case& each : rule.cases) {
    const std::string* value = value_of(arguments, each.argument);
    if (value == nullptr && each.missing) return each.action;
    if (value != nullptr && std::ranges::any_of(each.values, [&](const std::string& one) { return json::quoted(one) == *value; })) return each.action;
  }
  return rule.action;
}

void Trial::add_mode_tests(Rule& rule, const std::string& pointer) const {
  for (std::size_t i = 0; i < rule.cases.size(); ++i) {
    const Case& each = rule.cases[i];
    if (!own_takes(json_of(with(*base_, each.argument, json::quoted(each.values.front()))))) continue;
    rule.tests.push_back({json_of(with(*base_, each.argument, json::quoted(each.values.front()))), each.action, fmt::format("{}/cases/{}", pointer, i)});
  }
}

void Trial::add_tests(Rule& rule) const {
  const std::string pointer = "/tools/" + rule.tool;
  if (rule.action <= policy::Verdict::deny) {
    rule.tests.push_back({"{}", rule.action, pointer});
    return;
  }
  if (!base_) return;
  rule.tests.push_back({json_of(*base_), verdict_of(rule, *base_), rule.cases.empty() ? pointer : std::string()});
  add_mode_tests(rule, pointer);
  const auto refused = [&](const Arguments& arguments) {
    rule.tests.push_back({json_of(arguments), policy::Verdict::invalid_arguments, pointer + "/arguments"});
  };
  for (const Clause& clause : rule.clauses) {
    for (const std::string& bad : clause.bad) refused(with(*base_, clause.argument, bad));
    if (!clause.required) continue;
    Arguments without = *base_;
    std::erase_if(without, [&](const auto& each) { return each.first == clause.argument; });
    if (own_takes(json_of(without))) refused(without);
  }
  if (rule.closed) {
    for (const auto& [name, value] : rule.outsiders) refused(with(*base_, name, value));
  }
  std::erase_if(rule.tests, [](const Expected& each) { return each.arguments.size() > longest_test; });
}

void Trial::run(Rule& rule, json::Value input_schema) {
  if (base_ && !own_takes(json_of(*base_))) base_.reset();
  if (base_) {
    std::erase_if(rule.clauses, [&](Clause& clause) { return !keeps(clause, input_schema) && !clause.kept; });
  } else {
    std::erase_if(rule.clauses, [](const Clause& clause) { return !clause.required && !clause.kept; });
  }
  if (base_) {
    close(rule);
  } else {
    rule.closed = false;
  }
  if (!rule.closed) rule.other_arguments.clear();
  // A clause may have taken a value away that an earlier one needed.
  if (const std::string schema = arguments_schema(rule); base_ && !schema.empty()) {
    const auto compiled = compile(schema);
    if (compiled == nullptr || !takes_text(*compiled, json_of(*base_))) base_.reset();
  }
  add_tests(rule);
}

}  // namespace callgate::generate
