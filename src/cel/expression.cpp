#include "cel/expression.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "cel/parser.hpp"

namespace callgate::cel {

Checked<Expression> Expression::parse(std::string text, const Scope& scope) {
  auto tree = cel::parse(std::move(text), scope);
  if (!tree) return std::unexpected(std::move(tree.error()));
  return Expression(std::move(*tree));
}

Value Expression::evaluate(std::span<const Value> variables, Budget& budget) const {
  const Value value = Evaluator(tree_, variables, budget).evaluate(tree_.root);
  if (value.kind() == Kind::boolean || value.is_fault()) return value;
  return Value::fault({.reason = Reason::no_condition, .left = value.kind(), .node = tree_.root});
}

std::optional<bool> Expression::always() const {
  if (std::ranges::any_of(tree_.nodes, [](const Node& node) { return node.op == Op::variable; })) return std::nullopt;
  Budget budget;
  const Value value = evaluate({}, budget);
  if (value.is_fault()) return std::nullopt;
  return value.truth();
}

NamesRead Expression::names_read() const {
  NamesRead read;
  const auto is_text = [this](const Node& node) { return node.op == Op::constant && tree_.constants[node.what].kind == Kind::text; };
  for (const Node& node : tree_.nodes) {
    if (node.op == Op::select || node.op == Op::has) read.names.push_back(tree_.names[node.what]);
    if (node.op == Op::in && is_text(tree_.operand(node, 0))) read.names.push_back(tree_.constants[tree_.operand(node, 0).what].text);
    // A list can only be looked into by a number, an object by anything else.
    if (node.op == Op::index) {
      const Node& by = tree_.operand(node, 1);
      read.any = read.any || by.op != Op::constant || tree_.constants[by.what].kind != Kind::number;
    }
    if (node.op == Op::in && !is_text(tree_.operand(node, 0))) {
      const Node& container = tree_.operand(node, 1);
      read.any = read.any || (container.op != Op::constant && container.op != Op::list);
    }
  }
  std::ranges::sort(read.names);
  const auto [first, last] = std::ranges::unique(read.names);
  read.names.erase(first, last);
  return read;
}

bool Expression::reads(std::size_t variable) const {
  return std::ranges::any_of(tree_.nodes, [variable](const Node& node) { return node.op == Op::variable && node.what == variable; });
}

/// A part as messages show it: on one line, cut.
std::string Expression::shown(const Node& node) const {
  constexpr std::size_t longest = 80;
  std::string text(tree_.source(node));
  for (char& c : text) c = static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
  if (text.size() <= longest) return fmt::format("`{}`", text);
  std::size_t cut = longest;
  while (cut > 0 && (static_cast<unsigned char>(text[cut]) & 0xc0U) == 0x80U) --cut;
  return fmt::format("`{}…`", text.substr(0, cut));
}

std::string Expression::describe(const Value::Fault& fault) const {
  const Node& node = tree_.nodes[fault.node];
  const std::string part = shown(node);
  switch (fault.reason) {
    case Reason::absent: return fmt::format("{} is not there", part);
    case Reason::not_known: return fmt::format("{} is not known here", part);
    case Reason::not_alike: return fmt::format("{} asks for an order between {} and {}", part, called(fault.left), called(fault.right));
    case Reason::no_such_item: return fmt::format("{} is not in its list", part);
    case Reason::too_much_work: return fmt::format("{} takes too long", part);
    case Reason::odd_number: return fmt::format("{} meets a number that is too large or too small to be compared", part);
    case Reason::no_condition: return fmt::format("{} is {}, not true or false", part, called(fault.left));
    case Reason::wrong_kind: break;
  }
  if (fault.right != Kind::fault && node.count == 2) return fmt::format("{} does not take {} and {}", part, called(fault.left), called(fault.right));
  return fmt::format("{} is asked of {}", part, called(fault.left));
}

std::string Expression::why(std::span<const Value> variables, Budget& budget) const {
  Evaluator evaluator(tree_, variables, budget);
  return why(tree_.nodes[tree_.root], evaluator);
}

std::string Expression::why(const Node& node, Evaluator& evaluator) const {
  const auto number = static_cast<std::uint32_t>(&node - tree_.nodes.data());
  const Value value = evaluator.evaluate(number);
  if (value.is_fault()) return describe(value.fault());
  if (value.kind() != Kind::boolean) return describe({.reason = Reason::no_condition, .left = value.kind(), .node = number});
  const bool decides = node.op == Op::disjunction;
  if ((node.op != Op::disjunction && node.op != Op::conjunction) || value.truth() != decides) {
    return fmt::format("{} is {}", shown(node), value.truth() ? "true" : "false");
  }
  // One part was enough: that one is the answer.
  for (std::uint32_t i = 0; i < node.count; ++i) {
    if (evaluator.evaluate(tree_.operands_of(node)[i]).is(decides)) return why(tree_.operand(node, i), evaluator);
  }
  return fmt::format("{} is {}", shown(node), decides ? "true" : "false");
}

}  // namespace callgate::cel
