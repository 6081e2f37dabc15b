#include <algorithm>
#include <array>
#include <span>
#include <string>

#include "base/json_pointer.hpp"
#include "classify/judgement.hpp"
#include "classify/odd_characters.hpp"
#include "classify/phrase_matching.hpp"
#include "classify/schema_reader.hpp"
#include "classify/side_texts.hpp"
#include "classify/tokens.hpp"

/// The quotations of an answer, its signals, and what spoke against it.
namespace callgate::classify {
namespace {

constexpr std::array<std::string_view, 4> hint_names{"readOnlyHint", "destructiveHint", "idempotentHint", "openWorldHint"};

std::string_view hint_text(const Hints& hints, std::uint16_t which) {
  const std::array values{hints.read_only, hints.destructive, hints.idempotent, hints.open_world};
  return values[which].value_or(false) ? "true" : "false";
}

void put(Evidence& out, std::string_view whole, std::string field, Place place) {
  out.field = std::move(field);
  out.text = whole.substr(place.start, place.end - place.start);
  out.start = place.start;
  out.end = place.end;
}

}  // namespace

Evidence Judgement::evidence_at(Claim claim, Place place, std::string_view says, std::string_view rule) const {
  Evidence out{.claim = claim, .says = std::string(says), .rule = std::string(rule)};
  switch (place.where) {
    case Place::Where::nowhere: break;
    case Place::Where::name: put(out, tool_.name.text, tool_.name.pointer, place); break;
    case Place::Where::title: put(out, tool_.title.text, tool_.title.pointer, place); break;
    case Place::Where::description: put(out, tool_.description.text, tool_.description.pointer, place); break;
    case Place::Where::parameter: put(out, tool_.parameters[place.which].name, tool_.parameters[place.which].at, place); break;
    case Place::Where::parameter_text:
      put(out, tool_.parameters[place.which].description, tool_.parameters[place.which].description_at, place);
      break;
    case Place::Where::parameter_value: {
      const Value& value = tool_.parameters[place.which].values[place.value];
      put(out, value.text, value.pointer, place);
      break;
    }
    case Place::Where::hint: {
      const std::string_view text = hint_text(tool_.hints, place.which);
      put(out, text, std::string("/annotations/").append(hint_names[place.which]), {.end = static_cast<std::uint32_t>(text.size())});
      break;
    }
    case Place::Where::sibling: {
      const Siblings::Theme& theme = siblings_.themes()[place.which];
      put(out, theme.name, std::string("sibling:").append(json::pointer_token(theme.name)).append("/name"), place);
      break;
    }
  }
  return out;
}

Evidence Judgement::evidence_of_name(Claim claim, std::string_view says, std::string_view rule) const {
  return evidence_at(claim, {.where = Place::Where::name, .end = static_cast<std::uint32_t>(tool_.name.text.size())}, says, rule);
}

void Judgement::quote(Classification& out, Claim claim, const Rule& rule) {
  const std::size_t before = out.evidence.size();
  for (const Rule::Group& group : rule.when) {
    if (group.absent) continue;
    const auto shown = std::ranges::find_if(group.any, [this](Feature each) { return facts_.has(each) && facts_.place(each).where != Place::Where::nowhere; });
    if (shown == group.any.end()) continue;
    Evidence made = evidence_at(claim, facts_.place(*shown), rule.says, rule.id);
    const auto same = [&](const Evidence& each) { return each.claim == claim && each.field == made.field && each.start == made.start && each.end == made.end; };
    if (std::ranges::none_of(out.evidence, same)) out.evidence.push_back(std::move(made));
  }
  if (out.evidence.size() == before) out.evidence.push_back(evidence_of_name(claim, rule.says, rule.id));
}

/// The places that called for a signal; none where that is the class alone.
void Judgement::quote_signal(Classification& out, const Rule& rule) {
  const std::size_t before = out.evidence.size();
  for (const Rule::Group& group : rule.when) {
    if (group.absent) continue;
    const auto shown = std::ranges::find_if(group.any, [this](Feature each) { return facts_.has(each) && facts_.place(each).where != Place::Where::nowhere; });
    if (shown == group.any.end()) continue;
    Evidence made = evidence_at(Claim::signal, facts_.place(*shown), rule.says, "signal/" + rule.value);
    const auto same = [&](const Evidence& each) { return each.field == made.field && each.start == made.start && each.end == made.end; };
    if (std::ranges::none_of(std::span(out.evidence).subspan(before), same)) out.evidence.push_back(std::move(made));
  }
}

/// The verbs that would have said something else.
void Judgement::quote_against(Classification& out) {
  const auto weigh = [&](const std::optional<FoundVerb>& verb, Place::Where where) {
    if (!verb) return;
    const auto category = category_of_kind(lexicon_.verb_kinds[verb->verb->kind]);
    if (!category || *category == out.category) return;
    Evidence made = evidence_at(Claim::category, {.where = where, .start = verb->start, .end = verb->end},
                                std::string("by itself this would be ").append(word(*category)), "against/verb");
    made.against = true;
    out.evidence.push_back(std::move(made));
  };
  weigh(name_.verb, Place::Where::name);
  weigh(text_.lead, lead_where_);
}

void Judgement::weigh_hints(Classification& out) {
  const auto contradicts = [&](std::uint16_t which, std::string_view says) {
    Evidence made = evidence_at(Claim::category, {.where = Place::Where::hint, .which = which}, says, "hint/contradicts");
    made.against = true;
    out.evidence.push_back(std::move(made));
    out.signals.emplace_back("hint_contradicts");
  };
  if (tool_.hints.read_only == true && out.category != Category::read) return contradicts(0, "the annotation says that it only reads");
  if (tool_.hints.read_only == false && out.category == Category::read) return contradicts(0, "the annotation says that it does not only read");
  if (tool_.hints.destructive == false && out.category == Category::destructive) contradicts(1, "the annotation says that nothing is destroyed");
}

void Judgement::find_signals(Classification& out) {
  for (const Rule& rule : lexicon_.signals) {
    if (!fits(rule) || std::ranges::find(out.signals, rule.value) != out.signals.end()) continue;
    out.signals.push_back(rule.value);
    quote_signal(out, rule);
  }
  if (modes_) out.signals.emplace_back("mode_argument");
  if (!tool_.hints.any()) out.signals.emplace_back("no_hints");
  if (tool_.description.text.find_first_not_of(" \t\r\n") == std::string_view::npos) out.signals.emplace_back("no_description");
  const bool free_object = std::ranges::any_of(tool_.parameters, [](const Parameter& each) { return each.open_object; });
  if (tool_.open_arguments || free_object) out.signals.emplace_back("open_arguments");
  const bool mixed = has_mixed_scripts(tool_.name.text);
  if (mixed) out.evidence.push_back(evidence_of_name(Claim::signal, "letters of several scripts in one name", "signal/odd_characters"));
  const bool odd = mixed || has_odd_characters(tool_.name.text) || has_odd_characters(tool_.title.text) || has_odd_characters(tool_.description.text) ||
                   std::ranges::any_of(tool_.parameters, [](const Parameter& each) { return has_odd_characters(each.name) || has_odd_characters(each.description); });
  if (odd) out.signals.emplace_back("odd_characters");
  find_poison(out);
  std::ranges::sort(out.signals);
  out.signals.erase(std::ranges::unique(out.signals).begin(), out.signals.end());
}

/// Orders to the model, and text that a reader does not see, wherever a definition may hold them.
void Judgement::find_poison(Classification& out) const {
  const auto add = [&out](std::string_view field, std::string_view text, std::size_t start, std::size_t end, std::string_view says, std::string_view signal) {
    if (std::ranges::find(out.signals, signal) == out.signals.end()) out.signals.emplace_back(signal);
    out.evidence.push_back({.claim = Claim::signal, .field = std::string(field), .text = std::string(text.substr(start, end - start)),
                            .start = static_cast<std::uint32_t>(start), .end = static_cast<std::uint32_t>(end), .says = std::string(says), .rule = "signal/" + std::string(signal)});
  };
  const auto look_behind = [&](std::string_view field, std::string_view text) {
    if (const auto hidden = hidden_part(text)) add(field, text, hidden->start, hidden->end, hidden->says, "odd_characters");
  };
  const auto look_for_orders = [&](std::string_view field, std::string_view text) {
    const std::vector<Token> tokens = words_of(text, lexicon_, 80);
    match_phrases(text, tokens, tool_.name.text, lexicon_, [&](const Phrase& phrase, std::size_t from, std::size_t to) {
      if (lexicon_.meanings[phrase.meaning] == "steer") add(field, text, tokens[from].start, tokens[to - 1].end, "the text speaks to the model", "instructions_in_text");
      return true;
    });
  };
  look_behind(tool_.description.pointer, tool_.description.text);
  for (const Parameter& each : tool_.parameters) look_behind(each.description_at, each.description);
  if (!tool_.title.text.empty()) look_for_orders(tool_.title.pointer, tool_.title.text);
  bool odd = false;
  for (const SideText& each : side_texts_of(tool_.written)) {
    look_behind(each.pointer, each.text);
    look_for_orders(each.pointer, each.text);
    odd |= has_odd_characters(each.text);
  }
  if (odd) out.signals.emplace_back("odd_characters");
}

}  // namespace callgate::classify
