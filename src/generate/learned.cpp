#include "generate/learned.hpp"

#include <fmt/format.h>
#include <re2/re2.h>

#include <algorithm>

#include "generate/yaml_writer.hpp"
#include "schema/pointer.hpp"

namespace callgate::generate {
namespace {

using Kind = SeenShape::Kind;

/// The pattern that holds all texts of such characters; empty where there is none worth a rule.
std::string_view pattern_of(Letters letters) {
  switch (letters) {
    case Letters::digits: return "^[0-9]*$";
    case Letters::hex: return "^[0-9A-Fa-f]*$";
    case Letters::identifier: return "^[A-Za-z0-9_-]*$";
    default: return {};
  }
}

/// The tool's own default and examples say what it takes: bounds give way to them.
template <class Take>
void each_own_value(const Property& property, Take take) {
  if (!property.schema) return;
  if (const auto fallback = property.schema.find("default")) take(*fallback);
  const auto examples = property.schema.find("examples");
  if (!examples || !examples->is_array()) return;
  for (const json::Value each : examples->elements()) take(each);
}

std::size_t characters_of(json::Value text) {
  const std::string bytes = text.string();
  return static_cast<std::size_t>(std::ranges::count_if(bytes, [](char c) { return (static_cast<unsigned char>(c) & 0xc0U) != 0x80U; }));
}

class Learning {
 public:
  Learning(TextBounds stated, Bounded what, const Property& property, const SeenValues& seen) : property_(property), seen_(seen), enough_(seen.count >= enough_calls) {
    made_.bounds = std::move(stated);
    drop_broken();
    made_.from_text = made_.bounds.any();
    if (!enough_) return;
    if (what == Bounded::number) learn_number();
    if (what == Bounded::text) learn_text();
    if (what == Bounded::list) learn_list();
    if (!made_.said.empty()) made_.comment = fmt::format("learned from {} calls{}: here with room", seen.count, had_);
  }
  LearnedBounds take() { return std::move(made_); }

 private:
  /// A stated bound that some call may have broken is none.
  void drop_broken() {
    TextBounds& bounds = made_.bounds;
    const auto least = seen_.span.least;
    const auto most = seen_.span.most;
    const auto holds_above = [&](std::optional<std::uint64_t>& bound) {
      if (bound && !(least && *least >= 0 && static_cast<std::uint64_t>(*least) >= *bound)) bound.reset();
    };
    const auto holds_below = [&](std::optional<std::uint64_t>& bound) {
      if (bound && !(most && *most >= 0 && static_cast<std::uint64_t>(*most) <= *bound)) bound.reset();
    };
    holds_above(bounds.min_length);
    holds_below(bounds.max_length);
    holds_below(bounds.max_items);
    if (bounds.minimum && !(least && *least >= *bounds.minimum)) bounds.minimum.reset();
    if (bounds.maximum && !(most && *most <= *bounds.maximum)) bounds.maximum.reset();
  }

  void learn_number() {
    TextBounds& bounds = made_.bounds;
    std::optional<std::int64_t> low;
    std::optional<std::int64_t> high;
    if (const auto least = seen_.span.least) low = *least < 0 ? -static_cast<std::int64_t>(with_room(static_cast<std::size_t>(-*least))) : 0;
    if (const auto most = seen_.span.most) high = *most > 0 ? static_cast<std::int64_t>(with_room(static_cast<std::size_t>(*most))) : 0;
    each_own_value(property_, [&](json::Value own) {
      const auto value = own.as_int64();
      if (value && low) low = std::min(*low, *value);
      if (value && high) high = std::max(*high, *value);
    });
    if (low) bounds.minimum = std::max(bounds.minimum.value_or(*low), *low);
    if (high) bounds.maximum = std::min(bounds.maximum.value_or(*high), *high);
    if (bounds.minimum && bounds.maximum) {
      made_.said = fmt::format("{} to {}", *bounds.minimum, *bounds.maximum);
      had_ = fmt::format(", which had {} to {}", *seen_.span.least, *seen_.span.most);
    } else if (bounds.minimum) {
      made_.said = fmt::format("at least {}", *bounds.minimum);
    } else if (bounds.maximum) {
      made_.said = fmt::format("at most {}", *bounds.maximum);
    }
  }

  std::uint64_t roomy(Bounded what) const {
    std::uint64_t most = with_room(static_cast<std::size_t>(*seen_.span.most));
    each_own_value(property_, [&](json::Value own) {
      if (what == Bounded::text && own.is_string()) most = std::max<std::uint64_t>(most, characters_of(own));
      if (what == Bounded::list && own.is_array()) most = std::max<std::uint64_t>(most, own.size());
    });
    return most;
  }

  void learn_text() {
    TextBounds& bounds = made_.bounds;
    if (seen_.span.most) {
      bounds.max_length = std::min(bounds.max_length.value_or(UINT64_MAX), roomy(Bounded::text));
      made_.said = fmt::format("at most {} characters", *bounds.max_length);
      had_ = fmt::format(", which had at most {} characters", *seen_.span.most);
    }
    const std::string_view pattern = seen_.letters ? pattern_of(*seen_.letters) : std::string_view{};
    const bool has_own = property_.main && (property_.main.find("pattern") || property_.main.find("format"));
    if (pattern.empty() || has_own || !bounds.pattern.empty() || !fits_own_values(pattern)) return;
    bounds.pattern = pattern;
    const std::string_view letters = pattern.substr(1, pattern.size() - 3);
    made_.said += fmt::format("{}only {}", made_.said.empty() ? "" : ", ", letters);
    had_ += fmt::format("{} of {}", had_.empty() ? ", all" : "", letters);
  }

  bool fits_own_values(std::string_view pattern) const {
    const re2::RE2 compiled(re2::StringPiece(pattern.data(), pattern.size()));
    bool fits = true;
    each_own_value(property_, [&](json::Value own) { fits = fits && (!own.is_string() || re2::RE2::FullMatch(own.string(), compiled)); });
    return fits;
  }

  void learn_list() {
    if (!seen_.span.most) return;
    TextBounds& bounds = made_.bounds;
    bounds.max_items = std::min(bounds.max_items.value_or(UINT64_MAX), roomy(Bounded::list));
    made_.said = fmt::format("at most {} at once", *bounds.max_items);
    had_ = fmt::format(", which had at most {} at once", *seen_.span.most);
  }

  const Property& property_;
  const SeenValues& seen_;
  bool enough_;
  std::string had_;
  LearnedBounds made_;
};

}  // namespace

bool fits_type(const SeenValues& seen, std::string_view type) {
  return std::ranges::all_of(seen.kinds, [&](Kind kind) {
    switch (kind) {
      case Kind::null: return true;
      case Kind::boolean: return type == "boolean";
      case Kind::integer: return type == "integer" || type == "number";
      case Kind::number: return type == "number";
      case Kind::string: return type == "string";
      case Kind::array: return type == "array";
      case Kind::object: return type == "object";
    }
    return false;
  });
}

std::string_view type_of_values(const SeenValues& seen) {
  if (seen.unknown || seen.count == 0) return {};
  for (const std::string_view type : {"string", "number", "array"}) {
    if (fits_type(seen, type)) return type;
  }
  return {};
}

bool is_free_of_signs(const SeenValues& seen) { return seen.letters && *seen.letters <= Letters::path; }

LearnedBounds learn_bounds(TextBounds stated, Bounded what, const Property& property, const SeenValues& seen) {
  return Learning(std::move(stated), what, property, seen).take();
}

std::optional<Clause> learned_members(const Property& property, const Seen& seen, ExampleMaker& maker) {
  std::string pointer;
  schema::append_token(pointer, property.name);
  const SeenValues* whole = seen.find(pointer);
  const bool told = whole != nullptr && !whole->unknown && !whole->more && whole->count > 0 && fits_type(*whole, "object");
  if (!told || property.type != "object" || !property.main.find("properties")) return std::nullopt;
  auto good = maker.required_arguments(property.main);
  if (!good) return std::nullopt;

  std::vector<Clause> inside;
  for (const Property& member : read_properties(property.main, maker)) {
    std::string below = pointer;
    schema::append_token(below, member.name);
    const SeenValues* values = seen.find(below);
    auto clause = values != nullptr && !values->unknown ? clause_for(member, {}, values) : std::nullopt;
    if (!clause || clause->learned.empty()) continue;
    if (!clause->good.empty()) set_member(*good, member.name, clause->good);
    inside.push_back(std::move(*clause));
  }
  if (inside.empty()) return std::nullopt;

  Clause clause{.argument = property.name, .good = json_of(*good)};
  std::string properties;
  for (const Clause& each : inside) {
    properties += fmt::format("{}{}:{}", properties.empty() ? "" : ",", json::quoted(each.argument), each.schema);
    const std::string name = comment_line(each.argument, 60);
    clause.comment += fmt::format("{}`{}` {}", clause.comment.empty() ? "" : "; ", name, each.comment);
    clause.learned += fmt::format("{}{} {}", clause.learned.empty() ? "" : ", ", name, each.learned);
    for (const std::string& bad : each.bad) {
      Arguments other = *good;
      set_member(other, each.argument, bad);
      clause.bad.push_back(json_of(other));
    }
  }
  clause.comment = comment_line(clause.comment, 240);
  const bool nullable = property.nullable || whole->kinds.contains(Kind::null);
  clause.schema = fmt::format(R"({{"type":{},"properties":{{{}}}}})", nullable ? R"(["object","null"])" : R"("object")", properties);
  return clause;
}

}  // namespace callgate::generate
