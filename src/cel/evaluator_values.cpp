#include <algorithm>

#include "cel/evaluator.hpp"

/// Equality, order and items of values (cel-spec, "Equality and Ordering").
namespace callgate::cel {
std::string_view Evaluator::text(Value value, std::string& scratch) {
  switch (value.source()) {
    case Value::Source::constant: return value.constant().text;
    case Value::Source::document: {
      if (!value.json().has_escapes()) return value.json().raw_string();
      if (!spend(value.json().raw_string().size() / bytes_a_step)) return {};
      return value.json().string(scratch);
    }
    default: return value.own_text();
  }
}

std::optional<Decimal> Evaluator::decimal(Value number) {
  switch (number.source()) {
    case Value::Source::constant: return number.constant().number;
    case Value::Source::document: {
      const std::string_view spelled = number.json().text();
      if (!spend(spelled.size() / bytes_a_step)) return std::nullopt;
      return Decimal::parse(spelled);
    }
    default: return Decimal(number.own_number());
  }
}

std::optional<std::strong_ordering> Evaluator::compare_numbers(Value a, Value b) {
  const auto left = decimal(a);
  const auto right = decimal(b);
  if (!left || !right) return std::nullopt;
  return *left <=> *right;
}

std::size_t Evaluator::size_of(Value list) const {
  if (list.source() == Value::Source::document) return list.json().size();
  return list.source() == Value::Source::constant ? list.constant().items.size() : list.made().count;
}

Value Evaluator::item_of(Value list, std::size_t place) {
  if (list.source() == Value::Source::constant) return list.constant().items[place];
  if (list.source() == Value::Source::made) return made_[list.made().first + place];
  auto element = list.json().elements().begin();
  for (; place > 0; --place) ++element;
  return Value::document(*element);
}

/// Values of different kinds are not equal; that is no fault.
std::optional<bool> Evaluator::equal(Value a, Value b) {
  if (a.kind() != b.kind()) return false;
  switch (a.kind()) {
    case Kind::null: return true;
    case Kind::boolean: return a.truth() == b.truth();
    case Kind::number: {
      const auto order = compare_numbers(a, b);
      if (!order) return std::nullopt;
      return *order == 0;
    }
    case Kind::text: {
      const std::string_view left = text(a, left_);
      const std::string_view right = text(b, right_);
      if (!spend(left.size() == right.size() ? left.size() / bytes_a_step : 0)) return std::nullopt;
      return left == right;
    }
    case Kind::list: return equal_lists(a, b);
    default: break;
  }
  // Objects, which only documents hold. Comparing may sort their members.
  if (!spend((a.json().text().size() + b.json().text().size()) / 2)) return std::nullopt;
  return json::equal(a.json(), b.json());
}

std::optional<bool> Evaluator::equal_lists(Value a, Value b) {
  const bool documents = a.source() == Value::Source::document && b.source() == Value::Source::document;
  if (size_of(a) != size_of(b)) return false;
  if (documents) {
    if (!spend((a.json().text().size() + b.json().text().size()) / 2)) return std::nullopt;
    return json::equal(a.json(), b.json());
  }
  // At most one is a document, whose items are walked once, not looked up one by one.
  if (a.source() == Value::Source::document) std::swap(a, b);
  std::optional<json::Elements::Iterator> walk;
  if (b.source() == Value::Source::document) walk = b.json().elements().begin();
  for (std::size_t i = 0; i < size_of(a); ++i) {
    const Value other = walk ? Value::document(**walk) : item_of(b, i);
    const auto same = spend(1) ? equal(item_of(a, i), other) : std::nullopt;
    if (!same || !*same) return same;
    if (walk) ++*walk;
  }
  return true;
}

}  // namespace callgate::cel
