#include "generate/suggest.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>

#include "generate/learned.hpp"
#include "generate/modes.hpp"
#include "generate/policy_text.hpp"
#include "generate/property.hpp"
#include "generate/tables.hpp"
#include "generate/trial.hpp"
#include "generate/yaml_writer.hpp"
#include "schema/pointer.hpp"
#include "schema/schema.hpp"

namespace callgate::generate {
namespace {

using classify::Category;
using classify::Classification;
using classify::Risk;
using policy::Verdict;

constexpr std::string_view unknown_reason = "nobody can tell yet what it does";
constexpr std::size_t longest_description = 24 * 1024;  ///< of a tool's description that is looked through
constexpr std::size_t longest_closed = 40;  ///< arguments that a closed rule may list

bool has_signal(const Classification& tool, std::string_view signal) { return std::ranges::binary_search(tool.signals, signal); }

class Suggestion {
 public:
  Suggestion(json::Value definition, const Classification& tool, const Siblings& siblings, Language language, const Seen* seen)
      : definition_(definition), tool_(tool), siblings_(siblings), language_(language), seen_(seen), schema_(definition.find("inputSchema").value_or(json::Value())), maker_(schema_) {
    rule_.tool = tool.tool;
  }

  Rule make() {
    if (schema_) {
      auto compiled = schema::Schema::compile(schema_);
      if (!compiled) return unusable(compiled.error());
      own_ = std::move(*compiled);
    }
    if (schema_ && schema_.is_object()) properties_ = read_properties(schema_, maker_);
    read_lines_about_arguments();
    start();
    if (seen_ != nullptr) narrow();
    if (tool_.modes && !is_open_engine()) {
      take_modes(rule_, *tool_.modes, properties_, language_,
                 {.unsure = tool_.confidence < classify::needs_a_look_below, .reads = limit_of_reads(Tables::built_in()), .limited_each = seen_ == nullptr});
    }
    if (rule_.action > Verdict::deny) guard();
    if (seen_ != nullptr && rule_.action > Verdict::deny) fit_limit();
    notes();
    Trial(own_.get(), schema_ && schema_.is_object() ? maker_.required_arguments(schema_) : Arguments{}).run(rule_, schema_ ? schema_ : json::Value());
    return std::move(rule_);
  }

 private:
  /// Where the schema describes no argument, the tool's text may do so line by line.
  void read_lines_about_arguments() {
    const auto text = definition_.is_object() ? definition_.find("description") : std::nullopt;
    if (!text || !text->is_string() || text->raw_string().size() > longest_description) return;
    const std::string whole = text->string();
    for (Property& each : properties_) {
      if (each.description.empty()) each.description = line_about(each.name, whole);
    }
  }

  /// It runs whatever its arguments say: the values that its text names are examples, and no list of them makes the rest of a call harmless.
  bool is_open_engine() const { return tool_.category == Category::execute && tool_.risk == Risk::critical && !tool_.modes->closed; }

  /// The gateway could not check any call of it.
  Rule unusable(const Error& why) {
    rule_.action = Verdict::deny;
    rule_.reason = "its own schema cannot be used to check calls";
    rule_.notes.push_back(fmt::format("its schema: {}{}", comment_line(why.message, 160), why.where.empty() ? "" : " at `" + comment_line(why.where, 120) + "`"));
    rule_.tests.push_back({"{}", Verdict::deny, "/tools/" + rule_.tool});
    return std::move(rule_);
  }

  void start() {
    const Tables& tables = Tables::built_in();
    const Start& from = tables.start(tool_.category, tool_.risk);
    rule_.action = from.action;
    rule_.limit = from.limit;
    rule_.reason = from.reason;
    if (tool_.confidence < classify::needs_a_look_below) {
      rule_.notes.push_back(fmt::format("confidence {:.2f}: look at it, then say what it is", tool_.confidence));
      if (rule_.action == Verdict::allow) {
        rule_.action = Verdict::require_approval;
        rule_.reason = unknown_reason;
      }
      if (tool_.grounds == "unknown") rule_.reason = unknown_reason;
    }
    if (rule_.action == Verdict::allow && tool_.category == Category::read && !rule_.limit) rule_.limit = limit_of_reads(tables);
    if (rule_.action == Verdict::deny && tool_.category == Category::destructive && siblings_.has_safer_twin(tool_.tool)) {
      rule_.action = Verdict::hide;
      rule_.reason.clear();
      rule_.notes.emplace_back("hidden: a sibling does the same in a way that can be taken back");
    }
    if (!rule_.reason.empty()) add_reasons(tables);
  }

  /// What is in use is asked about rather than taken away.
  void narrow() {
    if (rule_.action > Verdict::deny) return;
    rule_.action = Verdict::require_approval;
    rule_.limit = Tables::built_in().start(Category::destructive, Risk::high).limit;
    rule_.notes.push_back(fmt::format("would be refused, but was called {} time{}", seen_->count(), seen_->count() == 1 ? "" : "s"));
  }

  /// What the number is, next to what was seen.
  static std::string_view why_of(std::size_t most, std::uint64_t max) {
    if (max == 2 * std::uint64_t{most}) return "twice the most that was seen";
    return max < 4 ? "3 at least, more than twice the most that was seen" : "twice the most that was seen, rounded up";
  }

  /// Upwards too: a limit below what was in use would refuse it.
  void fit_limit() {
    if (!rule_.limit) rule_.limit = Limit{};
    const std::size_t most = seen_->most_within(rule_.limit->window);
    rule_.limit->max = with_room(most);
    rule_.limit->why = fmt::format("{} ({} in {})", why_of(most, rule_.limit->max), most, window_text(rule_.limit->window));
  }

  /// Of a tool that reads much or what is private.
  std::optional<Limit> limit_of_reads(const Tables& tables) const {
    for (const SignalRow& row : tables.signals()) {
      if (row.does != "limit" || !has_signal(tool_, row.signal)) continue;
      std::optional<Limit> limit = tables.start(Category::read, Risk::medium).limit;
      if (limit) limit->why = row.text;
      return limit;
    }
    return std::nullopt;
  }

  void add_reasons(const Tables& tables) {
    int added = 0;
    for (const SignalRow& row : tables.signals()) {
      if (row.does != "reason" || !has_signal(tool_, row.signal) || rule_.reason.find(row.text) != std::string::npos) continue;
      rule_.reason += fmt::format("; {}", row.text);
      if (++added == 2) return;
    }
  }

  void guard() {
    const bool changes = tool_.category == Category::write || tool_.category == Category::destructive || tool_.category == Category::financial || tool_.modes;
    const Guards guards{.batches = changes, .targets = tool_.category == Category::destructive && !tool_.modes};
    for (const Property& property : properties_) {
      const auto is_this = [&](const Clause& clause) { return clause.argument == property.name; };
      if (std::ranges::any_of(rule_.clauses, is_this) || is_unseen(property)) continue;
      if (auto clause = clause_of(property, guards)) rule_.clauses.push_back(std::move(*clause));
    }
    if (!few_.empty()) rule_.notes.push_back(fmt::format("no range learned yet, {} calls with it are needed: {}", enough_calls, comment_line(few_, 240)));
    if (sends_unlisted()) return;
    if ((rule_.clauses.empty() && seen_ == nullptr) || !schema_ || !names_its_arguments(schema_) || schema_.find("properties")->size() != properties_.size()) return;
    for (const Property& property : properties_) {
      const auto is_this = [&](const Clause& clause) { return clause.argument == property.name; };
      if (std::ranges::any_of(rule_.clauses, is_this)) continue;
      if (is_unseen(property)) {
        const auto value = maker_.value(property.schema);
        if (rule_.outsiders.size() < 4 && value) rule_.outsiders.emplace_back(property.name, *value);
      } else {
        rule_.other_arguments.push_back(property.name);
      }
    }
    rule_.keeps_closed = seen_ != nullptr;
    rule_.closed = rule_.other_arguments.size() <= longest_closed;
    if (!rule_.closed) rule_.other_arguments.clear();
  }

  /// From the schema, its text, and calls.
  std::optional<Clause> clause_of(const Property& property, Guards guards) {
    const SeenValues* values = values_of(property.name);
    auto clause = clause_for(property, guards, values);
    if (values == nullptr) return clause;
    if (!clause) clause = learned_members(property, *seen_, maker_);
    const bool told = !values->unknown && !property.bounded && !type_of_values(*values).empty();
    if (told && values->count < enough_calls) few_ += fmt::format("{}`{}` ({})", few_.empty() ? "" : ", ", comment_line(property.name, 60), values->count);
    return clause;
  }

  /// Null where no call told its shape.
  const SeenValues* values_of(std::string_view argument) const {
    if (seen_ == nullptr || !seen_->all_named) return nullptr;
    std::string pointer;
    schema::append_token(pointer, argument);
    return seen_->find(pointer);
  }

  /// Whether calls had arguments that the schema does not name, or may have had: nothing is closed then.
  bool sends_unlisted() const {
    return seen_ != nullptr && (!seen_->all_named || std::ranges::any_of(seen_->arguments, [this](const std::string& name) { return std::ranges::find(properties_, name, &Property::name) == properties_.end(); }));
  }

  /// An argument that may be left out, and always was.
  bool is_unseen(const Property& property) const { return seen_ != nullptr && seen_->all_named && !property.required && !seen_->arguments.contains(property.name); }

  void notes() {
    const Tables& tables = Tables::built_in();
    if (tool_.overridden) {
      rule_.notes.push_back(fmt::format("{}, {} by the configuration (judged {}, {}): {}", word(tool_.category), word(tool_.risk), word(tool_.overridden->category),
                                        word(tool_.overridden->risk), comment_line(tool_.overridden->reason, 160)));
    }
    note_names();
    note_poison();
    if (rule_.action == Verdict::deny) rule_.notes.emplace_back("narrower, where it is needed: `action: require_approval` with `rate_limit: {max: 10, window: 1h}`");
    if (rule_.action <= Verdict::deny) return;
    for (const SignalRow& row : tables.signals()) {
      if (!has_signal(tool_, row.signal)) continue;
      if (row.does == "choose" && (rule_.action == Verdict::require_approval || row.text == "amount")) choose(tables, row.text);
      if (row.does == "later") rule_.notes.push_back(fmt::format("later: `{}`, which this version cannot do yet", row.text));
    }
  }

  /// Other tools that this one may be taken for.
  void note_names() {
    for (const classify::Evidence& each : tool_.evidence) {
      if (each.rule == "signal/look_alike") rule_.notes.push_back(fmt::format("beware: its name looks like that of `{}`", comment_line(each.text, 60)));
      if (each.rule == "signal/shadows") rule_.notes.push_back(fmt::format("beware of `{}`: {}", comment_line(each.text, 60), comment_line(each.says, 160)));
    }
  }

  /// What in its texts is there for the model, or hidden from the reader, which a rule cannot mend.
  void note_poison() {
    for (const auto& [signal, what] : {std::pair<std::string_view, std::string_view>("instructions_in_text", "its text speaks to the model"),
                                       {"odd_characters", "its text holds characters that hide or turn text"}}) {
      if (!has_signal(tool_, signal)) continue;
      const auto shown = std::ranges::find_if(tool_.evidence, [&](const classify::Evidence& each) { return each.rule == fmt::format("signal/{}", signal); });
      if (shown == tool_.evidence.end()) {
        rule_.notes.push_back(fmt::format("beware: {}", what));
      } else {
        rule_.notes.push_back(fmt::format("beware: {}, at {}: {}", what, comment_line(shown->field, 80), comment_line(shown->text, 120)));
      }
    }
  }

  /// Whether the rule has learned of the argument, or has its most from the text: there is nothing left to choose.
  bool is_told(std::string_view argument) const {
    const auto clause = std::ranges::find(rule_.clauses, argument, &Clause::argument);
    return clause != rule_.clauses.end() && (!clause->learned.empty() || clause->schema.find("\"maximum\"") != std::string::npos);
  }

  void choose(const Tables& tables, std::string_view kind) {
    for (const Property& property : properties_) {
      if (property.bounded || property.type == "boolean" || !tables.is_kind(property.name, kind)) continue;
      if (is_told(property.name) || (rule_.closed && is_unseen(property))) continue;
      const std::string name = comment_line(yaml_string(property.name), 60);
      if (kind == "amount") {
        if (property.type == "string" || property.type == "array" || property.type == "object") continue;
        rule_.notes.push_back(fmt::format("choose: the most that may be asked for, under `arguments`: `{}: {{type: number, maximum: 100}}`", name));
      } else {
        rule_.notes.push_back(fmt::format("choose: which {}s may stand in `{}`, under `arguments`: `{}: {{enum: [...]}}`", kind, name, name));
      }
    }
  }

  json::Value definition_;
  const Classification& tool_;
  const Siblings& siblings_;
  Language language_;
  const Seen* seen_;
  json::Value schema_;
  ExampleMaker maker_;
  std::shared_ptr<const schema::Schema> own_;
  std::vector<Property> properties_;
  std::string few_;  ///< arguments that too few calls had
  Rule rule_;
};

}  // namespace

Siblings::Siblings(std::span<const Classification> tools) {
  for (const Classification& tool : tools) {
    if (tool.category == Category::destructive || tool.category == Category::financial || tool.risk > Risk::medium) continue;
    if (const auto rest = Tables::built_in().after_safer_verb(tool.tool)) safer_.emplace(*rest);
  }
}

bool Siblings::has_safer_twin(std::string_view name) const {
  const std::size_t cut = name.find_first_of("_-");
  return cut != std::string_view::npos && safer_.contains(std::string(name.substr(cut + 1)));
}

Rule suggest(json::Value definition, const Classification& tool, const Siblings& siblings, Language language, const Seen* seen) {
  return Suggestion(definition, tool, siblings, language, seen).make();
}

}  // namespace callgate::generate
