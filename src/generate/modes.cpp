#include "generate/modes.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "generate/policy_text.hpp"
#include "generate/tables.hpp"
#include "generate/yaml_writer.hpp"

namespace callgate::generate {
namespace {

using classify::Mode;
using policy::Verdict;

constexpr std::size_t longest_value = 100;
constexpr std::size_t most_refused = 4;  ///< modes that tests show to be refused

/// The modes of a tool by what becomes of them.
struct Sorted {
  std::vector<const Mode*> allowed;
  std::vector<const Mode*> asked;
  std::vector<const Mode*> left_out;
};

Sorted sort(const classify::Modes& modes, bool unsure) {
  Sorted sorted;
  for (const Mode& mode : modes.values) {
    const Verdict action = Tables::built_in().start(mode.category, mode.risk).action;
    if (action <= Verdict::deny || mode.value.size() > longest_value) {
      sorted.left_out.push_back(&mode);
    } else if (action == Verdict::allow && !unsure) {
      sorted.allowed.push_back(&mode);
    } else {
      sorted.asked.push_back(&mode);
    }
  }
  return sorted;
}

/// What a call is that leaves the argument out.
enum class Without : std::uint8_t {
  refused,  ///< nobody can tell, or it does too much harm: the argument has to be there
  known,    ///< the mode that the schema names as the default; of several the worst
  worst,    ///< nobody can tell; all modes may be sent, so it is taken for the worst of them
};

struct Missing {
  Without is = Without::refused;
  const Mode* mode = nullptr;  ///< of `known` and `worst`
};

bool is_worse(const Mode* one, const Mode* other) { return std::pair(one->risk, one->category) > std::pair(other->risk, other->category); }

Missing what_is_missing(const Property& property, std::span<const Mode* const> kept, bool lists) {
  // What no condition can ask for has to be there.
  if (property.required || !can_be_asked_for(property.name)) return {};
  // Which of several defaults a server goes by, the argument's own or that of what it refers to, nobody can tell.
  Missing missing;
  bool unclear = property.defaults.empty();
  for (const json::Value fallback : property.defaults) {
    if (!fallback.is_string()) {
      unclear = true;
      continue;
    }
    const auto found = std::ranges::find(kept, fallback.string(), &Mode::value);
    if (found == kept.end()) return {};
    if (missing.mode == nullptr || is_worse(*found, missing.mode)) missing = {Without::known, *found};
  }
  if (!unclear) return missing;
  if (lists) return {};
  return {Without::worst, *std::ranges::max_element(kept, [](const Mode* one, const Mode* other) { return is_worse(other, one); })};
}

std::string names_of(std::span<const Mode* const> modes) {
  std::string out;
  for (const Mode* mode : modes) out += fmt::format("{}{}", out.empty() ? "" : ", ", yaml_string(mode->value));
  return comment_line(out, 160);
}

/// The limit of the mildest that has one, where one counts all modes together.
std::optional<Limit> limit_of(std::span<const Mode* const> modes) {
  std::optional<Limit> widest;
  for (const Mode* mode : modes) {
    const auto& limit = Tables::built_in().start(mode->category, mode->risk).limit;
    if (!limit) continue;
    const auto rate = [](const Limit& each) { return static_cast<double>(each.max) / static_cast<double>(each.window.count()); };
    if (!widest || rate(*limit) > rate(*widest)) widest = limit;
  }
  return widest;
}

Clause clause_of(const classify::Modes& modes, std::span<const Mode* const> kept, std::span<const Mode* const> left_out, const Missing& missing) {
  Clause clause{.argument = modes.argument, .required = missing.is == Without::refused, .kept = true};
  std::string values;
  for (const Mode* mode : kept) values += (values.empty() ? "" : ",") + json::quoted(mode->value);
  clause.schema = "{\"enum\":[" + values + "]}";
  clause.good = json::quoted(kept.front()->value);
  clause.comment = left_out.empty() ? "only what the tool's text names: whatever else it may take is refused" : "a list of what may be sent, the rest is refused";
  for (std::string other : {kept.front()->value + "_x", std::string("no_such_mode")}) clause.bad.push_back(json::quoted(other));
  std::string turned = kept.front()->value;
  for (char& c : turned) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c | 0x20);
  }
  if (turned != kept.front()->value && std::ranges::none_of(kept, [&](const Mode* mode) { return mode->value == turned; })) {
    clause.bad.insert(clause.bad.begin(), json::quoted(turned));
  }
  // What the list is there to refuse shows best that it does; the tool itself takes it.
  for (std::size_t i = std::min(left_out.size(), most_refused); i-- > 0;) clause.bad.insert(clause.bad.begin(), json::quoted(left_out[i]->value));
  return clause;
}

bool is_same(const std::optional<Limit>& one, const std::optional<Limit>& other) {
  return one.has_value() == other.has_value() && (!one || (one->max == other->max && one->window == other->window));
}

std::optional<Limit> own_limit(const Mode& mode, const Acts& acts) {
  const auto& limit = Tables::built_in().start(mode.category, mode.risk).limit;
  return !limit && mode.category == classify::Category::read ? acts.reads : limit;
}

/// Whether modes that are allowed differ in how often.
bool differ_in_limit(std::span<const Mode* const> modes, const Acts& acts) {
  return std::ranges::any_of(modes, [&](const Mode* mode) { return !is_same(own_limit(*mode, acts), own_limit(*modes.front(), acts)); });
}

/// Puts a mode to those of its kind.
void add_case(Rule& rule, const std::string& argument, const Mode& mode, Verdict action, std::string_view reason, const std::optional<Limit>& limit, const Missing& missing) {
  const auto same = std::ranges::find_if(rule.cases, [&](const Case& each) { return each.action == action && each.reason == reason && is_same(each.limit, limit); });
  Case& its = same != rule.cases.end() ? *same : rule.cases.emplace_back(Case{argument, {}, action, std::string(reason), limit});
  its.values.push_back(mode.value);
  its.optional = missing.is != Without::refused;
  its.missing |= &mode == missing.mode;
}

}  // namespace

void take_modes(Rule& rule, const classify::Modes& modes, std::span<const Property> properties, Language language, const Acts& acts) {
  const auto property = std::ranges::find(properties, modes.argument, &Property::name);
  const Sorted sorted = sort(modes, acts.unsure);
  const bool reachable = property != properties.end() && (property->type == "string" || property->bounded);
  if (!reachable || (sorted.allowed.empty() && sorted.asked.empty())) {
    if (rule.action == Verdict::allow && !sorted.left_out.empty()) rule.action = Verdict::require_approval;
    return;
  }

  std::vector<const Mode*> kept = sorted.allowed;
  kept.insert(kept.end(), sorted.asked.begin(), sorted.asked.end());
  const bool mixed = !sorted.allowed.empty() && !sorted.asked.empty();
  const bool limits_differ = language.cases && acts.limited_each && !sorted.allowed.empty() && differ_in_limit(sorted.allowed, acts);
  const bool parted = mixed || limits_differ;
  rule.action = sorted.allowed.empty() || (mixed && !language.cases) ? Verdict::require_approval : Verdict::allow;
  if (sorted.allowed.empty() || !language.cases) {
    rule.limit = limit_of(kept);
  } else {
    rule.limit = limits_differ ? std::nullopt : own_limit(*sorted.allowed.front(), acts);
  }
  rule.reason = reason_of_modes;
  rule.leaves_out = !sorted.left_out.empty();
  // A value of another type than those of the modes is none of them.
  bool lists = !modes.closed || !sorted.left_out.empty() || (parted && property->nullable);
  const Missing missing = what_is_missing(*property, kept, lists);
  lists |= parted && missing.is == Without::refused && !property->required;
  if (lists) rule.clauses.push_back(clause_of(modes, kept, sorted.left_out, missing));
  if (!sorted.left_out.empty()) rule.notes.push_back(fmt::format("left out, too much harm in one call: {}", names_of(sorted.left_out)));
  if (mixed && !language.cases) rule.notes.push_back(fmt::format("later, with `cases`: ask for {} alone and allow {}", names_of(sorted.asked), names_of(sorted.allowed)));
  if (!parted || !language.cases) return;
  for (const Mode* mode : sorted.asked) {
    const auto& start = Tables::built_in().start(mode->category, mode->risk);
    add_case(rule, modes.argument, *mode, Verdict::require_approval, start.reason, start.limit, missing);
  }
  if (!limits_differ) return;
  for (const Mode* mode : sorted.allowed) {
    if (const auto limit = own_limit(*mode, acts)) add_case(rule, modes.argument, *mode, Verdict::allow, "", limit, missing);
  }
}

}  // namespace callgate::generate
