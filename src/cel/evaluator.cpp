#include "cel/evaluator.hpp"

namespace callgate::cel {
namespace {


/// Code points of a valid UTF-8 text.
std::size_t characters(std::string_view text) {
  std::size_t count = 0;
  for (const char c : text) count += (static_cast<unsigned char>(c) & 0xc0U) != 0x80U ? 1 : 0;
  return count;
}

}  // namespace

Value Evaluator::fault(const Node& node, Reason reason, Value left, Value right) const {
  return Value::fault({.reason = reason, .left = left.kind(), .right = right.kind(), .node = static_cast<std::uint32_t>(&node - tree_.nodes.data())});
}

Value Evaluator::evaluate(std::uint32_t number) {
  const Node& node = tree_.nodes[number];
  if (!spend(1)) return fault(node, Reason::too_much_work);
  switch (node.op) {
    case Op::constant: return Value::constant(tree_.constants[node.what]);
    case Op::variable: {
      const Value value = variables_[node.what];
      return value.is_fault() ? fault(node, Reason::not_known) : value;
    }
    case Op::select: return select(node);
    case Op::index: return index(node);
    case Op::has: return has(node);
    case Op::size: return size(node);
    case Op::negation: return negation(node);
    case Op::conjunction:
    case Op::disjunction: return chain(node);
    case Op::list: return list(node);
    default: return relation(node);
  }
}

/// One part that decides is enough, wherever it stands; else the first fault is
/// the answer (cel-spec, "Logical Operators").
Value Evaluator::chain(const Node& node) {
  const bool deciding = node.op == Op::disjunction;
  std::optional<Value> first_fault;
  for (const std::uint32_t number : tree_.operands_of(node)) {
    Value part = evaluate(number);
    if (part.is(deciding)) return part;
    if (part.is(!deciding) || first_fault) continue;
    first_fault = part.is_fault() ? part : fault(tree_.nodes[number], Reason::no_condition, part);
  }
  return first_fault ? *first_fault : Value::boolean(!deciding);
}

Value Evaluator::negation(const Node& node) {
  const Value operand = evaluate(tree_.operands_of(node)[0]);
  if (operand.kind() == Kind::boolean) return Value::boolean(!operand.truth());
  return operand.is_fault() ? operand : fault(node, Reason::wrong_kind, operand);
}

std::optional<json::Value> Evaluator::find(json::Value object, std::string_view name) {
  for (const json::Member member : object.members()) {
    --budget_.steps;
    const json::Value key = member.key;
    if (!key.has_escapes()) {
      if (key.raw_string() == name) return member.value;
    } else {
      budget_.steps -= static_cast<std::int64_t>(key.raw_string().size() / bytes_a_step);
      if (key.string(left_) == name) return member.value;
    }
  }
  return std::nullopt;
}

Value Evaluator::has(const Node& node) {
  const Value owner = evaluate(tree_.operands_of(node)[0]);
  if (owner.is_fault()) return owner;
  if (owner.kind() != Kind::map) return fault(node, Reason::wrong_kind, owner);
  const bool found = find(owner.json(), tree_.names[node.what]).has_value();
  return spend(0) ? Value::boolean(found) : gave_up(node);
}

Value Evaluator::select(const Node& node) {
  const Value owner = evaluate(tree_.operands_of(node)[0]);
  if (owner.is_fault()) return owner;
  if (owner.kind() != Kind::map) return fault(node, Reason::wrong_kind, owner);
  const auto found = find(owner.json(), tree_.names[node.what]);
  if (!spend(0)) return gave_up(node);
  return found ? Value::document(*found) : fault(node, Reason::absent);
}

Value Evaluator::index(const Node& node) {
  const Value owner = evaluate(tree_.operands_of(node)[0]);
  if (owner.is_fault()) return owner;
  const Value by = evaluate(tree_.operands_of(node)[1]);
  if (by.is_fault()) return by;
  if (owner.kind() == Kind::list && by.kind() == Kind::number) return item(node, owner, by);
  if (owner.kind() != Kind::map || by.kind() != Kind::text) return fault(node, Reason::wrong_kind, owner, by);
  const auto found = find(owner.json(), text(by, right_));
  if (!spend(0)) return gave_up(node);
  return found ? Value::document(*found) : fault(node, Reason::absent);
}

Value Evaluator::item(const Node& node, Value list, Value by) {
  const auto number = decimal(by);
  if (!number) return gave_up(node);
  const auto place = number->as_int64();
  if (!place || *place < 0 || static_cast<std::uint64_t>(*place) >= size_of(list)) return fault(node, Reason::no_such_item);
  if (!spend(list.source() == Value::Source::document ? static_cast<std::size_t>(*place) : 0)) return gave_up(node);
  return item_of(list, static_cast<std::size_t>(*place));
}

Value Evaluator::size(const Node& node) {
  const Value of = evaluate(tree_.operands_of(node)[0]);
  switch (of.kind()) {
    case Kind::text: {
      const std::string_view characters_of = text(of, left_);
      if (!spend(characters_of.size() / bytes_a_step)) return gave_up(node);
      return Value::count(static_cast<std::int64_t>(characters(characters_of)));
    }
    case Kind::list: return Value::count(static_cast<std::int64_t>(size_of(of)));
    case Kind::map: return Value::count(static_cast<std::int64_t>(of.json().size()));
    case Kind::fault: return of;
    default: return fault(node, Reason::wrong_kind, of);
  }
}

Value Evaluator::list(const Node& node) {
  const auto operands = tree_.operands_of(node);
  // The items stand together, though their own items are made in between.
  std::array<Value, 16> few;
  std::vector<Value> many(operands.size() > few.size() ? operands.size() : 0);
  const std::span<Value> items = many.empty() ? std::span(few).first(operands.size()) : std::span(many);
  for (std::size_t i = 0; i < operands.size(); ++i) {
    items[i] = evaluate(operands[i]);
    if (items[i].is_fault()) return items[i];
  }
  const auto first = static_cast<std::uint32_t>(made_.size());
  for (const Value& each : items) made_.push(each);
  return Value::made({first, static_cast<std::uint32_t>(items.size())});
}

Value Evaluator::relation(const Node& node) {
  const Value left = evaluate(tree_.operands_of(node)[0]);
  if (left.is_fault()) return left;
  const Value right = evaluate(tree_.operands_of(node)[1]);
  if (right.is_fault()) return right;
  if (node.op == Op::in) return inclusion(node, left, right);
  if (node.op != Op::equal && node.op != Op::not_equal) return order(node, left, right);
  const auto same = equal(left, right);
  if (!same) return gave_up(node);
  return Value::boolean(*same == (node.op == Op::equal));
}

Value Evaluator::order(const Node& node, Value left, Value right) {
  std::optional<std::strong_ordering> order;
  if (left.kind() != right.kind()) return fault(node, Reason::not_alike, left, right);
  if (left.kind() == Kind::number) {
    order = compare_numbers(left, right);
  } else if (left.kind() == Kind::text) {
    const std::string_view a = text(left, left_);
    const std::string_view b = text(right, right_);
    // By code points, which in UTF-8 is the order of the bytes.
    if (spend(std::min(a.size(), b.size()) / bytes_a_step)) order = a <=> b;
  } else if (left.kind() == Kind::boolean) {
    order = left.truth() <=> right.truth();
  } else {
    return fault(node, Reason::not_alike, left, right);
  }
  if (!order) return gave_up(node);
  switch (node.op) {
    case Op::less: return Value::boolean(*order < 0);
    case Op::less_equal: return Value::boolean(*order <= 0);
    case Op::greater: return Value::boolean(*order > 0);
    default: return Value::boolean(*order >= 0);
  }
}

Value Evaluator::inclusion(const Node& node, Value left, Value right) {
  if (right.kind() == Kind::map) {
    if (left.kind() != Kind::text) return fault(node, Reason::wrong_kind, left, right);
    const bool found = find(right.json(), text(left, right_)).has_value();
    return spend(0) ? Value::boolean(found) : gave_up(node);
  }
  if (right.kind() != Kind::list) return fault(node, Reason::wrong_kind, left, right);
  const auto is_item = [&](Value each) { return spend(1) ? equal(left, each) : std::nullopt; };
  if (right.source() == Value::Source::document) {
    for (const json::Value each : right.json().elements()) {
      const auto same = is_item(Value::document(each));
      if (!same) return gave_up(node);
      if (*same) return Value::boolean(true);
    }
    return Value::boolean(false);
  }
  for (std::size_t i = 0; i < size_of(right); ++i) {
    const auto same = is_item(item_of(right, i));
    if (!same) return gave_up(node);
    if (*same) return Value::boolean(true);
  }
  return Value::boolean(false);
}

}  // namespace callgate::cel
