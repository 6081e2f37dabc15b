#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/pile.hpp"
#include "cel/tree.hpp"

namespace callgate::cel {

/// The work that one or more evaluations may do together: about one step a part
/// of the expression, a member looked at, or so many bytes compared.
struct Budget {
  std::int64_t steps = 1'000'000;
};
inline constexpr std::size_t bytes_a_step = 16;

/// One evaluation of a parsed expression. Ends for every input; memory is
/// allocated for escaped texts, numbers beyond 64 bits, lists that are not
/// constant and objects that are compared.
class Evaluator {
 public:
  /// `variables` are the values of the scope's variables; a fault stands for one that the caller cannot tell.
  Evaluator(const Tree& tree, std::span<const Value> variables, Budget& budget) : tree_(tree), variables_(variables), budget_(budget) {}

  Value evaluate(std::uint32_t node);

 private:
  Value chain(const Node& node);
  Value negation(const Node& node);
  Value has(const Node& node);
  Value select(const Node& node);
  Value index(const Node& node);
  Value item(const Node& node, Value list, Value by);
  Value size(const Node& node);
  Value list(const Node& node);
  Value relation(const Node& node);
  Value order(const Node& node, Value left, Value right);
  Value inclusion(const Node& node, Value left, Value right);

  std::optional<json::Value> find(json::Value object, std::string_view name);
  std::optional<bool> equal(Value a, Value b);  ///< nothing: too much work, or an odd number
  std::optional<bool> equal_lists(Value a, Value b);
  std::optional<std::strong_ordering> compare_numbers(Value a, Value b);
  std::optional<Decimal> decimal(Value number);
  std::string_view text(Value value, std::string& scratch);
  std::size_t size_of(Value list) const;
  Value item_of(Value list, std::size_t place);

  bool spend(std::size_t steps) {
    budget_.steps -= static_cast<std::int64_t>(steps);
    return budget_.steps >= 0;
  }
  Value fault(const Node& node, Reason reason, Value left = {}, Value right = {}) const;
  Value gave_up(const Node& node) const { return fault(node, budget_.steps < 0 ? Reason::too_much_work : Reason::odd_number); }

  const Tree& tree_;
  std::span<const Value> variables_;
  Budget& budget_;
  Pile<Value> made_;  ///< items of lists that were put together
  std::string left_;
  std::string right_;
};

}  // namespace callgate::cel
