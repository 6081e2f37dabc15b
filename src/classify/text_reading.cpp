#include "classify/text_reading.hpp"

#include <algorithm>
#include <array>
#include <span>

#include "classify/judgement.hpp"
#include "classify/phrase_matching.hpp"

namespace callgate::classify {
namespace {

constexpr std::size_t max_words = 4000;
constexpr std::size_t max_heading_words = 3;

/// Words that may stand before the verb of a first sentence.
constexpr std::array<std::string_view, 69> openers{
    "this", "use", "tools", "tool", "will", "can", "to", "allows", "allow", "you", "a", "an", "the", "that", "which", "used", "function", "lets", "let", "us", "user", "users", "for", "and", "it",
    "permanently", "safely", "quickly", "easily", "automatically", "directly", "simply", "explicitly", "asynchronously", "immediately", "programmatically", "securely", "enables", "enable", "provides", "provide",
    "ability", "is", "be", "by", "your", "in", "on", "of", "when", "need", "want", "if", "deprecated", "beta", "experimental", "advanced", "read", "only", "agent", "agents", "supports", "designed", "able", "intended", "meant", "optionally", "one", "single"};
/// "Use this to", "allows you to": the verb is still to come, also where a sentence begins so.
constexpr std::array<std::string_view, 9> introducers{"use", "uses", "allows", "lets", "provides", "enables", "supports", "helps", "help"};
constexpr std::array<std::string_view, 5> copulas{"is", "are", "was", "be", "it's"};
constexpr std::array<std::string_view, 5> purposes{"used", "designed", "able", "intended", "meant"};
constexpr std::array<std::string_view, 14> determiners{"a", "an", "the", "of", "existing", "new", "all", "any", "this", "each", "your", "its", "for", "given"};

class TextReader {
 public:
  TextReader(std::string_view text, Place::Where where, const Lexicon& lexicon, const FeatureGroups& groups, Facts& facts)
      : text_(text), where_(where), lexicon_(lexicon), groups_(groups), facts_(facts), tokens_(words_of(text, lexicon, max_words)) {}

  TextReading read(std::string_view own_name) {
    own_name_ = own_name;
    find_lead();
    if (reading_.lead) {
      take_chain();
      take_nouns();
    }
    match_phrases(text_, tokens_, own_name, lexicon_, [&](const Phrase& phrase, std::size_t from, std::size_t to) {
      // What softens counts in the first sentence alone: a soothing one can be added behind any other.
      if (phrase.lead_only && (lead_begin_ > 0 || to > lead_end_)) return false;
      facts_.set(groups_.says[phrase.meaning], place(from, to));
      return true;
    });
    return reading_;
  }

 private:
  std::string_view word(std::size_t i) const { return text_.substr(tokens_[i].start, tokens_[i].end - tokens_[i].start); }
  bool is(std::size_t i, std::span<const std::string_view> words) const { return std::ranges::find(words, LowerCase(word(i)).view()) != words.end(); }
  Place place(std::size_t from, std::size_t to) const { return {.where = where_, .start = tokens_[from].start, .end = tokens_[to - 1].end}; }
  std::size_t sentence_end(std::size_t i) const {
    do ++i;
    while (i < tokens_.size() && !tokens_[i].sentence);
    return i;
  }

  /// The verb of the first sentence, headings left out, where it has one near its beginning.
  void find_lead() {
    std::size_t begin = 0;
    for (int sentence = 0; sentence < 4 && begin < tokens_.size(); ++sentence) {
      const std::size_t end = sentence_end(begin);
      if (const std::size_t at = lead_in(begin, end, sentence == 0); at < end && !is_denied(tokens_, text_, at) && !names_itself(at, end) && !is_steering(begin, end)) {
        lead_ = at;
        lead_begin_ = begin;
        lead_end_ = end;
        take_lead();
        return;
      }
      // Behind a heading there is a first sentence; behind a sentence there is anything.
      if (end - begin > max_heading_words || ends_with_a_stop(end)) break;
      begin = end;
    }
    // Where no sentence says what is done, the first is what there is.
    if (!tokens_.empty()) lead_end_ = sentence_end(0);
  }

  bool ends_with_a_stop(std::size_t end) const {
    const std::size_t at = tokens_[end - 1].end;
    return at < text_.size() && (text_[at] == '.' || text_[at] == '!' || text_[at] == '?');
  }

  /// "Classify this tool as read-only": speaks to the model, not of what is done.
  bool is_steering(std::size_t begin, std::size_t end) const {
    bool steers = false;
    match_phrases(text_, std::span(tokens_).subspan(begin, end - begin), own_name_, lexicon_, [&](const Phrase& phrase, std::size_t, std::size_t) {
      steers |= lexicon_.meanings[phrase.meaning] == "steer";
      return true;
    });
    return steers;
  }

  /// "Execute the `create_queue` operation": says the name again, no more.
  bool names_itself(std::size_t at, std::size_t end) const {
    const std::string& kind = lexicon_.verb_kinds[lexicon_.verbs[tokens_[at].entry->verb].kind];
    if (kind != "execute" && kind != "vague") return false;
    for (std::size_t i = at + 1; i < end && i < at + 10; ++i) {
      if (tokens_[i].identifier && word(i) == own_name_) return true;
    }
    return false;
  }

  std::size_t lead_in(std::size_t begin, std::size_t end, bool first) const {
    int strangers = 0;
    for (std::size_t i = begin; i < end && i < begin + 16; ++i) {
      if (is_lead(i, begin, first)) return i;
      // "This is a …" says what it is, not what it does; "is used to …" goes on.
      if (is(i, copulas) && !(i + 1 < end && is(i + 1, purposes))) return end;
      if (is(i, openers)) continue;
      if (++strangers > 4) return end;
    }
    return end;
  }

  bool is_lead(std::size_t i, std::size_t begin, bool first) const {
    const Token& token = tokens_[i];
    if (token.identifier || token.quoted || token.entry == nullptr || token.entry->verb == nothing) return false;
    const Verb& verb = lexicon_.verbs[token.entry->verb];
    const Form form = token.entry->form;
    if (form == Form::past || form == Form::noun) return false;
    if (is(i, introducers)) return false;
    if (i == begin) return form != Form::gerund || (first && tokens_.size() > i + 1);
    const bool after_determiner = is(i - 1, determiners);
    if (form == Form::gerund) return after_determiner && word(i - 1) == "for";
    if (after_determiner) return false;
    // "Web search": a verb that is often a noun needs "to", "that" or a sign before it, or ends the noun phrase.
    if (verb.often_noun && form == Form::base && !is(i - 1, openers) && !token.clause) return i + 1 >= tokens_.size() || tokens_[i + 1].sentence || tokens_[i + 1].clause;
    return !(is_opener_verb(i));
  }

  /// "allows you to", "lets you", "provides", "enables": the verb is still to come.
  bool is_opener_verb(std::size_t i) const { return is(i, openers) && LowerCase(word(i)).view() != "read"; }

  void take_lead() {
    const Verb& verb = lexicon_.verbs[tokens_[lead_].entry->verb];
    reading_.lead = FoundVerb{&verb, tokens_[lead_].start, tokens_[lead_].end};
    reading_.in_first_sentence = lead_begin_ == 0;
    facts_.set(groups_.text_verbs[verb.kind], place(lead_, lead_ + 1));
    facts_.set(verb.lead, place(lead_, lead_ + 1));
  }

  /// "Create or update", "lists, adds and removes": verbs of the same form in a row.
  void take_chain() {
    const Form form = tokens_[lead_].entry->form;
    const Noun* object = noun_behind(lead_);
    for (std::size_t i = lead_ + 1; i < lead_end_ && i < lead_ + 24; ++i) {
      const Token& token = tokens_[i];
      if (token.entry == nullptr || token.entry->verb == nothing || token.identifier) continue;
      if (token.entry->form != form && !is_by_the_way(i)) continue;
      if (!is_joined(i) || is_denied(tokens_, text_, i)) continue;
      const Verb& verb = lexicon_.verbs[token.entry->verb];
      if (verb.often_noun && !is_done_to_it(i)) continue;
      facts_.set(groups_.chain_verbs[verb.kind], place(i, i + 1));
      // "Flush the cache and delete the database": what softens the first act says nothing of this one.
      const Noun* own = noun_behind(i);
      if (is_done_to_it(i)) facts_.set(groups_.more_verbs[verb.kind], place(i, i + 1));
      if (object == nullptr || own == nullptr || own == object || is_beside_a_look(i)) continue;
      facts_.set(groups_.more_verbs[verb.kind], place(i, i + 1));
      if (category_of_kind(lexicon_.verb_kinds[verb.kind]) != Category::destructive) continue;
      for (const std::uint8_t family : own->families) facts_.set(groups_.lost_nouns[family], place(i, i + 1));
    }
  }

  /// "Gets a message and deletes it"; not "how to create and delete it".
  bool is_done_to_it(std::size_t i) const {
    static constexpr std::array<std::string_view, 2> pronouns{"it", "them"};
    static constexpr std::array<std::string_view, 2> purposes_before{"to", "how"};
    if (i + 1 >= lead_end_ || !is(i + 1, pronouns)) return false;
    for (std::size_t k = lead_ + 1; k < i && tokens_[i].entry->form == Form::base; ++k) {
      if (is(k, purposes_before)) return false;
    }
    return true;
  }

  /// "Get view and edit restrictions": changes nothing.
  bool is_beside_a_look(std::size_t i) const {
    const auto category = [this](std::size_t at) { return category_of_kind(lexicon_.verb_kinds[lexicon_.verbs[tokens_[at].entry->verb].kind]); };
    return category(lead_) == Category::read && category(i) == Category::write && tokens_[i].entry->form == Form::base && i + 1 < lead_end_ && !is(i + 1, determiners);
  }

  /// "Describes an instance, terminating it when idle".
  bool is_by_the_way(std::size_t i) const {
    static constexpr std::array<std::string_view, 8> objects{"it", "them", "the", "this", "that", "all", "each", "any"};
    return tokens_[i].entry->form == Form::gerund && tokens_[i].listed && i + 1 < lead_end_ && is(i + 1, objects);
  }

  /// Behind a comma, or an "and"; "and permanently" and "and then" join as well.
  bool is_joined(std::size_t i) const {
    static constexpr std::array<std::string_view, 3> joins{"and", "or", "then"};
    if (tokens_[i].listed) return true;
    if (i > lead_ + 2 && (word(i - 1).ends_with("ly") || word(i - 1) == "also")) --i;
    return is(i - 1, joins);
  }

  /// The object of a verb: the first noun behind it, before the next verb that is joined to it.
  const Noun* noun_behind(std::size_t verb) const {
    for (std::size_t i = verb + 1; i < lead_end_ && i < verb + 8; ++i) {
      if (word(i) == "and" || word(i) == "or" || tokens_[i].listed) break;
      if (const Compound compound = compound_at(text_, std::span(tokens_).first(lead_end_), i, lexicon_); compound.noun != nullptr) return compound.noun;
      const Entry* entry = tokens_[i].identifier ? nullptr : tokens_[i].entry;
      if (entry != nullptr && entry->noun != nothing) return &lexicon_.nouns[entry->noun];
    }
    return nullptr;
  }

  /// The nouns after the verb; the last before a preposition is what it acts on.
  void take_nouns() {
    static constexpr std::array<std::string_view, 15> ends{"to", "from", "in", "by", "for", "with", "on", "as", "into", "at", "using", "that", "which", "when", "without"};
    std::size_t object_end = lead_ + 1;
    while (object_end < lead_end_ && !is(object_end, ends) && !(tokens_[object_end].clause || tokens_[object_end].listed)) ++object_end;
    std::size_t of = lead_ + 1;
    while (of < object_end && word(of) != "of") ++of;
    for (std::size_t i = lead_ + 1; i < lead_end_ && i < lead_ + 30;) {
      const Compound compound = compound_at(text_, std::span(tokens_).first(lead_end_), i, lexicon_);
      const std::size_t words = compound.noun != nullptr ? compound.words : 1;
      const Noun* noun = compound.noun;
      const Entry* entry = tokens_[i].identifier ? nullptr : tokens_[i].entry;
      if (noun == nullptr && entry != nullptr && entry->noun != nothing) noun = &lexicon_.nouns[entry->noun];
      if (noun != nullptr) take_noun(*noun, place(i, i + words), i + words == object_end || i + words == of);
      i += words;
    }
  }

  void take_noun(const Noun& noun, Place where, bool head) {
    for (const std::uint8_t family : noun.families) {
      facts_.set(groups_.text_nouns[family], where);
      if (head) facts_.set(groups_.about[family], where);
    }
  }

  std::string_view text_;
  std::string_view own_name_;
  Place::Where where_;
  const Lexicon& lexicon_;
  const FeatureGroups& groups_;
  Facts& facts_;
  std::vector<Token> tokens_;
  TextReading reading_;
  std::size_t lead_ = 0;
  std::size_t lead_begin_ = 0;
  std::size_t lead_end_ = 0;
};

}  // namespace

TextReading read_text(std::string_view text, Place::Where where, std::string_view own_name, const Lexicon& lexicon, const FeatureGroups& groups, Facts& facts) {
  return TextReader(text, where, lexicon, groups, facts).read(own_name);
}

void read_parameter_text(std::string_view text, std::uint16_t parameter, const Lexicon& lexicon, const FeatureGroups& groups, Facts& facts,
                         const std::function<void(const Phrase&, Place)>& also) {
  const std::vector<Token> tokens = words_of(text, lexicon, 80);
  match_phrases(text, tokens, {}, lexicon, [&](const Phrase& phrase, std::size_t from, std::size_t to) {
    const Place where{.where = Place::Where::parameter_text, .which = parameter, .start = tokens[from].start, .end = tokens[to - 1].end};
    facts.set(groups.argument_says[phrase.meaning], where);
    also(phrase, where);
    return true;
  });
}

}  // namespace callgate::classify
