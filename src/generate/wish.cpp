#include "generate/wish.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "classify/classification.hpp"
#include "generate/wish_words.hpp"

namespace callgate::generate {
namespace {

using policy::Verdict;
using Words = std::span<const WishWord>;

template <std::size_t size>
bool is_one_of(std::string_view word, const std::array<std::string_view, size>& words) {
  return std::ranges::find(words, word) != words.end();
}

constexpr std::array<std::string_view, 6> allow_words{"allow", "permit", "let", "enable", "accept", "may"};
constexpr std::array<std::string_view, 7> deny_words{"deny", "block", "forbid", "refuse", "disallow", "never", "reject"};
constexpr std::array<std::string_view, 5> ask_words{"approve", "ask", "require", "approval", "confirm"};
constexpr std::array<std::string_view, 2> other_words{"hide", "limit"};
constexpr std::array<std::string_view, 20> fillers{"the", "tool", "tools", "call", "calls", "calling", "to", "of", "for", "a", "an", "any", "every", "before", "using", "use", "approval", "me", "person", "with"};
constexpr std::array<std::string_view, 3> joins{"and", "or", "but"};

bool begins_clause(const WishWord& word) {
  return !word.quoted && (is_one_of(word.lower, allow_words) || is_one_of(word.lower, deny_words) || is_one_of(word.lower, ask_words) || is_one_of(word.lower, other_words));
}

/// The class that a word stands for.
std::optional<classify::Category> category_of(std::string_view word) {
  static constexpr std::array<std::pair<std::string_view, classify::Category>, 18> known{{
      {"read", classify::Category::read}, {"reads", classify::Category::read}, {"reading", classify::Category::read},
      {"write", classify::Category::write}, {"writes", classify::Category::write}, {"writing", classify::Category::write},
      {"execute", classify::Category::execute}, {"executes", classify::Category::execute}, {"execution", classify::Category::execute}, {"executions", classify::Category::execute},
      {"destructive", classify::Category::destructive}, {"deletions", classify::Category::destructive}, {"deletes", classify::Category::destructive}, {"removals", classify::Category::destructive},
      {"financial", classify::Category::financial}, {"payments", classify::Category::financial}, {"payment", classify::Category::financial}, {"money", classify::Category::financial}}};
  const auto* found = std::ranges::find(known, word, &std::pair<std::string_view, classify::Category>::first);
  return found == known.end() ? std::nullopt : std::optional(found->second);
}

std::optional<std::uint64_t> spelled_count(std::string_view word) {
  if (word == "once" || word == "one") return 1;
  if (word == "twice" || word == "two") return 2;
  std::uint64_t value = 0;
  const auto [end, problem] = std::from_chars(word.data(), word.data() + word.size(), value);
  return problem == std::errc{} && end == word.data() + word.size() ? std::optional(value) : std::nullopt;
}

std::optional<std::chrono::seconds> unit_of(std::string_view word) {
  if (word.ends_with('s') && word.size() > 1) word.remove_suffix(1);
  if (word == "second" || word == "sec" || word == "s") return std::chrono::seconds(1);
  if (word == "minute" || word == "min" || word == "m") return std::chrono::minutes(1);
  if (word == "hour" || word == "h") return std::chrono::hours(1);
  if (word == "day" || word == "d") return std::chrono::hours(24);
  return std::nullopt;
}

/// A decimal as JSON writes it: `007` and `.5` are texts.
bool is_number(std::string_view text) {
  if (text.empty() || text.find_first_not_of("0123456789.-") != std::string_view::npos) return false;
  const auto document = json::OwnedDocument::parse(std::string(text));
  return document && (*document)->root().is_number();
}

/// One schema for what two of them ask of a value: their keywords side by side, where
/// that says the same, else both in full.
std::string both_of(const std::string& one, const std::string& other) {
  const auto first = json::OwnedDocument::parse(one);
  const auto second = json::OwnedDocument::parse(other);
  if (!first || !second) return fmt::format(R"({{"allOf":[{},{}]}})", one, other);
  std::string merged = one.substr(0, one.size() - 1);
  for (const json::Member each : (*second)->root().members()) {
    const auto mine = (*first)->root().find(each.key.string());
    if (mine && !json::equal(*mine, each.value)) return fmt::format(R"({{"allOf":[{},{}]}})", one, other);
    if (!mine) merged += fmt::format(",{}:{}", json::quoted(each.key.string()), each.value.text());
  }
  return merged + "}";
}

std::string value_json(const WishWord& word) {
  if (!word.quoted && (is_number(word.text) || word.lower == "true" || word.lower == "false")) return is_number(word.text) ? word.text : word.lower;
  return json::quoted(word.text);
}

/// A path or an address: what begins with it may lead elsewhere by `..`, also where that is escaped.
bool is_place(std::string_view text) { return text.find_first_of("/\\") != std::string_view::npos; }
constexpr std::string_view no_way_up = R"json(,"not":{"type":"string","pattern":"(^|[/\\\\]|%2[fF]|%5[cC])(\\.|%2[eE]){2}([/\\\\?#;]|%2[fF]|%5[cC]|$)"})json";

}  // namespace

void add_condition(std::vector<WishCondition>& conditions, WishCondition condition) {
  const auto other = std::ranges::find(conditions, condition.argument, &WishCondition::argument);
  if (other == conditions.end()) {
    conditions.push_back(std::move(condition));
  } else if (other->schema != condition.schema) {
    other->schema = both_of(other->schema, condition.schema);
  }
}

namespace {

/// Reads one clause from its first word to its last.
class ClauseReader {
 public:
  ClauseReader(Words words, std::span<const std::string> tools) : words_(words), tools_(tools) {}

  std::optional<Wish> read() {
    if (!read_action()) return missing(fmt::format("`{}` is no action: begin with `allow`, `deny`, `hide`, `ask before`, `require approval for` or `limit`", words_.front().text));
    read_targets();
    while (at_ < words_.size()) {
      if (!read_limit() && !read_conditions()) return std::nullopt;
    }
    if (excepting_ && wish_.except.empty()) return missing("it does not say what is left out, as in `everything except reads`");
    if (wish_.targets.empty()) return missing("it names no tools: write their names, a pattern as `get_*`, `reads`, `writes`, `high risk` or `everything`");
    if (!wish_.action && !wish_.limit) return missing("it does not say how often, as in `to 10 per minute`");
    return std::move(wish_);
  }

  /// Why nothing was read.
  std::string why() const {
    if (!why_.empty()) return why_;
    if (at_ < words_.size()) return fmt::format("`{}` is not understood", words_[at_].text);
    return "a condition is an argument, a comparison and a value, as in `only if amount <= 100`";
  }

 private:
  std::nullopt_t missing(std::string what) {
    why_ = std::move(what);
    return std::nullopt;
  }

  bool more() const { return at_ < words_.size(); }
  bool is(std::string_view word, std::size_t ahead = 0) const { return at_ + ahead < words_.size() && !words_[at_ + ahead].quoted && words_[at_ + ahead].lower == word; }
  bool eat(std::string_view word) {
    if (!is(word)) return false;
    ++at_;
    return true;
  }

  bool read_action() {
    const std::string& word = words_.front().lower;
    at_ = 1;
    if (is_one_of(word, allow_words)) wish_.action = Verdict::allow;
    if (is_one_of(word, deny_words)) wish_.action = Verdict::deny;
    if (is_one_of(word, ask_words)) wish_.action = Verdict::require_approval;
    if (word == "hide") wish_.action = Verdict::hide;
    if (word == "require" && !is("approval")) return false;
    return !words_.front().quoted && (wish_.action || word == "limit");
  }

  void read_targets() {
    while (more()) {
      // `everything but reads` leaves the reads out; it does not name them too.
      if (!wish_.targets.empty() && begins_exception()) {
        excepting_ = true;
        continue;
      }
      if (read_target()) continue;
      const WishWord& word = words_[at_];
      const bool passes = !word.quoted && (is_one_of(word.lower, fillers) || is_one_of(word.lower, joins)) && !begins_limit();
      if (!passes) return;
      ++at_;
    }
  }

  /// Passes over `except`, `but`, `other than`, `apart from`.
  bool begins_exception() {
    if (eat("except") || eat("excepting") || eat("but")) return eat("for"), true;
    if ((!is("other") || !is("than", 1)) && (!is("apart") || !is("from", 1))) return false;
    at_ += 2;
    return true;
  }

  bool read_target() {
    if (is("class") || is("classes") || is("category")) {
      if (at_ + 1 >= words_.size() || !names_class(1)) return false;
      ++at_;
    }
    const WishWord& word = words_[at_];
    if (std::ranges::find(tools_, word.text) != tools_.end()) return add(Wish::On::tool, word.text, 1);
    if (word.quoted || word.text.find_first_of("*?") != std::string::npos) return word.text.find_first_of("*?") != std::string::npos && add(Wish::On::pattern, word.text, 1);
    if (is("rest") || is("others")) return add(Wish::On::rest, {}, 1);
    if ((is("everything") || is("anything") || is("all")) && (is("else", 1) || is("other", 1) || is("others", 1)) && !is("than", 2)) return add(Wish::On::rest, {}, 2);
    if (word.lower == "everything" || word.lower == "all") {
      // "all reads" is the reads, not everything.
      if (word.lower == "all" && at_ + 1 < words_.size() && names_class(1)) return ++at_, true;
      return add(Wish::On::everything, {}, 1);
    }
    if (const auto risk = classify::risk_of(word.lower); risk && (is("risk", 1) || is("tools", 1))) return add(Wish::On::risk, std::string(classify::word(*risk)), is("risk", 1) ? 2 : 1);
    if (const auto category = category_of(word.lower)) return add(Wish::On::category, std::string(classify::word(*category)), 1);
    return false;
  }

  bool names_class(std::size_t ahead) const {
    const WishWord& word = words_[at_ + ahead];
    return category_of(word.lower) || classify::risk_of(word.lower);
  }

  bool add(Wish::On on, std::string name, std::size_t words) {
    (excepting_ ? wish_.except : wish_.targets).push_back({on, std::move(name)});
    at_ += words;
    return true;
  }

  bool begins_limit() const {
    const std::size_t after = is("to") ? 1 : 0;
    return after == 1 && at_ + 1 < words_.size() && (spelled_count(words_[at_ + 1].lower) || is("at", 1));
  }

  /// `to 10 per minute`, `at most 3 times in 5 minutes`, `once a day`.
  bool read_limit() {
    const std::size_t start = at_;
    while (eat("to") || eat("at") || eat("most") || eat("up") || eat("max") || eat("maximum") || eat("only") || eat("no") || eat("more") || eat("than")) {}
    const auto count = more() ? spelled_count(words_[at_].lower) : std::nullopt;
    if (!count) return at_ = start, false;
    ++at_;
    while (eat("times") || eat("time") || eat("calls") || eat("call")) {}
    if (!(eat("per") || eat("a") || eat("an") || eat("each") || eat("every") || eat("in") || eat("within"))) return at_ = start, false;
    while (eat("any") || eat("a")) {}
    const auto many = more() ? spelled_count(words_[at_].lower) : std::nullopt;
    if (many) ++at_;
    const auto unit = more() ? unit_of(words_[at_].lower) : std::nullopt;
    if (!unit || wish_.limit) return at_ = start, false;
    ++at_;
    wish_.limit = Limit{.max = *count, .window = *unit * static_cast<std::int64_t>(many.value_or(1)), .why = "as wished"};
    return wish_.limit->window.count() > 0;
  }

  bool read_conditions() {
    const std::size_t start = at_;
    const bool only = eat("only");
    // `ask … if` and `deny … if` are cases; `only if` bounds what may be asked for at all.
    const bool bounds = wish_.action == Verdict::allow || (only && wish_.action == Verdict::require_approval);
    if (!bounds || (!is("if") && !is("when") && !is("where"))) return at_ = start, false;
    if (!eat("if") && !eat("when") && !eat("where")) return at_ = start, false;
    do {
      if (!read_condition()) return false;
    } while (eat("and"));
    return true;
  }

  bool read_condition() {
    if (at_ + 1 >= words_.size()) return at_ = words_.size(), false;  // whatever is missing is missing at the end
    const std::string argument = words_[at_++].text;
    const std::string comparison = read_comparison();
    if (comparison.empty() || !more()) return false;
    const WishWord& value = words_[at_];
    std::string schema;
    if (comparison == "between") {
      if (!words_[at_].quoted && is_number(words_[at_].text) && is("and", 1) && at_ + 2 < words_.size() && !words_[at_ + 2].quoted && is_number(words_[at_ + 2].text)) {
        schema = fmt::format(R"({{"type":"number","minimum":{},"maximum":{}}})", words_[at_].text, words_[at_ + 2].text);
        at_ += 3;
      } else {
        return false;
      }
    } else if (comparison == "=" || comparison == "in") {
      schema = "{\"enum\":[" + read_list(comparison == "in") + "]}";
    } else if (comparison == "!=") {
      schema = "{\"not\":{\"enum\":[" + value_json(value) + "]}}";
      ++at_;
    } else if (comparison == "starts") {
      schema = fmt::format(R"({{"type":"string","pattern":{}{}}})", json::quoted("^" + escaped(value.text)), is_place(value.text) ? no_way_up : "");
      ++at_;
    } else {
      if (value.quoted || !is_number(value.text)) return false;
      schema = fmt::format(R"({{"type":"number","{}":{}}})", keyword(comparison), value.text);
      ++at_;
    }
    add_condition(wish_.conditions, {argument, std::move(schema)});
    return true;
  }

  std::string read_comparison() {
    if (eat("is") || eat("equals")) {
      if (eat("not")) return "!=";
      if (eat("one") || eat("in")) return eat("of") || true ? "in" : "";
      if (eat("between")) return "between";
      if (!eat("at") && !is("under") && !is("over") && !is("below") && !is("above") && !is("less") && !is("more")) return "=";
      if (eat("most")) return "<=";
      if (eat("least")) return ">=";
    }
    if (eat("=") || eat("==")) return "=";
    for (const std::string_view sign : {"!=", "<=", ">=", "<", ">"}) {
      if (eat(sign)) return std::string(sign);
    }
    if (eat("in")) return "in";
    if (eat("between")) return "between";
    if (eat("under") || eat("below")) return "<";
    if (eat("over") || eat("above")) return ">";
    if (eat("at")) return eat("most") ? "<=" : eat("least") ? ">=" : "";
    if (eat("less")) return eat("than") ? "<" : "";
    if (eat("more")) return eat("than") ? ">" : "";
    if (eat("starts") || eat("begins")) return eat("with") ? "starts" : "";
    return {};
  }

  /// `a`, or with `several` also `a, b or c`.
  std::string read_list(bool several) {
    std::string values = value_json(words_[at_]);
    bool ends = words_[at_++].ends;
    while (several && more() && (ends || is("or"))) {
      eat("or");
      if (!more()) break;
      values += "," + value_json(words_[at_]);
      ends = words_[at_++].ends;
    }
    return values;
  }

  static std::string_view keyword(std::string_view comparison) {
    if (comparison == "<=") return "maximum";
    if (comparison == ">=") return "minimum";
    return comparison == "<" ? "exclusiveMaximum" : "exclusiveMinimum";
  }

  static std::string escaped(std::string_view text) {
    std::string out;
    for (const char c : text) {
      constexpr std::string_view special = "\\^$.|?*+()[]{}";
      if (special.find(c) != std::string_view::npos) out += '\\';
      out += c;
    }
    return out;
  }

  Words words_;
  std::span<const std::string> tools_;
  std::size_t at_ = 0;
  Wish wish_;
  bool excepting_ = false;  ///< behind `except`
  std::string why_;
};

std::string joined_text(Words words) {
  std::string out;
  for (const WishWord& word : words) out += (out.empty() ? "" : " ") + word.text;
  return out;
}

/// Where each clause begins: at a word of action that opens the sentence, or follows punctuation or a join.
std::vector<Words> clauses_of(const std::vector<WishWord>& words, std::span<const std::string> tools) {
  std::vector<Words> clauses;
  std::size_t first = 0;
  for (std::size_t i = 1; i <= words.size(); ++i) {
    const bool ends = i == words.size();
    const auto opens = [&] {
      const WishWord& before = words[i - 1];
      const bool joined = !before.quoted && (is_one_of(before.lower, joins) || before.lower == "then");
      return begins_clause(words[i]) && (joined || before.ends) && std::ranges::find(tools, words[i].text) == tools.end();
    };
    if (!ends && !opens()) continue;
    std::size_t last = i;
    while (last > first && !words[last - 1].quoted && (is_one_of(words[last - 1].lower, joins) || words[last - 1].lower == "then")) --last;
    if (last > first) clauses.push_back(Words(words).subspan(first, last - first));
    first = i;
  }
  return clauses;
}

}  // namespace

ReadWish read_wish(std::string_view sentence, std::span<const std::string> tools) {
  ReadWish read;
  const std::vector<WishWord> words = words_of_wish(sentence);
  for (const Words clause : clauses_of(words, tools)) {
    ClauseReader reader(clause, tools);
    if (auto wish = reader.read()) {
      read.wishes.push_back(std::move(*wish));
    } else {
      read.not_understood.push_back(fmt::format("`{}`: {}", joined_text(clause), reader.why()));
    }
  }
  if (words.empty()) read.not_understood.emplace_back("the wish is empty");
  return read;
}

}  // namespace callgate::generate
