#include "classify/argument_reading.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>

#include "classify/text_reading.hpp"
#include "classify/tokens.hpp"

namespace callgate::classify {
namespace {

constexpr std::size_t max_described = 160;  ///< parameters whose descriptions are read

class ArgumentReader {
 public:
  ArgumentReader(const Definition& tool, const Lexicon& lexicon, const FeatureGroups& groups, Facts& facts)
      : tool_(tool), lexicon_(lexicon), groups_(groups), facts_(facts) {}

  void read() {
    for (std::size_t i = 0; i < tool_.parameters.size(); ++i) {
      const Parameter& parameter = tool_.parameters[i];
      const ArgumentName* known = name_of(parameter);
      says_code_ = says_which_ = false;
      if (i < max_described && !parameter.bounded) read_text(parameter, known, static_cast<std::uint16_t>(i));
      for (std::size_t k = 0; known != nullptr && k < known->kinds.size(); ++k) {
        set(lexicon_.argument_kinds[known->kinds[k]], groups_.arguments[known->kinds[k]], parameter, static_cast<std::uint16_t>(i));
      }
    }
  }

 private:
  const ArgumentName* name_of(const Parameter& parameter) const {
    const std::vector<Token> parts = parts_of(parameter.name, lexicon_);
    std::string words;
    // Its last three words, its last two, its last.
    for (std::size_t count = std::min<std::size_t>(parts.size(), 4); count > 0; --count) {
      words.clear();
      for (std::size_t i = parts.size() - count; i < parts.size(); ++i) {
        if (!words.empty()) words += ' ';
        words += LowerCase(parameter.name.substr(parts[i].start, parts[i].end - parts[i].start)).view();
      }
      const ArgumentName* known = lexicon_.argument(words);
      if (known == nullptr || (known->whole && count != parts.size())) continue;
      return known;
    }
    return nullptr;
  }

  /// Its text, and whether that says of this very argument that what it takes is run.
  void read_text(const Parameter& parameter, const ArgumentName* known, std::uint16_t index) {
    read_parameter_text(parameter.description, index, lexicon_, groups_, facts_, [&](const Phrase& phrase, Place where) {
      const std::string& meaning = lexicon_.meanings[phrase.meaning];
      says_which_ |= meaning == "asks_which";
      says_code_ |= meaning == "code_text" || meaning == "runs_it";
      if (known == nullptr || (meaning != "runs_it" && meaning != "any_statement")) return;
      for (const std::uint8_t kind : known->kinds) {
        const std::string& name = lexicon_.argument_kinds[kind];
        const bool runs = meaning == "runs_it" ? name == "code" || name == "shell" : name == "sql" || name == "query";
        if (runs && fits(name, parameter)) facts_.set("runs:", name == "query" ? "sql" : name, where);
      }
    });
  }

  void set(std::string_view kind, Feature feature, const Parameter& parameter, std::uint16_t index) {
    if (!fits(kind, parameter)) return;
    if (kind == "erases" && says_which_) return;
    if (kind == "code" && LowerCase(parameter.name).view() == "code" && !is_of_code()) return;
    facts_.set(feature, {.where = Place::Where::parameter, .which = index, .end = static_cast<std::uint32_t>(parameter.name.size())});
  }

  /// A bare `code` is as often one of a discount or a post office: its text, or what the tool is about, has to say more.
  bool is_of_code() const {
    static constexpr std::array<std::string_view, 13> about{"name:execute", "text:execute", "says:code_text", "says:arbitrary", "says:sandbox_text", "in:code", "head:code",
                                                            "noun:worker",  "noun:function", "noun:lambda_function", "noun:edge_function", "noun:cloud_function", "noun:script_tag"};
    return says_code_ || std::ranges::any_of(about, [this](std::string_view each) { return facts_.has(each); });
  }

  static bool fits(std::string_view kind, const Parameter& parameter) {
    const bool text = parameter.may_be(Type::string) || parameter.is(Type::array);
    if (kind == "amount" || kind == "quantity" || kind == "instance") return parameter.types != static_cast<std::uint8_t>(Type::boolean);
    if (kind == "expiry") return parameter.types != static_cast<std::uint8_t>(Type::boolean);
    if (kind == "erases") return parameter.is(Type::boolean);
    if (kind == "bulk") return parameter.is(Type::array) || parameter.may_be(Type::boolean);
    if (kind == "confirm" || kind == "dryrun" || kind == "public" || kind == "deletes" || kind == "perms" || kind == "currency") return true;
    if (kind == "content" || kind == "newvalue" || kind == "environment" || kind == "filter") return true;
    if (kind == "method" || kind == "apipath") return parameter.depth == 0;
    if (kind == "free") return parameter.open_object || parameter.types == 0;
    if (kind == "code" || kind == "shell" || kind == "sql" || kind == "graph") return text && !parameter.bounded && parameter.depth == 0;
    if (kind == "selector") return parameter.depth == 0 && !parameter.bounded;
    return text && !parameter.bounded;
  }

  const Definition& tool_;
  const Lexicon& lexicon_;
  const FeatureGroups& groups_;
  Facts& facts_;
  bool says_code_ = false;   ///< the text of the parameter at hand
  bool says_which_ = false;  ///< likewise, that it chooses what is looked at
};

}  // namespace

void read_arguments(const Definition& tool, const Lexicon& lexicon, const FeatureGroups& groups, Facts& facts) {
  ArgumentReader(tool, lexicon, groups, facts).read();
}

}  // namespace callgate::classify
