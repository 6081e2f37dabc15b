#include "registry/pins.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <iterator>
#include <map>
#include <optional>
#include <set>
#include <unordered_map>
#include <unordered_set>

#include "config/address.hpp"
#include "registry/fingerprint.hpp"

namespace callgate::registry {
namespace {

using Definitions = std::vector<store::Definition>;
using ByName = std::map<std::string_view, const store::Definition*>;

ByName by_name(std::span<const store::Definition> definitions) {
  ByName names;
  for (const store::Definition& each : definitions) names.emplace(each.tool, &each);
  return names;
}

store::Definition as_row(const Listed& tool, std::int64_t now_ms) {
  return {.tool = tool.name,
          .fingerprint = tool.fingerprint,
          .text = std::string(tool.definition.text()),
          .time_ms = now_ms};
}

Definitions as_rows(std::span<const Listed> tools, std::int64_t now_ms) {
  Definitions rows;
  for (const Listed& tool : tools) rows.push_back(as_row(tool, now_ms));
  return rows;
}

/// What a list is judged by.
struct Pinned {
  Definitions own;     ///< of the list's own era
  Definitions others;  ///< of names that it does not hold: the server's at the same address in the other era
};

/// The stored lists of the same server and address in other eras.
Result<Definitions> stored_in_other_eras(store::Pins& pins, const store::ListKey& key) {
  const auto lists = pins.lists(key.server);
  if (!lists) return std::unexpected(lists.error());
  Definitions found;
  for (const store::ListKey& each : *lists) {
    if (each.address != key.address || each.era == key.era) continue;
    auto list = pins.find(each);
    if (!list) return std::unexpected(list.error());
    if (*list) std::ranges::move((*list)->pinned, std::back_inserter(found));
  }
  return found;
}

/// Appends what `more` holds of other names.
void add_unknown(Definitions& to, std::span<const store::Definition> known, Definitions more) {
  std::set<std::string, std::less<>> names;
  for (const store::Definition& each : known) names.insert(each.tool);
  for (store::Definition& each : more) {
    if (names.insert(each.tool).second) to.push_back(std::move(each));
  }
}

/// Whether two eras' definitions of a tool say the same.
bool agrees(std::string_view fingerprint, std::optional<json::Value> definition, const store::Definition& pin) {
  if (pin.fingerprint == fingerprint) return true;
  const auto pinned = json::OwnedDocument::parse(pin.text, definition_limits);
  return definition && definition->is_object() && pinned && (*pinned)->root().is_object() &&
         fingerprint_across_eras((*pinned)->root()) == fingerprint_across_eras(*definition);
}

bool agrees(const store::Definition& one, const store::Definition& other) {
  const auto read = json::OwnedDocument::parse(one.text, definition_limits);
  return agrees(one.fingerprint, read ? std::optional((*read)->root()) : std::nullopt, other);
}

/// What the store has of this era, where the other era's pin of the name says the same: this era is held to it.
Definitions decided(std::span<const store::Definition> stored, std::span<const store::Definition> others) {
  const ByName reviewed = by_name(others);
  Definitions found;
  for (const store::Definition& each : stored) {
    const auto other = reviewed.find(each.tool);
    if (other != reviewed.end() && agrees(each, *other->second)) found.push_back(each);
  }
  return found;
}

/// The pins of a reviewed file, and under `follow_policy` the new names that were pinned since in the store. A file
/// that has a list of this era says all of it: the other era's names are new ones here, unless new ones are followed.
Result<Pinned> reviewed_pins(store::Pins& pins, const ListSource& source) {
  const auto in_file = source.reviewed->definitions(source.key);
  const bool follows = source.new_tools == NewTools::follow_policy;
  Pinned pinned{.own = Definitions(in_file.begin(), in_file.end())};
  if (!source.reviewed->has_list(source.key) || follows)
    add_unknown(pinned.others, in_file, source.reviewed->definitions_of_other_eras(source.key));
  auto stored = pins.find(source.key);
  if (!stored) return std::unexpected(stored.error());
  Definitions reviewed = pinned.own;
  reviewed.insert(reviewed.end(), pinned.others.begin(), pinned.others.end());
  if (*stored) std::ranges::move(decided((*stored)->pinned, pinned.others), std::back_inserter(pinned.own));
  if (!follows) return pinned;
  auto elsewhere = stored_in_other_eras(pins, source.key);
  if (!elsewhere) return std::unexpected(elsewhere.error());
  if (*stored) add_unknown(pinned.own, reviewed, std::move((*stored)->pinned));
  reviewed.insert(reviewed.end(), pinned.own.begin(), pinned.own.end());
  add_unknown(pinned.others, reviewed, std::move(*elsewhere));
  return pinned;
}

/// The pins to judge by. The first list of a server and address becomes them; of a further era's, minutes later, what the other does not hold.
Result<Pinned> pins_of(store::Pins& pins, const ListSource& source, const Listing& listing, std::int64_t now_ms) {
  if (source.reviewed != nullptr) return reviewed_pins(pins, source);
  Pinned pinned;
  auto known = pins.find(source.key);
  if (!known) return std::unexpected(known.error());
  if (*known) {
    pinned.own = std::move((*known)->pinned);
  } else {
    auto first = pins.pin_first(source.key, as_rows(listing.tools, now_ms), now_ms);
    if (!first) return std::unexpected(first.error());
    pinned.own = std::move(first->pinned);
  }
  auto elsewhere = stored_in_other_eras(pins, source.key);
  if (!elsewhere) return std::unexpected(elsewhere.error());
  add_unknown(pinned.others, pinned.own, std::move(*elsewhere));
  return pinned;
}

void compile_schema(Tool& tool, json::Value definition) {
  const auto input_schema = definition.find("inputSchema");
  if (!input_schema) {
    tool.schema_fault = "the tool has no inputSchema";
    return;
  }
  auto compiled = schema::Schema::compile(*input_schema);
  if (compiled) {
    tool.input_schema = std::move(*compiled);
  } else {
    tool.schema_fault = fmt::format("inputSchema{}: {}", compiled.error().where, compiled.error().message);
  }
}

/// Whatever a server lists: so many are named, and how many there are beside them.
constexpr std::size_t most_named = 100;

std::vector<store::LeftOut> left_out(std::span<const Drift> drift) {
  std::vector<store::LeftOut> all;
  std::size_t more = 0;
  for (const Drift& each : drift) {
    if (!is_left_out(each)) continue;
    store::LeftOut one{.tool = each.tool, .why = each.detail};
    if (all.size() < most_named) all.push_back(std::move(one));
    else ++more;
  }
  if (more > 0) all.push_back({.tool = {}, .why = fmt::format("{} more are left out", more)});
  return all;
}

/// One comparison of a list with its pins. What it is made from outlives it.
class Comparison {
 public:
  Comparison(const ListSource& source, const Listing& listing, std::span<const ToolClass> classes, Pinned pinned, std::int64_t now_ms)
      : source_(source),
        now_ms_(now_ms),
        listing_(listing),
        pinned_(std::move(pinned.own)),
        others_(std::move(pinned.others)),
        names_(by_name(pinned_)),
        other_names_(by_name(others_)),
        classes_(classes) {
    found_.drift = listing.drift;
    found_.drift.insert(found_.drift.end(), source.unreadable.begin(), source.unreadable.end());
  }

  void run(const ToolTable* previous);
  Result<void> store_results(store::Pins& pins) const;
  Compared found() && {
    for (store::Definition& each : offered_) found_.refused.emplace(std::move(each.tool), std::move(each.fingerprint));
    return std::move(found_);
  }

 private:
  void judge(const Listed& listed, const ToolTable* previous);
  void judge_by_other(const Listed& listed, const store::Definition& pin, const ToolTable* previous);
  void judge_new(const Listed& listed, const ToolTable* previous);
  void quarantine(const Listed& listed, const store::Definition& pin, std::string detail);
  void add_known(const Listed& listed, const ToolTable* previous);
  void report_twin(const Listed& listed);
  const std::unordered_map<std::string, std::string_view>& pinned_shapes();
  void report_removed();
  void report(Drift::Kind kind, std::string tool, std::string detail) {
    found_.drift.push_back({kind, std::move(tool), std::move(detail)});
  }

  const ListSource& source_;
  std::int64_t now_ms_;
  const Listing& listing_;
  Definitions pinned_;
  Definitions others_;
  ByName names_;
  ByName other_names_;
  std::optional<std::unordered_map<std::string, std::string_view>> shapes_;  ///< of what is pinned, once a new tool wants them: its name
  std::span<const ToolClass> classes_;  ///< of the listing's tools, in their order; empty: nobody says
  Compared found_;
  Definitions offered_;
  Definitions followed_;  ///< names pinned at once: new ones, and those that the other era's pins decided
};

void Comparison::run(const ToolTable* previous) {
  for (const Listed& listed : listing_.tools) judge(listed, previous);
  report_removed();
}

void Comparison::judge(const Listed& listed, const ToolTable* previous) {
  const auto pinned = names_.find(listed.name);
  if (pinned == names_.end()) {
    const auto other = other_names_.find(listed.name);
    return other == other_names_.end() ? judge_new(listed, previous) : judge_by_other(listed, *other->second, previous);
  }
  const store::Definition& pin = *pinned->second;
  if (pin.fingerprint == listed.fingerprint) return add_known(listed, previous);
  quarantine(listed, pin, fmt::format("the definition is not the pinned one; look at it with `callgate server pin {}`", source_.key.server));
}

/// The other era's definition becomes this one's pin, as it is listed here where it says the same: from then on
/// each era is held to its own.
void Comparison::judge_by_other(const Listed& listed, const store::Definition& pin, const ToolTable* previous) {
  if (agrees(listed.fingerprint, listed.definition, pin)) {
    followed_.push_back(as_row(listed, now_ms_));
    return add_known(listed, previous);
  }
  followed_.push_back(pin);
  quarantine(listed, pin,
             fmt::format("the definition is not the one that is pinned in the other era of the protocol; look at it with `callgate server pin {}`",
                         source_.key.server));
}

void Comparison::quarantine(const Listed& listed, const store::Definition& pin, std::string detail) {
  found_.tools.push_back({.name = listed.name,
                          .state = Tool::State::quarantined,
                          .fingerprint = listed.fingerprint,
                          .definition = std::string(listed.definition.text()),
                          .pinned_fingerprint = pin.fingerprint});
  offered_.push_back(as_row(listed, now_ms_));
  report(Drift::Kind::changed, listed.name, std::move(detail));
}

void Comparison::judge_new(const Listed& listed, const ToolTable* previous) {
  report_twin(listed);
  if (source_.new_tools == NewTools::follow_policy) {
    followed_.push_back(as_row(listed, now_ms_));
    report(Drift::Kind::added, listed.name, "new; pinned, since new_tools is follow_policy");
    return add_known(listed, previous);
  }
  offered_.push_back(as_row(listed, now_ms_));
  report(Drift::Kind::added, listed.name,
         fmt::format("new; refused until `callgate server pin {}` accepts it", source_.key.server));
}

void Comparison::add_known(const Listed& listed, const ToolTable* previous) {
  Tool tool{.name = listed.name,
            .state = Tool::State::known,
            .fingerprint = listed.fingerprint,
            .definition = std::string(listed.definition.text()),
            .pinned_fingerprint = listed.fingerprint};
  if (!classes_.empty()) {
    const ToolClass& is = classes_[static_cast<std::size_t>(&listed - listing_.tools.data())];
    tool.risk = is.risk;
    tool.category = is.category;
    tool.class_reason = is.reason;
  }
  const Tool* before = previous != nullptr ? previous->find(listed.name) : nullptr;
  if (before != nullptr && before->state == Tool::State::known && before->fingerprint == tool.fingerprint) {
    tool.input_schema = before->input_schema;
    tool.schema_fault = before->schema_fault;
  } else {
    found_.uncompiled.emplace_back(found_.tools.size(), listed.definition);
  }
  found_.tools.push_back(std::move(tool));
}

const std::unordered_map<std::string, std::string_view>& Comparison::pinned_shapes() {
  if (shapes_) return *shapes_;
  shapes_.emplace();
  for (const Definitions* pins : {&pinned_, &others_}) {
    for (const store::Definition& pin : *pins) {
      const auto document = json::OwnedDocument::parse(pin.text, definition_limits);
      if (document && (*document)->root().is_object()) shapes_->emplace(shape((*document)->root()), pin.tool);
    }
  }
  return *shapes_;
}

/// A tool that was only renamed would leave the rules for its old name behind.
void Comparison::report_twin(const Listed& listed) {
  // Definitions without a description are too often the same by chance.
  if (!listed.definition.find("description")) return;
  const auto& shapes = pinned_shapes();
  const auto twin = shapes.find(shape(listed.definition));
  if (twin != shapes.end()) report(Drift::Kind::twin, listed.name, fmt::format("the same as `{}` under another name", twin->second));
}

void Comparison::report_removed() {
  std::unordered_set<std::string> there;
  for (const Listed& tool : listing_.tools) there.insert(tool.name);
  for (const Drift& drift : found_.drift) {
    if (drift.kind == Drift::Kind::duplicate) there.insert(drift.tool);
  }
  for (const store::Definition& pin : pinned_) {
    if (!there.contains(pin.tool)) report(Drift::Kind::removed, pin.tool, "pinned, but the server lists it no more; refused until it comes back");
  }
}

Result<void> Comparison::store_results(store::Pins& pins) const {
  if (source_.reviewed != nullptr) {
    // The store follows the file, so that `server pin --write` starts from it.
    Definitions all = pinned_;
    all.insert(all.end(), followed_.begin(), followed_.end());
    if (auto done = pins.replace(source_.key, all); !done) return done;
  } else if (!followed_.empty()) {
    if (auto done = pins.accept(source_.key, followed_); !done) return done;
  }
  if (auto done = pins.offer(source_.key, offered_); !done) return done;
  return pins.leave_out(source_.key, left_out(found_.drift));
}

}  // namespace

std::vector<ToolClass> answer_of(Judging& judging) {
  while (judging.go_on()) {}
  return judging.answer();
}

bool Observation::read_on() {
  if (!listing_) {
    if (reader_.go_on()) return true;
    listing_ = reader_.finish();
    if (!classes_of_) return false;
    listed_.reserve(listing_->tools.size());
    for (const Listed& each : listing_->tools) listed_.push_back(each.definition);
    judging_ = classes_of_(listed_);
    return true;
  }
  if (!judging_) return false;
  if (judging_->go_on()) return true;
  classes_ = judging_->answer();
  judging_.reset();
  return false;
}

Result<void> Observation::compare(store::Pins& pins, const ListSource& source, std::int64_t now_ms) {
  assert(listing_ && !judging_);
  auto pinned = pins_of(pins, source, *listing_, now_ms);
  if (!pinned) return std::unexpected(pinned.error());
  Comparison comparison(source, *listing_, classes_, std::move(*pinned), now_ms);
  comparison.run(previous_);
  if (auto done = comparison.store_results(pins); !done) return done;
  compared_ = std::move(comparison).found();
  return {};
}

bool Observation::compile_on() {
  if (compiled_ == compared_.uncompiled.size()) return false;
  const auto& [tool, definition] = compared_.uncompiled[compiled_++];
  compile_schema(compared_.tools[tool], definition);
  return true;
}

std::shared_ptr<const ToolTable> Observation::table() && {
  assert(compiled_ == compared_.uncompiled.size());
  return std::make_shared<const ToolTable>(std::move(compared_.tools), std::move(compared_.drift), std::move(compared_.refused));
}

Result<std::shared_ptr<const ToolTable>> observe(store::Pins& pins, const ListSource& source,
                                                 std::span<const json::Value> definitions, std::int64_t now_ms,
                                                 const ToolTable* previous) {
  Observation list(definitions, {}, previous);
  while (list.read_on()) {}
  if (auto done = list.compare(pins, source, now_ms); !done) return std::unexpected(done.error());
  while (list.compile_on()) {}
  return std::move(list).table();
}

Result<void> mask_addresses(store::Pins& pins, std::string_view server) {
  return pins.readdress(server, config::shown_address);
}

}  // namespace callgate::registry
