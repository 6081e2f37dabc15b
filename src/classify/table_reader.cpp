#include "classify/table_reader.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "classify/inflection.hpp"

namespace callgate::classify {
namespace {

std::vector<std::string_view> split(std::string_view text, std::string_view by) {
  std::vector<std::string_view> parts;
  while (true) {
    const std::size_t end = text.find(by);
    parts.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + by.size());
  }
}

/// The index of `word` in `names`, which grows when it is new.
std::uint8_t place_in(std::vector<std::string>& names, std::string_view word) {
  const auto found = std::ranges::find(names, word);
  if (found != names.end()) return static_cast<std::uint8_t>(found - names.begin());
  names.emplace_back(word);
  return static_cast<std::uint8_t>(names.size() - 1);
}

/// Rules part their groups by blanks, so a noun of several words is written with underscores there.
std::string with_underscores(std::string_view words) {
  std::string out(words);
  std::ranges::replace(out, ' ', '_');
  return out;
}
std::string with_blanks(std::string_view word) {
  std::string out(word);
  std::ranges::replace(out, '_', ' ');
  return out;
}

}  // namespace

void TableReader::read(const TableText& table) {
  std::size_t number = 0;
  for (const std::string_view line : split(table.text, "\n")) {
    at_ = fmt::format("{}:{}", table.name, ++number);
    if (line.empty() || line.starts_with('#')) continue;
    read_row(table.name, split(line, "\t"));
  }
}

void TableReader::read_row(std::string_view table, Columns columns) {
  if (table == "verbs" && columns.size() == 2) return read_verbs(columns);
  if (table == "nouns" && columns.size() == 2) return read_nouns(columns);
  if (table == "phrases" && columns.size() == 3) return read_phrase(columns);
  if (table == "arguments" && columns.size() == 2) return read_arguments(columns);
  if (table == "rules" && columns.size() == 5) return read_rule(columns);
  if (table == "commands" && columns.size() == 2) {
    for (const std::string_view each : split(columns[1], ", ")) out_.commands_.emplace(each, columns[0]);
    return;
  }
  if (table == "confidence" && columns.size() == 2) {
    double value = 0;
    std::from_chars(columns[1].data(), columns[1].data() + columns[1].size(), value);
    out_.confidence.insert_or_assign(std::string(columns[0]), value);
    return;
  }
  fault("no row of this table has so many columns", columns[0]);
}

void TableReader::read_verbs(Columns columns) {
  const std::uint8_t kind = place_in(out_.verb_kinds, columns[0]);
  for (const std::string_view word : split(columns[1], ", ")) add_verb(word, kind);
}

void TableReader::add_verb(std::string_view word, std::uint8_t kind) {
  const std::vector<std::string_view> forms = split(word, "/");
  const bool often_noun = forms[0].ends_with('~');
  const std::string_view lemma = often_noun ? forms[0].substr(0, forms[0].size() - 1) : forms[0];
  if (lemmas_.contains(lemma)) return fault("a verb stands twice", lemma);
  const auto verb = static_cast<std::uint16_t>(out_.verbs.size());
  out_.verbs.push_back({.lemma = std::string(lemma), .kind = kind, .often_noun = often_noun});
  lemmas_.emplace(lemma, verb);
  add_form(lemma, verb, Form::base);
  add_form(third_person(lemma), verb, Form::third);
  add_form(gerund(lemma), verb, Form::gerund);
  add_form(past(lemma), verb, Form::past);
  for (const std::string_view form : std::span(forms).subspan(1)) add_form(form, verb, Form::noun);
}

void TableReader::add_form(std::string_view form, std::uint16_t verb, Form how) {
  id_of(form);
  Entry& entry = out_.entries_.find(form)->second;
  // A form that is some verb's base is that verb's: `text` is no form of another.
  if (entry.verb != nothing && how != Form::base) return;
  entry.verb = verb;
  entry.form = how;
}

void TableReader::read_nouns(Columns columns) {
  const std::uint8_t family = place_in(out_.families, columns[0]);
  for (const std::string_view word : split(columns[1], ", ")) add_noun(word, family);
}

void TableReader::add_noun(std::string_view word, std::uint8_t family) {
  const auto [place, is_new] = noun_places_.try_emplace(std::string(word), static_cast<std::uint16_t>(out_.nouns.size()));
  if (is_new) out_.nouns.push_back({.word = std::string(word)});
  Noun& noun = out_.nouns[place->second];
  if (std::ranges::find(noun.families, family) != noun.families.end()) return fault("a noun stands twice in a family", word);
  noun.families.push_back(family);
  const std::string many = plural(word);
  const std::size_t space = word.find(' ');
  if (space == std::string_view::npos) {
    id_of(word);
    id_of(many);
    out_.entries_.find(word)->second.noun = place->second;
    Entry& entry = out_.entries_.find(many)->second;
    if (entry.noun == nothing) entry.plural = true;
    if (entry.noun == nothing) entry.noun = place->second;
    return;
  }
  id_of(word.substr(0, space));
  out_.entries_.find(word.substr(0, space))->second.begins_compound = true;
  out_.compounds_.try_emplace(std::string(word), place->second);
  out_.compounds_.try_emplace(many, place->second);
}

void TableReader::read_phrase(Columns columns) {
  const std::string_view meaning = columns[0];
  Phrase phrase{.text = std::string(columns[2]), .meaning = place_in(out_.meanings, meaning)};
  for (const std::string_view mark : split(columns[1], " ")) {
    if (mark == "flat") phrase.deniable = false;
    if (mark == "lead") phrase.lead_only = true;
  }
  add_steps(std::move(phrase), split(columns[2], " "));
}

void TableReader::add_steps(Phrase phrase, std::span<const std::string_view> words) {
  // `word?` may be missing: two phrases.
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (!words[i].ends_with('?')) continue;
    std::vector<std::string_view> with(words.begin(), words.end());
    with[i].remove_suffix(1);
    add_steps(phrase, with);
    with.erase(with.begin() + static_cast<std::ptrdiff_t>(i));
    return add_steps(std::move(phrase), with);
  }
  for (const std::string_view word : words) phrase.steps.push_back(word == "*" ? std::vector<std::uint16_t>{} : forms_of(word));
  if (phrase.steps.empty() || phrase.steps[0].empty()) return fault("a phrase begins with a word", phrase.text);
  const auto index = static_cast<std::uint16_t>(out_.phrases.size());
  for (const std::uint16_t id : phrase.steps[0]) by_id_[id - 1U]->phrases.push_back(index);
  out_.phrases.push_back(std::move(phrase));
}

std::vector<std::uint16_t> TableReader::forms_of(std::string_view alternatives) {
  std::vector<std::uint16_t> ids;
  for (const std::string_view each : split(alternatives, "|")) {
    if (!each.starts_with('~')) {
      ids.push_back(id_of(each));
      continue;
    }
    const std::string_view lemma = each.substr(1);
    ids.push_back(id_of(lemma));
    for (const std::string& form : {third_person(lemma), gerund(lemma), past(lemma)}) ids.push_back(id_of(form));
  }
  return ids;
}

void TableReader::read_arguments(Columns columns) {
  const std::uint8_t kind = place_in(out_.argument_kinds, columns[0]);
  for (std::string_view name : split(columns[1], ", ")) {
    const bool whole = name.starts_with('=');
    if (whole) name.remove_prefix(1);
    ArgumentName& argument = out_.arguments_[std::string(name)];
    argument.whole = whole;
    argument.kinds.push_back(kind);
  }
}

void TableReader::read_rule(Columns columns) {
  Rule rule{.id = std::string(columns[1]), .value = std::string(columns[2]), .says = std::string(columns[4])};
  for (std::string_view group : split(columns[3], " ")) {
    Rule::Group made;
    made.absent = group.starts_with('!');
    if (made.absent) group.remove_prefix(1);
    for (const std::string_view feature : split(group, "|")) made.any.push_back(interned(feature));
    rule.when.push_back(std::move(made));
  }
  if (columns[0] == "category") return out_.categories.push_back(std::move(rule));
  if (columns[0] == "risk") return out_.risks.push_back(std::move(rule));
  if (columns[0] == "signal") return out_.signals.push_back(std::move(rule));
  fault("a rule is for a category, a risk or a signal", columns[0]);
}

std::uint16_t TableReader::id_of(std::string_view form) {
  const auto found = out_.entries_.find(form);
  if (found != out_.entries_.end()) return found->second.id;
  const auto id = static_cast<std::uint16_t>(out_.entries_.size() + 1);
  by_id_.push_back(&out_.entries_.emplace(std::string(form), Entry{.id = id}).first->second);
  return id;
}

Feature TableReader::interned(std::string_view feature) {
  const auto next = static_cast<Feature>(out_.features_.size() + 1);
  return out_.features_.try_emplace(std::string(feature), next).first->second;
}

void TableReader::finish() {
  at_ = "rules";
  for (Verb& verb : out_.verbs) {
    verb.own = out_.feature("verb:" + verb.lemma);
    verb.lead = out_.feature("lead:" + verb.lemma);
    verb.deciding = out_.feature("do:" + verb.lemma);
  }
  for (Noun& noun : out_.nouns) noun.own = out_.feature("noun:" + with_underscores(noun.word));
  check_features();
}

void TableReader::check_features() {
  for (const auto& [name, feature] : out_.features_) {
    if (const std::string_view what = known_family_fault(name); !what.empty()) fault(what, name);
  }
  std::ranges::sort(out_.faults);
}

std::string_view TableReader::known_family_fault(std::string_view feature) const {
  const std::size_t colon = feature.find(':');
  if (colon == std::string_view::npos) return "a feature is written group:name";
  const std::string_view group = feature.substr(0, colon);
  const std::string_view name = feature.substr(colon + 1);
  const auto among = [name](const std::vector<std::string>& names) { return std::ranges::find(names, name) != names.end(); };
  if (name == "none" || name == "plural") return "";
  if (group == "verb" || group == "lead" || group == "do") return lemmas_.contains(name) ? "" : "a rule asks for a verb that no table has";
  if (group == "noun") return noun_places_.contains(with_blanks(name)) ? "" : "a rule asks for a noun that no table has";
  if (group == "name" || group == "text" || group == "chain" || group == "more" || group == "act") return among(out_.verb_kinds) ? "" : "a rule asks for a class of verbs that no table has";
  if (group == "head" || group == "in" || group == "about" || group == "list" || group == "to" || group == "near" || group == "lost") return among(out_.families) ? "" : "a rule asks for a family that no table has";
  if (group == "says" || group == "argsays") return among(out_.meanings) ? "" : "a rule asks for a meaning that no phrase has";
  if (group == "arg") return among(out_.argument_kinds) ? "" : "a rule asks for a kind of argument that no table has";
  return "";
}

void TableReader::fault(std::string_view what, std::string_view item) {
  out_.faults.push_back(fmt::format("{}: {}: `{}`", at_, what, item));
}

}  // namespace callgate::classify
