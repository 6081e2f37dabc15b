#include "classify/name_reading.hpp"

#include <algorithm>
#include <array>
#include <span>

#include "classify/judgement.hpp"
#include "classify/tokens.hpp"

namespace callgate::classify {
namespace {

constexpr std::array<std::string_view, 16> prepositions{"to", "from", "in", "by", "for", "with", "on", "of", "as", "into", "at", "across", "via", "using", "and", "or"};
/// What follows belongs to what stands before: `user_info` is about the user.
constexpr std::array<std::string_view, 24> transparent{"info",  "information", "details", "detail", "data", "content", "contents", "list",  "full",  "batch", "tool",   "item",
                                                       "items", "value",       "values",  "id",     "ids",  "results", "result",   "entry", "record", "object", "objects", "by"};
/// Where a name has no verb, what the tool calls itself: `stock_admin` is about stock, and no administrator.
constexpr std::array<std::string_view, 3> offices{"admin", "manager", "controller"};
constexpr std::array<std::string_view, 5> methods{"get", "post", "put", "patch", "delete"};

class NameReader {
 public:
  NameReader(const Definition& tool, const Verb* lead, const Lexicon& lexicon, const FeatureGroups& groups, Facts& facts)
      : name_(tool.name.text), lead_(lead), lexicon_(lexicon), groups_(groups), facts_(facts), parts_(parts_of(name_, lexicon)) {}

  NameReading read() {
    skip_transport();
    find_verb();
    if (verb_ < parts_.size()) {
      take_verb();
      take_chain();
      take_later_acts();
    } else if (method_ < parts_.size()) {
      verb_ = method_;
      reading_.from_method = true;
      take_verb();
      verb_ = parts_.size();
    }
    take_objects();
    return reading_;
  }

 private:
  std::string_view part(std::size_t i) const { return name_.substr(parts_[i].start, parts_[i].end - parts_[i].start); }
  bool is_word(std::size_t i, std::span<const std::string_view> words) const { return is_one_of(LowerCase(part(i)).view(), words); }
  Place place(std::size_t from, std::size_t to) const {
    return {.where = Place::Where::name, .start = parts_[from].start, .end = parts_[to - 1].end};
  }
  const Verb* verb_at(std::size_t i) const {
    const Entry* entry = parts_[i].entry;
    return entry == nullptr || entry->verb == nothing ? nullptr : &lexicon_.verbs[entry->verb];
  }
  bool is_form(std::size_t i, Form a, Form b) const { return parts_[i].entry->form == a || parts_[i].entry->form == b; }
  bool is_strong(std::size_t i) const {
    const Verb* verb = verb_at(i);
    return verb != nullptr && !verb->often_noun && (i == first_ ? is_form(i, Form::base, Form::third) : is_form(i, Form::base, Form::base));
  }

  /// `API-post-search`: generated names carry the HTTP method, which is transport.
  void skip_transport() {
    if (parts_.size() < 3 || LowerCase(part(0)).view() != "api" || !is_word(1, methods)) return;
    method_ = 1;
    first_ = 2;
  }

  void find_verb() {
    verb_ = parts_.size();
    if (first_ >= parts_.size()) return;
    const std::size_t strong = first_strong();
    const Verb* leading = verb_at(first_);
    if (leading != nullptr && (is_form(first_, Form::base, Form::base) || (!leading->often_noun && is_form(first_, Form::third, Form::third)))) {
      const bool may_be_noun = leading->often_noun && leading != lead_ && strong < parts_.size() && strong > first_;
      verb_ = may_be_noun ? strong : first_;
      return;
    }
    // Behind a service's name: the verb that the text agrees with before one that merely looks like a verb.
    if (const std::size_t agreed = first_agreed(strong); agreed < parts_.size()) {
      verb_ = agreed;
    } else if (strong < parts_.size()) {
      verb_ = strong;
    } else {
      find_weak_verb();
    }
  }

  /// The first verb that cannot well be a noun and follows no preposition.
  std::size_t first_strong() const {
    for (std::size_t i = first_; i < parts_.size(); ++i) {
      if (is_strong(i) && (i == first_ || !is_word(i - 1, prepositions))) return i;
    }
    return parts_.size();
  }

  /// The first word up to `end` that is the verb of the text, in its plain form.
  std::size_t first_agreed(std::size_t end) const {
    for (std::size_t i = first_; i < std::min(end, parts_.size()); ++i) {
      if (lead_ != nullptr && verb_at(i) == lead_ && is_form(i, Form::base, Form::base)) return i;
    }
    return parts_.size();
  }

  /// What the text agrees with, word or class; then
  /// `slack_post_message` before `image_generation` before `log_search`.
  void find_weak_verb() {
    for (const bool same_word : {true, false}) {
      for (std::size_t i = first_; i < parts_.size() && lead_ != nullptr; ++i) {
        const Verb* verb = verb_at(i);
        if (verb == nullptr || is_form(i, Form::past, Form::third) || (same_word ? verb != lead_ : verb->kind != lead_->kind)) continue;
        verb_ = i;
        return;
      }
    }
    // A word that may be a noun does not outweigh a plain verb of the text: `place_details` that gets them.
    if (lead_ != nullptr && !lead_->often_noun && lexicon_.verb_kinds[lead_->kind] != "vague") return;
    for (std::size_t i = first_; i < parts_.size(); ++i) {
      if (verb_at(i) == nullptr || !is_form(i, Form::base, Form::base) || (i > first_ && is_word(i - 1, prepositions))) continue;
      verb_ = i;
      return;
    }
    for (std::size_t i = parts_.size(); i-- > first_;) {
      if (verb_at(i) != nullptr && is_form(i, Form::noun, Form::gerund)) {
        verb_ = i;
        return;
      }
    }
  }

  void take_verb() {
    const Verb* verb = verb_at(verb_);
    if (verb == nullptr) return;
    reading_.verb = FoundVerb{verb, parts_[verb_].start, parts_[verb_].end};
    facts_.set(groups_.name_verbs[verb->kind], place(verb_, verb_ + 1));
    facts_.set(verb->own, place(verb_, verb_ + 1));
    reading_.is_inner = verb_ > first_;
  }

  /// `create_or_update`, `start_and_stop`: each verb is an act.
  void take_chain() {
    for (std::size_t i = verb_ + 1; i + 1 < parts_.size(); i += 2) {
      const std::string_view joint = part(i);
      if ((joint != "or" && joint != "and") || verb_at(i + 1) == nullptr) return;
      take_further(i + 1);
      chain_end_ = i + 2;
    }
  }

  /// `get_message_and_delete`: an act behind the object of the first.
  void take_later_acts() {
    for (std::size_t i = std::max(verb_ + 2, chain_end_ + 1); i < parts_.size(); ++i) {
      const std::string_view joint = part(i - 1);
      if ((joint != "or" && joint != "and" && joint != "then") || verb_at(i) == nullptr || !is_form(i, Form::base, Form::base)) continue;
      // "and order" may be a thing as well; what loses something is taken at its word.
      const auto category = category_of_kind(lexicon_.verb_kinds[verb_at(i)->kind]);
      if (verb_at(i)->often_noun && category != Category::destructive) continue;
      take_further(i);
    }
  }

  void take_further(std::size_t i) {
    for (const auto* group : {&groups_.chain_verbs, &groups_.more_verbs}) facts_.set((*group)[verb_at(i)->kind], place(i, i + 1));
    facts_.set(verb_at(i)->own, place(i, i + 1));
  }

  void take_objects() {
    std::size_t begin = verb_ < parts_.size() ? std::max(verb_ + 1, chain_end_) : first_;
    std::size_t end = begin;
    while (end < parts_.size() && !is_word(end, prepositions)) ++end;
    if (begin == end && verb_ < parts_.size()) {
      if (parts_.size() == 1) facts_.set("object:", "none", {});
      // `policy_create`, `search_by_tag`: the object stands before, or is the verb's own noun.
      take_nouns(end, parts_.size(), groups_.target, false);
      begin = first_;
      end = verb_;
      take_nouns(begin, end, groups_.in, true);
      return;
    }
    take_nouns(begin, end, groups_.in, true);
    take_nouns(end, parts_.size(), groups_.target, false);
    take_nouns(first_, std::min(verb_, parts_.size()), groups_.target, false);
  }

  void take_nouns(std::size_t begin, std::size_t end, const std::vector<Feature>& group, bool has_head) {
    std::size_t head_end = end;
    while (has_head && head_end > begin + 1 && (is_word(head_end - 1, transparent) || (verb_ >= parts_.size() && is_word(head_end - 1, offices)))) --head_end;
    for (std::size_t i = begin; i < end;) {
      const Compound compound = compound_at(name_, std::span(parts_).first(end), i, lexicon_);
      const std::size_t words = compound.noun != nullptr ? compound.words : 1;
      const Noun* noun = compound.noun;
      const Entry* entry = parts_[i].entry;
      if (noun == nullptr && entry != nullptr && entry->noun != nothing) noun = &lexicon_.nouns[entry->noun];
      if (noun != nullptr) take_noun(*noun, place(i, i + words), group, has_head && i < head_end && i + words >= head_end);
      if (has_head && i + words == head_end && entry != nullptr && words == 1 && entry->plural) facts_.set("name:", "plural", place(i, i + 1));
      i += words;
    }
  }

  void take_noun(const Noun& noun, Place where, const std::vector<Feature>& group, bool head) {
    facts_.set(noun.own, where);
    for (const std::uint8_t family : noun.families) {
      facts_.set(group[family], where);
      if (head) facts_.set(groups_.head[family], where);
    }
  }

  std::string_view name_;
  const Verb* lead_;
  const Lexicon& lexicon_;
  const FeatureGroups& groups_;
  Facts& facts_;
  std::vector<Token> parts_;
  NameReading reading_;
  std::size_t first_ = 0;   ///< where transport ends
  std::size_t verb_ = 0;
  std::size_t method_ = static_cast<std::size_t>(-1);
  std::size_t chain_end_ = 0;
};

}  // namespace

bool is_transparent(std::string_view word) { return is_one_of(word, transparent); }

NameReading read_name(const Definition& tool, const Verb* lead, const Lexicon& lexicon, const FeatureGroups& groups, Facts& facts) {
  return NameReader(tool, lead, lexicon, groups, facts).read();
}

}  // namespace callgate::classify
