#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

/// The tables of `data/classify/`, compiled: words, phrases, argument names and
/// rules. Built once from the texts that the build puts into the program;
/// immutable afterwards. Threads: any.
namespace callgate::classify {

/// Something that is or is not so of a tool: `name:destroy`, `head:secret`,
/// `says:irreversible`, `arg:url`. Rules are written in these.
using Feature = std::uint16_t;
inline constexpr Feature no_feature = 0;

enum class Form : std::uint8_t { base, third, gerund, past, noun };

/// A verb as the tables know it. Its class is a name of the tables' own.
struct Verb {
  std::string lemma;
  std::uint8_t kind = 0;      ///< index into `Lexicon::verb_kinds`
  bool often_noun = false;
  Feature own = no_feature;   ///< `verb:<lemma>` where a rule asks for it
  Feature lead = no_feature;  ///< `lead:<lemma>` likewise
  Feature deciding = no_feature;  ///< `do:<lemma>` likewise
};

struct Noun {
  std::string word;                    ///< singular
  std::vector<std::uint8_t> families;  ///< indices into `Lexicon::families`
  Feature own = no_feature;            ///< `noun:<word>` where a rule asks for it
};

inline constexpr std::uint16_t nothing = 0xffff;

/// What is known of one written form.
struct Entry {
  std::uint16_t id = 0;              ///< for phrases; unique to the form
  std::uint16_t verb = nothing;      ///< index into `Lexicon::verbs`
  Form form = Form::base;            ///< of the verb
  std::uint16_t noun = nothing;      ///< index into `Lexicon::nouns`
  bool plural = false;
  bool begins_compound = false;      ///< a noun of several words begins so
  std::vector<std::uint16_t> phrases;  ///< indices of those that begin so
};

/// A turn of words with one meaning. A step holds the forms that may stand
/// there; an empty one takes any word.
struct Phrase {
  std::string text;                  ///< as the table has it
  std::uint8_t meaning = 0;          ///< index into `Lexicon::meanings`
  bool deniable = true;              ///< says nothing under a negation
  bool lead_only = false;            ///< counts in the first sentence alone
  std::vector<std::vector<std::uint16_t>> steps;
};

struct ArgumentName {
  std::vector<std::uint8_t> kinds;   ///< indices into `Lexicon::argument_kinds`
  bool whole = false;                ///< the parameter's whole name, not its last words
};

/// One row of a decision: fits when every group has a feature that is so.
struct Rule {
  struct Group {
    std::vector<Feature> any;
    bool absent = false;             ///< fits when none of them is so
  };
  std::string id;
  std::string value;                 ///< the category, the risk or the signal
  std::vector<Group> when;
  std::string says;
};

/// Looks texts up without a copy.
struct TextHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
};
template <class Value>
using TextMap = std::unordered_map<std::string, Value, TextHash, std::equal_to<>>;

/// One table's text and its file's name, for messages.
struct TableText {
  std::string_view name;
  std::string_view text;
};

class Lexicon {
 public:
  /// From the tables in the program.
  Lexicon();
  /// From others, for tests. Faults of a table are listed in `faults`.
  explicit Lexicon(const std::vector<TableText>& tables);

  const Entry* find(std::string_view lower) const {
    const auto found = entries_.find(lower);
    return found == entries_.end() ? nullptr : &found->second;
  }
  const Noun* compound(std::string_view words) const;
  const ArgumentName* argument(std::string_view words) const;
  /// The class of a documented command, such as `flushall`; empty where unknown.
  std::string_view command(std::string_view lower) const;

  /// `no_feature` where no rule asks for it.
  Feature feature(std::string_view name) const;
  std::size_t feature_count() const { return features_.size() + 1; }

  std::vector<std::string> verb_kinds, families, meanings, argument_kinds;
  std::vector<Verb> verbs;
  std::vector<Noun> nouns;
  std::vector<Phrase> phrases;
  std::vector<Rule> categories, risks, signals;
  TextMap<double> confidence;        ///< by grounds
  std::string hash;                  ///< twelve digits of the digest of all tables
  std::vector<std::string> faults;   ///< empty for the tables in the program; a test says so

 private:
  friend class TableReader;
  TextMap<Entry> entries_;
  TextMap<std::uint16_t> compounds_;
  TextMap<ArgumentName> arguments_;
  TextMap<std::string> commands_;
  TextMap<Feature> features_;
};

/// The texts that the build put into the program.
std::vector<TableText> built_in_tables();

}  // namespace callgate::classify
