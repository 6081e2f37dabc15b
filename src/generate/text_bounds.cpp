#include "generate/text_bounds.hpp"

#include <re2/re2.h>

#include <algorithm>
#include <charconv>

namespace callgate::generate {
namespace {

constexpr std::size_t max_text = 1200;  ///< of a description that are read

using re2::RE2;

/// The patterns, compiled once.
struct Patterns {
  RE2 range_of_characters{R"((?i)(?:^|[^\d,.\w-])(\d{1,6})\s?(?:-|–|to)\s?(\d{1,6})\s?(?:chars?|characters)\b)"};
  RE2 most_characters{R"((?i)\b(?:max(?:imum)?(?: length)?(?: of)?|at most|up to|no more than|limited to)\s?[:=]?\s?(\d{1,6})[ -]?(?:chars?|characters)\b)"};
  RE2 longest{R"((?i)\bmax(?:imum)?[ _]?length\s?(?:is|of|:|=)?\s?(\d{1,6})\b)"};
  RE2 least_characters{R"((?i)\b(?:min(?:imum)?(?: length)?(?: of)?|at least)\s?[:=]?\s?(\d{1,6})[ -]?(?:chars?|characters)\b)"};
  RE2 range_in_brackets{R"((?i)\((?:range:? ?|from |between )?(-?\d{1,9})\s?(?:-|–|to|and)\s?(\d{1,9})(?:\)|[,;] ?default))"};
  RE2 between{R"((?i)\bbetween (-?\d{1,9}) and (\d{1,9})\b)"};
  RE2 largest{R"((?i)(?:[(,;:] ?|\b(?:is|of) )max(?:imum)?(?: value)?(?: is)?\s?[:=]?\s?(\d{1,9})(?:[).,;]|$))"};
  RE2 most_items{R"((?i)\b(?:max(?:imum)?(?: of)?|at most|up to|no more than)\s?[:=]?\s?(\d{1,5})\s(?:[a-z]+\s)?(?:items?|ids?|elements?|entries|values|names|files|urls|keys|records|documents|rows|tags)\b)"};
  RE2 pattern{R"((?i)\b(?:pattern|regex|must match):?\s[`'"]?(\^?(?:\[[A-Za-z0-9_.\\/: -]{1,60}\][*+?]?(?:\{\d{1,4}(?:,\d{0,4})?\})?){1,8}\$?)(?:[`'",.;)\s]|$))"};
  RE2 one_key{R"((?i)\b(?:specify|with|the|one|single) key "([A-Za-z][A-Za-z0-9_]{0,63})\")"};
  RE2 arn_example{R"(arn:aws:([a-z0-9-]{2,40}):[a-z0-9-]*:\d{12}:([a-z0-9-]{2,40})[/:])"};
  RE2 only_arns{R"((?i)\bonly ([a-z]{2,40}) arns?\b)"};
};
const Patterns& patterns() {
  static const Patterns made;
  return made;
}

/// Words after which a number is no bound of what is sent.
bool is_loose(std::string_view clause) {
  static const RE2 loose(R"((?i)\b(?:recommend\w*|approx\w*|about|around|typically|usually|ideally|prefer\w*|truncat\w*|returns?|returned|results? (?:are|is)|displayed|shown|unless|except|depend\w*|per)\b)");
  return RE2::PartialMatch(clause, loose);
}

/// "Not limited to 20 characters": the opposite of a bound.
bool is_denied(std::string_view text, std::string_view found) {
  static const RE2 denied(R"((?i)\b(?:not|never|isn['’]t|aren['’]t|needn['’]t|without|no longer|cannot be)(?: (?:be|being|been|have to be|need to be|has to be|a|an|any|the|strictly|necessarily))*\s*$)");
  const auto at = static_cast<std::size_t>(found.data() - text.data());
  return RE2::PartialMatch(text.substr(at - std::min<std::size_t>(at, 60), std::min<std::size_t>(at, 60)), denied);
}

/// The sentence around what was found, in which another word may change its meaning.
std::string_view clause_around(std::string_view text, std::string_view found) {
  const auto at = static_cast<std::size_t>(found.data() - text.data());
  std::size_t first = at;
  while (first > 0 && text[first - 1] != '\n' && !(text[first - 1] == ' ' && first > 1 && text[first - 2] == '.')) --first;
  std::size_t last = at + found.size();
  while (last < text.size() && text[last] != '\n' && !(text[last] == '.' && (last + 1 == text.size() || text[last + 1] == ' '))) ++last;
  return text.substr(first, last - first);
}

template <class Number>
std::optional<Number> parsed(std::string_view digits) {
  Number value = 0;
  const auto [end, problem] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (problem != std::errc{} || end != digits.data() + digits.size()) return std::nullopt;
  return value;
}

class Reader {
 public:
  Reader(std::string_view text, Bounded what) : text_(text.substr(0, max_text)), what_(what) {}

  TextBounds read() {
    if (what_ == Bounded::text) read_text();
    if (what_ == Bounded::number) read_number();
    if (what_ == Bounded::list) read_list();
    if (what_ == Bounded::free_object) read_object();
    return contradicts() ? TextBounds{} : bounds_;
  }

 private:
  /// Finds a bound that stands there once and without doubt.
  template <class... Out>
  bool find(const RE2& pattern, Out*... out) {
    std::string_view whole;
    re2::StringPiece input(text_.data(), text_.size());
    re2::StringPiece groups[4];
    if (!pattern.Match(input, 0, input.size(), RE2::UNANCHORED, groups, 4)) return false;
    re2::StringPiece again[1];
    const auto end = static_cast<std::size_t>(groups[0].data() + groups[0].size() - text_.data());
    if (pattern.Match(input, end, input.size(), RE2::UNANCHORED, again, 1)) return false;  // which of them?
    whole = {groups[0].data(), groups[0].size()};
    if (is_loose(clause_around(text_, whole)) || is_denied(text_, whole)) return false;
    int group = 0;
    ((++group, *out = std::string_view(groups[group].data(), groups[group].size())), ...);
    quote(whole);
    return true;
  }

  void quote(std::string_view found) {
    while (!found.empty() && (found.front() == ' ' || found.front() == '(' || found.front() == ',' || found.front() == ';')) found.remove_prefix(1);
    while (!found.empty() && (found.back() == ' ' || found.back() == ')' || found.back() == ',' || found.back() == '.')) found.remove_suffix(1);
    bounds_.quotes.emplace_back(found);
  }

  void read_lengths() {
    const Patterns& p = patterns();
    std::string_view low;
    std::string_view high;
    if (find(p.range_of_characters, &low, &high)) {
      bounds_.min_length = parsed<std::uint64_t>(low);
      bounds_.max_length = parsed<std::uint64_t>(high);
      return;
    }
    if (find(p.most_characters, &high) || find(p.longest, &high)) bounds_.max_length = parsed<std::uint64_t>(high);
    if (find(p.least_characters, &low)) bounds_.min_length = parsed<std::uint64_t>(low);
  }

  void read_text() {
    std::string_view pattern;
    if (find(patterns().pattern, &pattern)) take_pattern(pattern);
    read_lengths();
    read_arn();
  }

  void take_pattern(std::string_view found) {
    std::string anchored(found);
    if (!anchored.starts_with('^')) anchored.insert(0, "^");
    if (!anchored.ends_with('$')) anchored += '$';
    const RE2 checked(anchored, RE2::Quiet);
    if (checked.ok()) bounds_.pattern = std::move(anchored);
  }

  void read_number() {
    const Patterns& p = patterns();
    std::string_view low;
    std::string_view high;
    if (find(p.between, &low, &high) || find(p.range_in_brackets, &low, &high)) {
      bounds_.minimum = parsed<std::int64_t>(low);
      bounds_.maximum = parsed<std::int64_t>(high);
    } else if (find(p.largest, &high)) {
      bounds_.maximum = parsed<std::int64_t>(high);
    }
  }

  void read_list() {
    std::string_view high;
    if (find(patterns().most_items, &high)) bounds_.max_items = parsed<std::uint64_t>(high);
  }

  /// A free object of which the text says that it has one key with a text. The
  /// length of that text, or an example of the object, has to bear it out.
  void read_object() {
    std::string_view key;
    if (!find(patterns().one_key, &key)) return;
    const std::string name(key);
    read_lengths();
    read_arn();
    const bool example = text_.find("{\"" + name + "\": \"") != std::string_view::npos || text_.find("{\"" + name + "\":\"") != std::string_view::npos;
    if (example || bounds_.max_length) bounds_.key = name;
    if (bounds_.key.empty()) bounds_ = {};
  }

  /// "only gateway ARNs" beside an example of such an ARN.
  void read_arn() {
    std::string_view kind;
    re2::StringPiece input(text_.data(), text_.size());
    std::string service;
    std::string type;
    if (!RE2::PartialMatch(input, patterns().arn_example, &service, &type)) return;
    const std::vector<std::string> before = bounds_.quotes;
    if (!find(patterns().only_arns, &kind)) return;
    std::string lower(kind);
    for (char& c : lower) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c | 0x20 : c);
    if (lower != type) {
      bounds_.quotes = before;
      return;
    }
    bounds_.pattern = "^arn:[a-z-]+:" + service + ":[a-z0-9-]+:[0-9]{12}:" + type + "/";
  }

  bool contradicts() const {
    return (bounds_.min_length && bounds_.max_length && *bounds_.min_length > *bounds_.max_length) || bounds_.max_length == 0U ||
           (bounds_.minimum && bounds_.maximum && *bounds_.minimum >= *bounds_.maximum) || bounds_.max_items == 0U;
  }

  std::string_view text_;
  Bounded what_;
  TextBounds bounds_;
};

}  // namespace

std::string_view line_about(std::string_view argument, std::string_view text) {
  std::string_view only;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    std::string_view line = text.substr(begin, end - begin);
    begin = end + 1;
    line.remove_prefix(std::min(line.find_first_not_of(" \t-*`•"), line.size()));
    if (!line.starts_with(argument)) continue;
    line.remove_prefix(argument.size());
    line.remove_prefix(std::min(line.find_first_not_of("`* "), line.size()));
    if (line.starts_with('(')) line.remove_prefix(std::min(line.find(')'), line.size() - 1) + 1);
    line.remove_prefix(std::min(line.find_first_not_of("`* "), line.size()));
    if (!line.starts_with(':')) continue;
    if (!only.empty()) return {};
    only = line.substr(1);
  }
  return only;
}

TextBounds read_text_bounds(std::string_view description, Bounded what) { return Reader(description, what).read(); }

}  // namespace callgate::generate
