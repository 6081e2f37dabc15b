#include "classify/mode_reading.hpp"

#include <algorithm>
#include <array>
#include <string_view>

#include "classify/phrase_matching.hpp"
#include "classify/tokens.hpp"

namespace callgate::classify {
namespace {

constexpr std::array<std::string_view, 9> sure_names{"action", "operation", "command", "op", "verb", "subcommand", "cmd", "act", "method"};
constexpr std::array<std::string_view, 5> likely_names{"mode", "type", "function", "kind", "request"};
constexpr std::size_t max_modes = 48;

bool is_one_of(std::string_view word, std::span<const std::string_view> words) { return std::ranges::find(words, word) != words.end(); }

class ModeReader {
 public:
  ModeReader(const Definition& tool, const Lexicon& lexicon) : tool_(tool), lexicon_(lexicon) {}

  std::optional<FoundModes> read() {
    for (std::size_t i = 0; i < tool_.parameters.size(); ++i) {
      const Parameter& parameter = tool_.parameters[i];
      // Within a list there is one for each element: no choice of what the tool is.
      if (parameter.depth > 1 || parameter.array_item) continue;
      const std::string_view last = last_word(parameter.name);
      const bool sure = is_one_of(last, sure_names);
      if (!sure && !is_one_of(last, likely_names)) continue;
      FoundModes found{.parameter = static_cast<std::uint16_t>(i), .closed = parameter.bounded};
      take_values(parameter, found);
      if (found.values.empty() && sure) take_listed(found);
      if (is_choice(found, sure)) return found;
    }
    return std::nullopt;
  }

 private:
  std::string_view last_word(std::string_view name) {
    const std::vector<Token> parts = parts_of(name, lexicon_);
    if (parts.empty()) return {};
    lower_.emplace(name.substr(parts.back().start, parts.back().end - parts.back().start));
    return lower_->view();
  }

  void take_values(const Parameter& parameter, FoundModes& found) {
    for (std::size_t i = 0; i < parameter.values.size() && found.values.size() < max_modes; ++i) {
      const Value& value = parameter.values[i];
      found.values.push_back({std::string(value.text), kind_of(value.text),
                              {.where = Place::Where::parameter_value, .which = found.parameter, .value = static_cast<std::uint16_t>(i),
                               .end = static_cast<std::uint32_t>(value.text.size())}});
    }
  }

  /// Values that a text lists: in its own description in any form, in the tool's where they are written as names.
  void take_listed(FoundModes& found) {
    const Parameter& parameter = tool_.parameters[found.parameter];
    take_text(parameter.description, {.where = Place::Where::parameter_text, .which = found.parameter}, true, found);
    take_text(tool_.description.text, {.where = Place::Where::description}, false, found);
  }

  void take_text(std::string_view text, Place where, bool own, FoundModes& found) {
    const std::vector<Token> tokens = words_of(text, lexicon_, 600);
    for (std::size_t i = 0; i < tokens.size() && found.values.size() < max_modes; ++i) {
      const Token& token = tokens[i];
      const std::string_view word = text.substr(token.start, token.end - token.start);
      const bool written_as_value = token.upper || token.quoted || (own && (token.identifier || token.listed));
      if (!written_as_value || word.size() < 2 || is_denied(tokens, text, i)) continue;
      if (token.upper && lexicon_.command(LowerCase(word).view()).empty()) continue;
      const std::string kind = kind_of(word);
      if (kind.empty() || word == tool_.name.text || std::ranges::any_of(found.values, [&](const FoundMode& each) { return each.value == word; })) continue;
      where.start = token.start;
      where.end = token.end;
      found.values.push_back({std::string(word), kind, where});
    }
  }

  std::string kind_of(std::string_view value) const {
    const LowerCase whole(value);
    if (const std::string_view command = lexicon_.command(whole.view()); !command.empty()) return std::string(command);
    const std::vector<Token> parts = parts_of(value, lexicon_);
    for (const bool sure : {true, false}) {
      for (const Token& part : parts) {
        if (part.entry == nullptr || part.entry->verb == nothing) continue;
        const Verb& verb = lexicon_.verbs[part.entry->verb];
        if (part.entry->form != Form::base || (sure && verb.often_noun && parts.size() > 1)) continue;
        return plain(lexicon_.verb_kinds[verb.kind]);
      }
    }
    return {};
  }

  static std::string plain(std::string_view kind) {
    if (kind == "preview" || kind == "derive") return "read";
    if (kind == "send") return "write";
    if (kind == "ui") return "execute";
    if (kind == "reset") return "destroy";
    if (kind == "vague") return {};
    return std::string(kind);
  }

  /// At least two values that do something, and most of them verbs.
  static bool is_choice(const FoundModes& found, bool sure) {
    const auto known = static_cast<std::size_t>(std::ranges::count_if(found.values, [](const FoundMode& each) { return !each.kind.empty(); }));
    if (known < 2) return false;
    const bool acts = std::ranges::any_of(found.values, [](const FoundMode& each) { return !each.kind.empty() && each.kind != "read" && each.kind != "generate"; });
    return sure ? known * 3 >= found.values.size() : acts && known * 3 >= found.values.size() * 2;
  }

  const Definition& tool_;
  const Lexicon& lexicon_;
  std::optional<LowerCase> lower_;
};

}  // namespace

std::optional<FoundModes> read_modes(const Definition& tool, const Lexicon& lexicon) { return ModeReader(tool, lexicon).read(); }

}  // namespace callgate::classify
