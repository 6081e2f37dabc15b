#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "cel/checker.hpp"
#include "cel/evaluator.hpp"
#include "cel/notice.hpp"
#include "cel/tree.hpp"
#include "cel/type.hpp"
#include "cel/value.hpp"

/// The Common Expression Language (cel-spec), the part of it that conditions of
/// policies use: `== != < <= > >= in && || ! has size`, members and items,
/// literals of texts, numbers, `true`, `false`, `null` and lists, over values
/// that come as JSON. The rest is refused with its place and "not supported yet".
///
/// Beside cel-spec: numbers are exact decimals, never rounded, so numbers of all
/// three types compare by value; a name among an object's members is a text.
/// Faults are values: they pass upwards, but for `&&` and `||` that another part decides.
namespace callgate::cel {

/// Which names of members an expression reads.
struct NamesRead {
  std::vector<std::string> names;  ///< sorted, each once
  bool any = false;                ///< also such as it computes
};

/// One parsed expression. Immutable: any number of threads may evaluate it.
class Expression {
 public:
  /// The first fault of the syntax, with its place.
  static Checked<Expression> parse(std::string text, const Scope& scope);

  const std::string& text() const { return tree_.text; }
  const std::string& normal() const { return tree_.normal; }  ///< without blanks and comments that mean nothing

  /// Against types; the variables of `scope` are those that it was parsed with, in their order.
  Findings check(const Scope& scope, const Present& known = {}) const { return cel::check(tree_, scope, known); }
  Present present_after(const Scope& scope, bool truth) const { return cel::present_after(tree_, scope, truth); }

  /// True, false or a fault; anything else that comes out is a fault too.
  Value evaluate(std::span<const Value> variables, Budget& budget) const;
  /// What it always comes out as; nothing where it reads a variable or faults.
  std::optional<bool> always() const;

  NamesRead names_read() const;
  bool reads(std::size_t variable) const;  ///< that variable of its scope, by number

  /// What a fault of this expression is about, as a clause. Holds parts of the expression, no values.
  std::string describe(const Value::Fault& fault) const;
  /// Which part of it decided, as a clause: "`args.n > 5` is false".
  std::string why(std::span<const Value> variables, Budget& budget) const;

 private:
  explicit Expression(Tree tree) : tree_(std::move(tree)) {}
  std::string why(const Node& node, Evaluator& evaluator) const;
  std::string shown(const Node& node) const;

  Tree tree_;
};

}  // namespace callgate::cel
