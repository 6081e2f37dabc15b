#include "classify/judgement.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "classify/argument_reading.hpp"
#include "classify/odd_characters.hpp"

namespace callgate::classify {
namespace {

constexpr std::array<std::pair<std::string_view, Category>, 11> kinds{{{"preview", Category::read},
                                                                      {"read", Category::read},
                                                                      {"derive", Category::read},
                                                                      {"generate", Category::read},
                                                                      {"write", Category::write},
                                                                      {"send", Category::write},
                                                                      {"destroy", Category::destructive},
                                                                      {"reset", Category::destructive},
                                                                      {"execute", Category::execute},
                                                                      {"ui", Category::execute},
                                                                      {"pay", Category::financial}}};

constexpr std::array<std::string_view, 5> is_features{"is:Read", "is:Write", "is:Execute", "is:Destructive", "is:Financial"};

/// What is not known starts who knows what.
Category category_of_mode(const FoundMode& mode) { return category_of_kind(mode.kind).value_or(Category::execute); }

}  // namespace

std::optional<Category> category_of_kind(std::string_view verb_kind) {
  if (verb_kind == "remove") return Category::destructive;
  const auto found = std::ranges::find(kinds, verb_kind, &std::pair<std::string_view, Category>::first);
  if (found == kinds.end()) return std::nullopt;
  return found->second;
}

Risk default_risk(Category category) {
  switch (category) {
    case Category::read: return Risk::low;
    case Category::write: return Risk::medium;
    case Category::execute: return Risk::high;
    case Category::destructive:
    case Category::financial: return Risk::critical;
  }
  return Risk::critical;
}

Judgement::Judgement(const Definition& tool, const Siblings& siblings, Hinting hinting, const Lexicon& lexicon, const FeatureGroups& groups, Titles titles)
    : tool_(tool), siblings_(siblings), hinting_(hinting), lexicon_(lexicon), groups_(groups), titles_(titles), facts_(lexicon) {}

Classification Judgement::answer() {
  Classification out;
  out.tool = tool_.name.text;
  gather();
  decide_category(out);
  decide_risk(out);
  quote_against(out);
  weigh_hints(out);
  find_signals(out);
  find_confidence(out);
  return out;
}

void Judgement::gather() {
  text_ = read_text(tool_.description.text, Place::Where::description, tool_.name.text, lexicon_, groups_, facts_);
  if (titles_ == Titles::read && !text_.lead) {
    lead_where_ = Place::Where::title;
    text_ = read_text(tool_.title.text, Place::Where::title, tool_.name.text, lexicon_, groups_, facts_);
  }
  name_ = read_name(tool_, text_.lead ? text_.lead->verb : nullptr, lexicon_, groups_, facts_);
  read_arguments(tool_, lexicon_, groups_, facts_);
  modes_ = read_modes(tool_, name_, text_, lexicon_);
  gather_acts();
  gather_modes();
  gather_hints(hinting_);
  gather_list();
}

/// The verb that decides is the name's, unless it says too little.
void Judgement::gather_acts() {
  const Place name_place = name_.verb ? Place{.where = Place::Where::name, .start = name_.verb->start, .end = name_.verb->end} : Place{};
  const bool name_decides = name_.verb && lexicon_.verb_kinds[name_.verb->verb->kind] != "vague" && !is_outweighed();
  if (!name_.verb) facts_.set("name:", "none", {});
  if (!text_.lead) facts_.set("text:", "none", {});
  if (name_decides) return set_act(*name_.verb->verb, name_place);
  if (text_.lead) return set_act(*text_.lead->verb, {.where = lead_where_, .start = text_.lead->start, .end = text_.lead->end});
  if (name_.verb) return set_act(*name_.verb->verb, name_place);
  facts_.set("act:", "none", {});
}

/// Whether the name's verb might as well be a noun, reads as a look, and the text plainly says more.
bool Judgement::is_outweighed() const {
  const bool may_be_noun = name_.verb->verb->often_noun || name_.is_inner;
  if (!may_be_noun || !text_.lead || !text_.in_first_sentence || text_.lead->verb->often_noun) return false;
  const auto name = category_of_kind(lexicon_.verb_kinds[name_.verb->verb->kind]);
  const auto text = category_of_kind(lexicon_.verb_kinds[text_.lead->verb->kind]);
  if (name != Category::read || !text || *text == Category::read) return false;
  // Behind a service's name stands the verb as a rule, so only what changes something outweighs it.
  return name_.verb->verb->often_noun || *text == Category::write || *text == Category::destructive;
}

void Judgement::set_act(const Verb& verb, Place place) {
  facts_.set(groups_.acts[verb.kind], place);
  facts_.set(verb.deciding, place);
}

void Judgement::gather_modes() {
  if (!modes_) return;
  if (!modes_->closed) facts_.set("mode:", "open", {.where = Place::Where::parameter, .which = modes_->parameter, .end = static_cast<std::uint32_t>(tool_.parameters[modes_->parameter].name.size())});
  for (FoundMode& mode : modes_->values) {
    if (mode.kind == "remove") mode.kind = facts_.has("head:undoable") || facts_.has("in:undoable") ? "write" : "destroy";
    if (mode.kind == "capture") mode.kind = kind_of_capture();
    facts_.set("mode:", mode.kind.empty() ? "unknown" : mode.kind, mode.place);
  }
}

/// A payment is captured, and so is a screen.
std::string_view Judgement::kind_of_capture() const {
  if (facts_.has("head:money") || facts_.has("head:moneyish") || facts_.has("in:money") || facts_.has("list:money") || facts_.has("near:money")) return "pay";
  return facts_.has("head:screen") || facts_.has("in:screen") || facts_.has("head:media") ? "read" : "";
}

void Judgement::gather_hints(Hinting hinting) {
  const auto place = [](std::uint16_t which) { return Place{.where = Place::Where::hint, .which = which}; };
  const Hints& hints = tool_.hints;
  if (hints.read_only == false) facts_.set("hint:", "not_read_only", place(0));
  if (hints.destructive == true) facts_.set("hint:", "destructive", place(1));
  if (hints.open_world == true) facts_.set("hint:", "open_world", place(3));
  if (hinting == Hinting::untrusted) return;
  if (hints.read_only == true) facts_.set("trusted:", "read_only", place(0));
  if (hints.destructive == false) facts_.set("trusted:", "not_destructive", place(1));
}

void Judgement::gather_list() {
  std::uint16_t index = 0;
  for (const Siblings::Theme& theme : siblings_.themes()) {
    facts_.set(groups_.list_nouns[theme.family], {.where = Place::Where::sibling, .which = index, .start = theme.start, .end = theme.end});
    ++index;
  }
}

bool Judgement::fits(const Rule& rule) const {
  return std::ranges::all_of(rule.when, [this](const Rule::Group& group) {
    return std::ranges::any_of(group.any, [this](Feature each) { return facts_.has(each); }) != group.absent;
  });
}

const Rule* Judgement::first_fit(const std::vector<Rule>& rules) const {
  const auto found = std::ranges::find_if(rules, [this](const Rule& rule) { return fits(rule); });
  return found == rules.end() ? nullptr : &*found;
}

void Judgement::decide_category(Classification& out) {
  decided_ = first_fit(lexicon_.categories);
  if (decided_ == nullptr) {
    out.category = Category::execute;
    out.evidence.push_back(evidence_of_name(Claim::category, "not enough to tell", "unknown"));
    return;
  }
  out.category = category_of(decided_->value).value_or(Category::execute);
  facts_.set("by:", decided_->id, {});
  quote(out, Claim::category, *decided_);
  raise_to_worst_mode(out);
}

/// What only looks, or changes what can be changed back, is not called so where one of its modes does worse. Open
/// engines stay what they are: they are looked at as a whole.
void Judgement::raise_to_worst_mode(Classification& out) {
  if (!modes_ || out.category > Category::write) return;
  const FoundMode* worst = nullptr;
  for (const FoundMode& mode : modes_->values) {
    // Beside changes, a word that is not known is taken for another.
    if (mode.kind.empty() && out.category != Category::read) continue;
    const Category category = category_of_mode(mode);
    if (category > out.category && (worst == nullptr || category > category_of_mode(*worst))) worst = &mode;
  }
  if (worst == nullptr) return;
  raised_ = true;
  out.category = category_of_mode(*worst);
  out.evidence.insert(out.evidence.begin(), evidence_at(Claim::category, worst->place, worst->kind.empty() ? "one of its modes is not known to be harmless" : "one of its modes does more than that", "worst_mode"));
}

void Judgement::decide_risk(Classification& out) {
  if (decided_ == nullptr) {
    out.risk = Risk::high;
    out.evidence.push_back(evidence_of_name(Claim::risk, "not enough to tell", "unknown"));
    return judge_modes(out);
  }
  const Feature is = lexicon_.feature(is_features[static_cast<std::size_t>(out.category)]);
  facts_.set(is, {});
  out.risk = default_risk(out.category);
  if (const Rule* rule = first_fit(lexicon_.risks)) {
    out.risk = risk_of(rule->value).value_or(Risk::critical);
    quote(out, Claim::risk, *rule);
  } else {
    Evidence same = out.evidence.front();
    same.claim = Claim::risk;
    same.says = std::string("nothing moves it from the default of ").append(word(out.category));
    same.rule = "default";
    out.evidence.push_back(std::move(same));
  }
  judge_modes(out);
}

void Judgement::judge_modes(Classification& out) {
  if (!modes_) return;
  Modes judged{.argument = std::string(tool_.parameters[modes_->parameter].name), .closed = modes_->closed};
  const FoundMode* worst = nullptr;
  Risk highest = out.risk;
  for (const FoundMode& found : modes_->values) {
    judged.values.push_back(judge_mode(found, out));
    if (judged.values.back().risk <= highest) continue;
    highest = judged.values.back().risk;
    worst = &found;
  }
  out.modes = std::move(judged);
  if (worst == nullptr) return;
  out.risk = highest;
  const auto at = std::ranges::find(out.evidence, Claim::risk, &Evidence::claim);
  out.evidence.insert(at, evidence_at(Claim::risk, worst->place, "the risk of its worst mode", "worst_mode"));
}

/// One value by itself: whatever else may be sent, it is the one that is named, and its verb is what is done.
Mode Judgement::judge_mode(const FoundMode& found, const Classification& tool) {
  // What is not known takes the tool's class, and is never taken for a look.
  Mode mode{.value = found.value, .category = tool.category, .risk = tool.risk};
  const Category category = category_of_mode(found);
  // Behind a path of the caller's choice a method is no bound: any of them may start anything.
  if (decided_ != nullptr && (decided_->id.starts_with("api/") || decided_->id.starts_with("http/"))) return mode;
  if (found.kind.empty() && raised_) mode.risk = std::max(mode.risk, Risk::high);
  if (found.kind.empty()) return mode;
  const std::vector<std::uint16_t> before = facts_.state();
  facts_.forget(lexicon_.feature("mode:open"));
  facts_.forget(lexicon_.feature(is_features[static_cast<std::size_t>(tool.category)]));
  facts_.set(lexicon_.feature(is_features[static_cast<std::size_t>(category)]), {});
  if (category != Category::read) take_act_of(found);
  const Rule* rule = first_fit(lexicon_.risks);
  facts_.restore(before);
  mode.category = category;
  mode.risk = rule == nullptr ? default_risk(category) : risk_of(rule->value).value_or(Risk::critical);
  if (found.loses_later) mode.risk = std::max(mode.risk, Risk::high);
  return mode;
}

/// The mode's verb in the place of a look's: to reboot is no analysis because the tool is called `node_info`.
void Judgement::take_act_of(const FoundMode& mode) {
  for (std::size_t kind = 0; kind < lexicon_.verb_kinds.size(); ++kind) {
    if (category_of_kind(lexicon_.verb_kinds[kind]) != Category::read) continue;
    for (const auto* group : {&groups_.name_verbs, &groups_.text_verbs, &groups_.acts}) facts_.forget((*group)[kind]);
  }
  if (mode.verb == nullptr) return;
  facts_.set(groups_.acts[mode.verb->kind], mode.place);
  facts_.set(mode.verb->own, mode.place);
  facts_.set(mode.verb->deciding, mode.place);
}

void Judgement::find_confidence(Classification& out) {
  const auto category_in = [this](const std::optional<FoundVerb>& verb) -> std::optional<Category> {
    if (!verb) return std::nullopt;
    return category_of_kind(lexicon_.verb_kinds[verb->verb->kind]);
  };
  const auto name = category_in(name_.verb);
  const auto text = category_in(text_.lead);
  std::string ground = "rule";
  if (decided_ == nullptr) {
    ground = "unknown";
  } else if (name == out.category) {
    ground = !text ? "name" : text == name ? "name+text" : "name-text";
  } else if (text == out.category) {
    ground = !name ? "text" : "text-name";
  } else if (modes_ && (decided_->id.find("mode") != std::string::npos || raised_)) {
    ground = "mode";
  }
  out.grounds = ground;
  for (const std::string& key : {ground + "/" + std::string(word(out.category)), ground}) {
    const auto found = lexicon_.confidence.find(key);
    if (found == lexicon_.confidence.end()) continue;
    out.confidence = found->second;
    break;
  }
  if (tool_.cut) out.confidence = std::min(out.confidence, 0.5);
}

}  // namespace callgate::classify
