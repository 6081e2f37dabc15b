#include "classify/mode_reading.hpp"

#include <algorithm>
#include <array>
#include <string_view>

#include "classify/judgement.hpp"
#include "classify/phrase_matching.hpp"
#include "classify/tokens.hpp"

namespace callgate::classify {
namespace {

constexpr std::array<std::string_view, 9> sure_names{"action", "operation", "command", "op", "verb", "subcommand", "cmd", "act", "method"};
constexpr std::array<std::string_view, 5> likely_names{"mode", "type", "function", "kind", "request"};
constexpr std::size_t max_modes = 48;
constexpr std::size_t max_words_of_value = 3;
/// `check_access(action)`, `can_user(operation)`: whether it may be done is asked, it is not done.
constexpr std::array<std::string_view, 6> asking_verbs{"check", "is", "verify", "test", "evaluate", "validate"};
/// `get_audit_log(action)`: the acts are those that are recorded.
constexpr std::array<std::string_view, 8> past_acts{"log", "logs", "audit", "history", "trail", "activity", "activities", "changelog"};
constexpr std::array<std::string_view, 5> asked_rights{"permission", "permissions", "access", "privilege", "privileges"};

/// Whether the values that were read are all that its schema lets through.
bool has_closed_values(const Parameter& parameter) {
  return parameter.bounded && !parameter.values_cut && !parameter.open_alternative && parameter.values.size() <= max_modes;
}

class ModeReader {
 public:
  ModeReader(const Definition& tool, const NameReading& name, const TextReading& text, const Lexicon& lexicon)
      : tool_(tool), lexicon_(lexicon), look_(look_of(name, text, lexicon)) {}

  std::optional<FoundModes> read() {
    for (std::size_t i = 0; i < tool_.parameters.size(); ++i) {
      const Parameter& parameter = tool_.parameters[i];
      // Within a list there is one for each element: no choice of what the tool is.
      if (parameter.depth > 1 || parameter.array_item) continue;
      const std::string_view last = last_word(parameter.name);
      const bool sure = is_one_of(last, sure_names);
      if (!sure && !is_one_of(last, likely_names)) continue;
      FoundModes found{.parameter = static_cast<std::uint16_t>(i), .closed = has_closed_values(parameter)};
      sure_ = sure;
      of_a_kind_ = last == "type" || last == "kind";
      take_values(parameter, found);
      if (found.values.empty() && sure) take_listed(found);
      find_sums(found);
      find_shapes(found);
      if (!is_choice(found, sure) || only_asks(found)) continue;
      find_things(found);
      return found;
    }
    return std::nullopt;
  }

 private:
  struct Act {
    std::string kind;            ///< empty: not known
    const Verb* verb = nullptr;
  };

  /// The verb of a tool that looks, by its name or, where that has none, its first sentence.
  static const Verb* look_of(const NameReading& name, const TextReading& text, const Lexicon& lexicon) {
    const auto& found = name.verb ? name.verb : text.lead;
    if (!found) return nullptr;
    const std::string& kind = lexicon.verb_kinds[found->verb->kind];
    return kind == "read" || kind == "derive" || kind == "preview" ? found->verb : nullptr;
  }

  std::string_view last_word(std::string_view name) {
    const std::vector<Token> parts = parts_of(name, lexicon_);
    if (parts.empty()) return {};
    lower_.emplace(name.substr(parts.back().start, parts.back().end - parts.back().start));
    return lower_->view();
  }

  void take_values(const Parameter& parameter, FoundModes& found) {
    for (std::size_t i = 0; i < parameter.values.size() && found.values.size() < max_modes; ++i) {
      const Value& value = parameter.values[i];
      found.values.push_back(mode_of(value.text, act_of(value.text),
                                     {.where = Place::Where::parameter_value, .which = found.parameter, .value = static_cast<std::uint16_t>(i),
                                      .end = static_cast<std::uint32_t>(value.text.size())}));
    }
  }

  /// Values that a text lists: in its own description in any form, in the tool's where they are written as names.
  /// Where the tool's text has a line about the argument, or shows it in use, only that counts: other
  /// quoted words are of something else.
  void take_listed(FoundModes& found) {
    const Parameter& parameter = tool_.parameters[found.parameter];
    take_text(parameter.description, 0, {.where = Place::Where::parameter_text, .which = found.parameter}, true, found);
    if (!found.values.empty()) return;
    const std::string_view text = tool_.description.text;
    if (const auto line = line_about(parameter.name, text)) take_text(*line, offset_in(text, *line), {.where = Place::Where::description}, true, found);
    if (known(found) >= 2) return take_used(parameter.name, text, found);
    found.values.clear();
    take_text(text, 0, {.where = Place::Where::description}, false, found);
  }

  static std::size_t offset_in(std::string_view text, std::string_view part) { return static_cast<std::size_t>(part.data() - text.data()); }

  /// What stands behind `name:` at the beginning of a line, to its end.
  static std::optional<std::string_view> line_about(std::string_view name, std::string_view text) {
    for (std::size_t at = text.find(name); at != std::string_view::npos; at = text.find(name, at + 1)) {
      const std::size_t behind = at + name.size();
      const std::size_t before = text.find_last_not_of(" \t-*`", at == 0 ? 0 : at - 1);
      const bool begins_line = at > 0 && (before == std::string_view::npos || text[before] == '\n');
      const std::size_t colon = text.find_first_of(":\n", behind);
      if (!begins_line || colon == std::string_view::npos || text[colon] == '\n' || colon - behind > 24) continue;
      return text.substr(colon + 1, text.find('\n', colon) - colon - 1);
    }
    return std::nullopt;
  }

  /// `name="VALUE"` in an example.
  void take_used(std::string_view name, std::string_view text, FoundModes& found) {
    for (std::size_t at = text.find(name); at != std::string_view::npos; at = text.find(name, at + 1)) {
      const std::size_t first = at + name.size();
      if (text.substr(first, 2) != "=\"") continue;
      const std::size_t last = text.find('"', first + 2);
      if (last == std::string_view::npos || last - first > 64) continue;
      const std::string_view word = text.substr(first + 2, last - first - 2);
      add(word, {.where = Place::Where::description, .start = static_cast<std::uint32_t>(first + 2), .end = static_cast<std::uint32_t>(last)}, found);
    }
  }

  void add(std::string_view word, Place where, FoundModes& found) {
    const Act act = act_of(word);
    const bool there = std::ranges::any_of(found.values, [&](const FoundMode& each) { return each.value == word; });
    // What is called like one of the arguments is that argument: `start_time` starts nothing.
    const bool argument = std::ranges::any_of(tool_.parameters, [&](const Parameter& each) { return each.name == word; });
    if (act.kind.empty() || there || argument || word == tool_.name.text || found.values.size() >= max_modes) return;
    found.values.push_back(mode_of(word, act, where));
  }

  static FoundMode mode_of(std::string_view word, const Act& act, Place where) {
    const bool later = act.kind == "expire";
    return {.value = std::string(word), .kind = later ? "write" : act.kind, .verb = act.verb, .loses_later = later, .place = where};
  }

  void take_text(std::string_view text, std::size_t offset, Place where, bool own, FoundModes& found) {
    const std::vector<Token> tokens = words_of(text, lexicon_, 600);
    for (std::size_t i = 0; i < tokens.size() && found.values.size() < max_modes; ++i) {
      const Token& token = tokens[i];
      const std::size_t end = end_of_value(text, tokens, i);
      const std::string_view word = text.substr(token.start, end - token.start);
      const bool written_as_value = token.upper || token.quoted || (own && (token.identifier || token.listed));
      if (!written_as_value || word.size() < 2 || is_denied(tokens, text, i)) continue;
      if (token.upper && end == token.end && lexicon_.command(LowerCase(word).view()).empty()) continue;
      where.start = static_cast<std::uint32_t>(offset) + token.start;
      where.end = static_cast<std::uint32_t>(offset + end);
      add(word, where, found);
      while (i + 1 < tokens.size() && tokens[i + 1].start < end) ++i;
    }
  }

  /// "CONFIG SET" between its marks, or where it is a known command, is one value and no "SET".
  std::size_t end_of_value(std::string_view text, std::span<const Token> tokens, std::size_t at) const {
    const Token& token = tokens[at];
    for (std::size_t words = std::min(tokens.size() - at, max_words_of_value); words > 1; --words) {
      const Token& last = tokens[at + words - 1];
      const std::string_view whole = text.substr(token.start, last.end - token.start);
      if (whole.find_first_of(",;:.()\"'\n") != std::string_view::npos) continue;
      const bool marked = token.start > 0 && last.end < text.size() && text[last.end] == text[token.start - 1] && (text[last.end] == '"' || text[last.end] == '\'');
      if (marked || (token.upper && last.upper && !lexicon_.command(LowerCase(whole).view()).empty())) return last.end;
    }
    return token.end;
  }

  Act act_of(std::string_view value) const {
    const std::vector<Token> parts = parts_of(value, lexicon_);
    const std::string_view command = lexicon_.command(LowerCase(value).view());
    // "type" chooses between acts where its values are verbs; `function` and `module` are what else it may name.
    const bool counts = sure_ || (!parts.empty() && is_base_verb(parts.front()));
    if (!command.empty() && counts) return {std::string(command), parts.size() == 1 ? verb_of(parts.front()) : nullptr};
    // `CONFIG SET` does what `CONFIG` may do, not what a bare `SET` does.
    if (value.contains(' ') && parts.size() > 1) {
      if (const auto first = lexicon_.command(LowerCase(value.substr(parts[0].start, parts[0].end - parts[0].start)).view()); !first.empty()) return {std::string(first), verb_of(parts[0])};
    }
    if (parts.size() > 1 && is_word(value, parts[0], "dry") && is_word(value, parts[1], "run")) return {"read", nullptr};
    for (const bool sure : {true, false}) {
      for (const Token& part : parts) {
        if (!is_base_verb(part)) continue;
        const Verb& verb = *verb_of(part);
        if (sure && verb.often_noun && parts.size() > 1) continue;
        return worst_joined({plain(lexicon_.verb_kinds[verb.kind]), &verb}, value, parts);
      }
    }
    return {};
  }

  /// `create_or_delete`: the worse of both.
  Act worst_joined(Act act, std::string_view value, std::span<const Token> parts) const {
    for (std::size_t i = 2; i < parts.size(); ++i) {
      if (!is_base_verb(parts[i]) || (!is_word(value, parts[i - 1], "or") && !is_word(value, parts[i - 1], "and"))) continue;
      const Verb& verb = *verb_of(parts[i]);
      if (category_of_kind(plain(lexicon_.verb_kinds[verb.kind])) > category_of_kind(act.kind)) act = {plain(lexicon_.verb_kinds[verb.kind]), &verb};
    }
    return act;
  }

  /// A look at a thing may be called by the thing alone: beside a word that nobody knows it may be any act on it.
  void find_things(FoundModes& found) const {
    for (FoundMode& each : found.values) {
      if (look_ == nullptr || !each.kind.empty()) continue;
      const std::vector<Token> parts = parts_of(each.value, lexicon_);
      const auto is_thing = [](const Token& part) { return part.entry != nullptr && part.entry->noun != nothing; };
      const auto is_told = [&](const Token& part) { return is_thing(part) || is_transparent(LowerCase(each.value.substr(part.start, part.end - part.start)).view()); };
      if (std::ranges::any_of(parts, is_thing) && std::ranges::all_of(parts, is_told)) each.kind = "read";
    }
  }

  static bool is_word(std::string_view text, const Token& token, std::string_view word) { return LowerCase(text.substr(token.start, token.end - token.start)).view() == word; }
  const Verb* verb_of(const Token& part) const { return part.entry == nullptr || part.entry->verb == nothing ? nullptr : &lexicon_.verbs[part.entry->verb]; }
  bool is_base_verb(const Token& part) const { return verb_of(part) != nullptr && part.entry->form == Form::base; }

  /// `sort` and `trim` of a tool that looks are of what it returns, unless a "get" or a "list" beside them shows that they are acts on what is stored.
  void find_shapes(FoundModes& found) const {
    const auto plainly_looks = [&](const FoundMode& each) { return each.kind == "read" && each.verb != nullptr && lexicon_.verb_kinds[each.verb->kind] == "read"; };
    const bool of_the_answer = look_ != nullptr && std::ranges::none_of(found.values, plainly_looks);
    for (FoundMode& each : found.values) {
      if (each.kind != "shape") continue;
      each.kind = of_the_answer ? "read" : each.verb == nullptr ? "" : plain(lexicon_.verb_kinds[each.verb->kind]);
    }
  }

  /// Beside "subtract" and "multiply" an "add" reckons.
  void find_sums(FoundModes& found) const {
    const auto reckons = [&](const FoundMode& each) { return each.verb != nullptr && (each.verb->lemma == "subtract" || each.verb->lemma == "multiply" || each.verb->lemma == "divide"); };
    if (std::ranges::none_of(found.values, reckons)) return;
    for (FoundMode& each : found.values) {
      if (each.verb != nullptr && each.verb->lemma == "add") each.kind = "read";
    }
  }

  static std::string plain(std::string_view kind) {
    if (kind == "preview" || kind == "derive") return "read";
    if (kind == "send") return "write";
    if (kind == "ui") return "execute";
    if (kind == "reset") return "destroy";
    if (kind == "vague") return {};
    return std::string(kind);
  }

  static std::size_t known(const FoundModes& found) {
    return static_cast<std::size_t>(std::ranges::count_if(found.values, [](const FoundMode& each) { return !each.kind.empty(); }));
  }

  /// At least two values that do something, and most of them verbs.
  static bool is_choice(const FoundModes& found, bool sure) {
    const std::size_t sensible = known(found);
    if (sensible < 2) return false;
    const bool acts = std::ranges::any_of(found.values, [](const FoundMode& each) { return !each.kind.empty() && each.kind != "read" && each.kind != "generate"; });
    return sure ? sensible * 3 >= found.values.size() : acts && sensible * 3 >= found.values.size() * 2;
  }

  /// Values that tell a tool that looks what to look for, or that it is asked about: it does none of them. One that is
  /// the tool's own act (`list_users` with `list` and `delete`) shows that the others are acts of the tool as well.
  bool only_asks(const FoundModes& found) {
    if (look_ == nullptr || std::ranges::any_of(found.values, [this](const FoundMode& each) { return each.verb == look_; })) return false;
    const Parameter& parameter = tool_.parameters[found.parameter];
    if (parameter.is(Type::array) || asks_for_rights()) return true;
    const auto plainly_looks = [&](const FoundMode& each) {
      if (each.kind != "read" || each.verb == nullptr) return each.kind == "read";
      // `job_type` with "import" and "export" is a kind of job; an export is a look as a mode alone.
      return !each.verb->often_noun && !(of_a_kind_ && lexicon_.verb_kinds[each.verb->kind] == "derive");
    };
    const bool plainly = std::ranges::any_of(found.values, plainly_looks);
    // `type` with "open" and "merge": states that are written like verbs; acts have a look among them.
    if (!plainly && (!sure_ || is_named(past_acts))) return true;
    const bool looks = std::ranges::any_of(found.values, [](const FoundMode& each) { return each.kind == "read"; });
    if (!looks && lexicon_.verb_kinds[look_->kind] == "preview") return true;
    if (!looks && std::ranges::all_of(found.values, [](const FoundMode& each) { return each.verb == nullptr || each.verb->often_noun; })) return true;
    return is_filter(parameter);
  }

  bool asks_for_rights() const {
    return is_one_of(look_->lemma, asking_verbs) && is_named(asked_rights);
  }

  bool is_named(std::span<const std::string_view> words) const {
    const std::vector<Token> parts = parts_of(tool_.name.text, lexicon_);
    return std::ranges::any_of(parts, [&](const Token& part) { return is_one_of(LowerCase(tool_.name.text.substr(part.start, part.end - part.start)).view(), words); });
  }

  /// By its name, or its own description: the tool's may speak of anything.
  bool is_filter(const Parameter& parameter) {
    const std::vector<Token> parts = parts_of(parameter.name, lexicon_);
    if (std::ranges::any_of(parts, [&](const Token& part) { return is_word(parameter.name, part, "filter"); })) return true;
    const std::vector<Token> words = words_of(parameter.description, lexicon_, 80);
    bool says = false;
    match_phrases(parameter.description, words, {}, lexicon_, [&](const Phrase& phrase, std::size_t from, std::size_t) {
      says |= lexicon_.meanings[phrase.meaning] == "asks_which" && is_of_the_argument(parameter, words, from);
      return says;
    });
    return says;
  }

  /// Whether the words at `from` say what the argument is. What comes behind its first sentence may be of anything;
  /// an argument that is called an act is taken for one unless that sentence says it of the argument by its name:
  /// "Filter by the action", "the operation to check", and not "use show to check".
  bool is_of_the_argument(const Parameter& parameter, std::span<const Token> words, std::size_t from) {
    std::size_t end = 1;
    while (end < words.size() && !words[end].sentence) ++end;
    if (from >= end) return false;
    if (!sure_) return true;
    const std::string name(last_word(parameter.name));
    const auto names_it = [&](const Token& word) {
      const LowerCase lower(parameter.description.substr(word.start, word.end - word.start));
      return lower.view() == name || lower.view() == name + "s";
    };
    if (from == 0) return std::ranges::any_of(words.first(end), names_it);
    for (std::size_t i = from; i > 0 && from - i < 3 && !words[i].clause; --i) {
      if (names_it(words[i - 1])) return true;
    }
    return false;
  }

  const Definition& tool_;
  const Lexicon& lexicon_;
  const Verb* look_;
  bool sure_ = true;  ///< whether the argument at hand is called so that any value may be an act
  bool of_a_kind_ = false;  ///< likewise, that its values may be kinds of what is looked at
  std::optional<LowerCase> lower_;
};

}  // namespace

std::optional<FoundModes> read_modes(const Definition& tool, const NameReading& name, const TextReading& text, const Lexicon& lexicon) {
  return ModeReader(tool, name, text, lexicon).read();
}

}  // namespace callgate::classify
