#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "classify/classification.hpp"
#include "classify/classifier.hpp"
#include "classify/definition.hpp"
#include "classify/facts.hpp"
#include "classify/mode_reading.hpp"
#include "classify/name_reading.hpp"
#include "classify/text_reading.hpp"

namespace callgate::classify {

/// The way of one definition from its texts to an answer: read, gather facts,
/// decide by the tables, quote.
class Judgement {
 public:
  /// Whether a title speaks where the description does not say what is done.
  enum class Titles : std::uint8_t { unread, read };
  Judgement(const Definition& tool, const Siblings& siblings, Hinting hinting, const Lexicon& lexicon, const FeatureGroups& groups, Titles titles = Titles::unread);
  Classification answer();
  /// After `answer`: the description leaves open what is done, and there is a title that may say it.
  bool leaves_it_to_the_title() const { return titles_ == Titles::unread && !text_.lead && !tool_.title.text.empty(); }

 private:
  void gather();
  void gather_acts();
  bool is_outweighed() const;
  void gather_hints(Hinting hinting);
  void gather_modes();
  std::string_view kind_of_capture() const;
  void gather_list();
  void set_act(const Verb& verb, Place place);

  const Rule* first_fit(const std::vector<Rule>& rules) const;
  bool fits(const Rule& rule) const;
  void decide_category(Classification& out);
  void raise_to_worst_mode(Classification& out);
  void decide_risk(Classification& out);
  void judge_modes(Classification& out);
  Mode judge_mode(const FoundMode& found, const Classification& tool);
  void take_act_of(const FoundMode& mode);
  void weigh_hints(Classification& out);
  void find_signals(Classification& out);
  void find_poison(Classification& out) const;
  void find_confidence(Classification& out);

  void quote(Classification& out, Claim claim, const Rule& rule);
  void quote_signal(Classification& out, const Rule& rule);
  void quote_against(Classification& out);
  Evidence evidence_at(Claim claim, Place place, std::string_view says, std::string_view rule) const;
  Evidence evidence_of_name(Claim claim, std::string_view says, std::string_view rule) const;

  const Definition& tool_;
  const Siblings& siblings_;
  Hinting hinting_;
  const Lexicon& lexicon_;
  const FeatureGroups& groups_;
  Titles titles_;
  Place::Where lead_where_ = Place::Where::description;  ///< of the verb of the text
  Facts facts_;
  NameReading name_;
  TextReading text_;
  std::optional<FoundModes> modes_;
  const Rule* decided_ = nullptr;
  bool raised_ = false;  ///< to the class of the worst mode
};

/// The category that a class of verbs stands for by itself; nothing for those that say too little.
std::optional<Category> category_of_kind(std::string_view verb_kind);
Risk default_risk(Category category);

}  // namespace callgate::classify
