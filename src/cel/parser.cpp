#include "cel/parser.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>

#include "base/suggest.hpp"
#include "cel/lexer.hpp"
#include "cel/literal.hpp"

namespace callgate::cel {
namespace {

using Parsed = Checked<std::uint32_t>;  ///< the number of a node

constexpr std::array<std::string_view, 2> functions = {"has", "size"};
constexpr std::array<std::string_view, 34> later_functions = {
    "all",           "exists",      "exists_one",  "map",          "filter",        "matches",       "startsWith",  "endsWith",
    "contains",      "int",         "uint",        "double",       "string",        "bytes",         "bool",        "type",
    "dyn",           "duration",    "timestamp",   "getFullYear",  "getMonth",      "getDate",       "getHours",    "getMinutes",
    "getSeconds",    "getDayOfMonth", "getDayOfWeek", "getDayOfYear", "getMilliseconds", "lowerAscii", "upperAscii", "split",
    "trim",          "replace"};

struct Relation {
  std::string_view sign;
  Op op;
};
constexpr std::array<Relation, 6> relations = {{{"==", Op::equal},
                                                {"!=", Op::not_equal},
                                                {"<=", Op::less_equal},
                                                {">=", Op::greater_equal},
                                                {"<", Op::less},
                                                {">", Op::greater}}};

template <class Words>
bool holds(const Words& words, std::string_view word) {
  return std::ranges::find(words, word) != words.end();
}

class Parser {
 public:
  Parser(std::string text, const Scope& scope) : scope_(scope), tree_{.text = std::move(text)} {}

  Checked<Tree> run() {
    if (tree_.text.size() > max_text_bytes) {
      return refuse(0, fmt::format("this expression is longer than {} bytes: split it into several cases", max_text_bytes), ErrorKind::too_large);
    }
    if (auto moved = advance(); !moved) return std::unexpected(std::move(moved.error()));
    const Parsed root = expression();
    if (!root) return std::unexpected(root.error());
    if (token_.kind != Token::Kind::end) return std::unexpected(unexpected("an operator or the end"));
    tree_.root = *root;
    return std::move(tree_);
  }

 private:
  Parsed expression();
  Parsed chain(std::string_view sign, Op op, Parsed (Parser::*operand)());
  Parsed conjunction() { return chain("&&", Op::conjunction, &Parser::relation); }
  Parsed relation();
  Parsed sum();
  Parsed unary();
  Parsed member();
  Parsed primary();
  Parsed name();
  Parsed variable(std::uint32_t begin, const Token& word);
  Notice no_variable(std::uint32_t at, std::string_view word, std::string_view full) const;
  Parsed call(std::uint32_t begin, std::string_view function);
  Parsed method(std::uint32_t target, const Token& function);
  Parsed select(std::uint32_t target);
  Parsed index(std::uint32_t target);
  Parsed list();
  Parsed constant(Constant constant, std::uint32_t begin, std::uint32_t end);

  Checked<void> advance();
  Checked<void> expect(std::string_view sign);
  Notice unexpected(std::string_view wanted) const;
  std::unexpected<Notice> later(std::size_t at, std::string_view what) const;
  Parsed add(Node node, std::span<const std::uint32_t> operands);
  std::uint32_t name_number(std::string_view name);

  const Scope& scope_;
  Tree tree_;
  std::vector<std::uint32_t> heights_;  ///< of each node
  Lexer lexer_{tree_.text};
  Token token_;            ///< the next one, not taken yet
  std::uint32_t end_ = 0;  ///< where the last one that was taken ended
  std::uint32_t nesting_ = 0;
};

Checked<void> Parser::advance() {
  end_ = token_.end;
  auto next = lexer_.next();
  if (!next) return std::unexpected(std::move(next.error()));
  token_ = *next;
  if (token_.kind == Token::Kind::end) return {};
  if (!tree_.normal.empty()) tree_.normal += ' ';
  tree_.normal += std::string_view(tree_.text).substr(token_.begin, token_.end - token_.begin);
  return {};
}

Notice Parser::unexpected(std::string_view wanted) const {
  if (token_.kind == Token::Kind::end) return {token_.begin, fmt::format("the expression ends where {} should stand", wanted)};
  const std::string_view found = std::string_view(tree_.text).substr(token_.begin, std::min<std::size_t>(token_.end - token_.begin, 40));
  return {token_.begin, fmt::format("`{}` stands where {} should stand", found, wanted)};
}

Checked<void> Parser::expect(std::string_view sign) {
  if (!token_.is(sign)) return std::unexpected(unexpected(fmt::format("`{}`", sign)));
  return advance();
}

std::unexpected<Notice> Parser::later(std::size_t at, std::string_view what) const {
  return refuse(at, fmt::format("`{}` is not supported yet by this version: conditions may use `==` `!=` `<` `<=` `>` `>=` `in` `&&` `||` "
                                "`!` `has` `size`",
                                what),
                ErrorKind::unsupported);
}

Parsed Parser::add(Node node, std::span<const std::uint32_t> operands) {
  std::uint32_t height = 0;
  for (const std::uint32_t each : operands) height = std::max(height, heights_[each]);
  if (tree_.nodes.size() == max_nodes || height == max_height) {
    return refuse(node.begin, "this expression has too many parts: split it into several cases", ErrorKind::too_large);
  }
  node.first = static_cast<std::uint32_t>(tree_.operands.size());
  node.count = static_cast<std::uint32_t>(operands.size());
  tree_.operands.insert(tree_.operands.end(), operands.begin(), operands.end());
  heights_.push_back(height + 1);
  tree_.nodes.push_back(node);
  return static_cast<std::uint32_t>(tree_.nodes.size() - 1);
}

std::uint32_t Parser::name_number(std::string_view name) {
  const auto found = std::ranges::find(tree_.names, name);
  const auto number = static_cast<std::uint32_t>(found - tree_.names.begin());
  if (found == tree_.names.end()) tree_.names.emplace_back(name);
  return number;
}

Parsed Parser::expression() {
  if (nesting_ == max_nesting) {
    return refuse(token_.begin, fmt::format("more than {} parts within one another: write it flatter", max_nesting), ErrorKind::too_large);
  }
  ++nesting_;
  Parsed whole = chain("||", Op::disjunction, &Parser::conjunction);
  if (whole && token_.is("?")) return later(token_.begin, "?:");
  --nesting_;
  return whole;
}

/// Of `a && b && c` one node with three operands, so that long chains stay flat.
Parsed Parser::chain(std::string_view sign, Op op, Parsed (Parser::*operand)()) {
  const std::uint32_t begin = token_.begin;
  std::vector<std::uint32_t> operands;
  for (;;) {
    const Parsed each = (this->*operand)();
    if (!each) return each;
    operands.push_back(*each);
    if (!token_.is(sign)) break;
    if (auto moved = advance(); !moved) return std::unexpected(std::move(moved.error()));
  }
  if (operands.size() == 1) return operands[0];
  return add({.op = op, .begin = begin, .end = end_}, operands);
}

Parsed Parser::relation() {
  const std::uint32_t begin = token_.begin;
  Parsed left = sum();
  while (left) {
    const auto sign = std::ranges::find(relations, token_.kind == Token::Kind::sign ? token_.text : "", &Relation::sign);
    const bool is_in = token_.kind == Token::Kind::name && token_.text == "in";
    if (sign == relations.end() && !is_in) return left;
    const Op op = is_in ? Op::in : sign->op;
    if (auto moved = advance(); !moved) return std::unexpected(std::move(moved.error()));
    const Parsed right = sum();
    if (!right) return right;
    left = add({.op = op, .begin = begin, .end = end_}, std::array{*left, *right});
  }
  return left;
}

Parsed Parser::sum() {
  Parsed value = unary();
  if (!value) return value;
  for (const std::string_view sign : {"+", "-", "*", "/", "%"}) {
    if (token_.is(sign)) return later(token_.begin, sign);
  }
  return value;
}

Parsed Parser::unary() {
  const Token sign = token_;
  if (!sign.is("!") && !sign.is("-")) return member();
  if (auto moved = advance(); !moved) return std::unexpected(std::move(moved.error()));
  if (sign.is("-")) {
    if (token_.kind != Token::Kind::number) return later(sign.begin, "-");
    auto number = read_number(token_, true);
    if (!number) return std::unexpected(std::move(number.error()));
    if (auto moved = advance(); !moved) return std::unexpected(std::move(moved.error()));
    return constant({.kind = Kind::number, .number = std::move(*number)}, sign.begin, end_);
  }
  if (nesting_ == max_nesting) return refuse(sign.begin, "too many `!` within one another: write it flatter", ErrorKind::too_large);
  ++nesting_;
  const Parsed operand = unary();
  if (!operand) return operand;
  --nesting_;
  return add({.op = Op::negation, .begin = sign.begin, .end = end_}, std::array{*operand});
}

Parsed Parser::member() {
  Parsed value = primary();
  while (value) {
    if (token_.is(".")) {
      value = select(*value);
    } else if (token_.is("[")) {
      value = index(*value);
    } else if (token_.is("{")) {
      return later(token_.begin, "{");
    } else {
      return value;
    }
  }
  return value;
}

Parsed Parser::select(std::uint32_t target) {
  if (auto moved = advance(); !moved) return std::unexpected(std::move(moved.error()));
  const Token field = token_;
  const bool is_name = field.kind == Token::Kind::quoted_name || (field.kind == Token::Kind::name && !is_keyword(field.text));
  if (!is_name) return std::unexpected(unexpected("the name of a member"));
  if (auto moved = advance(); !moved) return std::unexpected(std::move(moved.error()));
  if (token_.is("(")) return method(target, field);
  return add({.op = Op::select, .begin = tree_.nodes[target].begin, .end = end_, .what = name_number(field.text)}, std::array{target});
}

Parsed Parser::index(std::uint32_t target) {
  if (auto moved = advance(); !moved) return std::unexpected(std::move(moved.error()));
  const Parsed inner = expression();
  if (!inner) return inner;
  if (auto closed = expect("]"); !closed) return std::unexpected(std::move(closed.error()));
  const std::uint32_t begin = tree_.nodes[target].begin;
  const Node& by = tree_.nodes[*inner];
  if (by.op == Op::constant && tree_.constants[by.what].kind == Kind::text) {
    return add({.op = Op::select, .begin = begin, .end = end_, .what = name_number(tree_.constants[by.what].text)}, std::array{target});
  }
  return add({.op = Op::index, .begin = begin, .end = end_}, std::array{target, *inner});
}

/// `target.function(…)`, the parenthesis being next.
Parsed Parser::method(std::uint32_t target, const Token& function) {
  if (function.text != "size") {
    if (holds(later_functions, function.text)) return later(function.begin, fmt::format("{}()", function.text));
    return refuse(function.begin, fmt::format("there is no function `{}`{}", function.text, did_you_mean(function.text, functions)));
  }
  if (auto moved = advance(); !moved) return std::unexpected(std::move(moved.error()));
  if (auto closed = expect(")"); !closed) return std::unexpected(std::move(closed.error()));
  return add({.op = Op::size, .begin = tree_.nodes[target].begin, .end = end_}, std::array{target});
}

/// `function(…)`, the parenthesis being next.
Parsed Parser::call(std::uint32_t begin, std::string_view function) {
  if (!holds(functions, function)) {
    if (holds(later_functions, function) || holds(scope_.later_functions, function)) return later(begin, fmt::format("{}()", function));
    return refuse(begin, fmt::format("there is no function `{}`{}", function, did_you_mean(function, functions)));
  }
  if (auto moved = advance(); !moved) return std::unexpected(std::move(moved.error()));
  const std::uint32_t inside = token_.begin;
  const Parsed operand = expression();
  if (!operand) return operand;
  if (auto closed = expect(")"); !closed) return std::unexpected(std::move(closed.error()));
  if (function == "size") return add({.op = Op::size, .begin = begin, .end = end_}, std::array{*operand});
  const Node selected = tree_.nodes[*operand];
  if (selected.op != Op::select || tree_.source(selected).ends_with(']')) {
    return refuse(inside, "`has` asks for a member by name: write `has(args.NAME)`, or has(args.`NAME`) for a name with `-`, `.`, `/` or blanks");
  }
  return add({.op = Op::has, .begin = begin, .end = end_, .what = selected.what}, std::array{tree_.operands[selected.first]});
}

Parsed Parser::list() {
  const std::uint32_t begin = token_.begin;
  if (auto moved = advance(); !moved) return std::unexpected(std::move(moved.error()));
  std::vector<std::uint32_t> items;
  bool constant_items = true;
  while (!token_.is("]")) {
    const Parsed item = expression();
    if (!item) return item;
    items.push_back(*item);
    constant_items = constant_items && tree_.nodes[*item].op == Op::constant;
    if (!token_.is(",")) break;
    if (auto moved = advance(); !moved) return std::unexpected(std::move(moved.error()));
  }
  if (auto closed = expect("]"); !closed) return std::unexpected(std::move(closed.error()));
  if (!constant_items) return add({.op = Op::list, .begin = begin, .end = end_}, items);
  Constant whole{.kind = Kind::list};
  for (const std::uint32_t item : items) whole.items.push_back(Value::constant(tree_.constants[tree_.nodes[item].what]));
  return constant(std::move(whole), begin, end_);
}

Parsed Parser::constant(Constant constant, std::uint32_t begin, std::uint32_t end) {
  tree_.constants.push_back(std::move(constant));
  return add({.op = Op::constant, .begin = begin, .end = end, .what = static_cast<std::uint32_t>(tree_.constants.size() - 1)}, {});
}

Parsed Parser::primary() {
  const Token token = token_;
  if (token.is("[")) return list();
  if (token.is("{")) return later(token.begin, "{");
  if (token.kind == Token::Kind::bytes) return later(token.begin, "b\"…\"");
  if (token.is("(")) {
    if (auto moved = advance(); !moved) return std::unexpected(std::move(moved.error()));
    const Parsed inner = expression();
    if (!inner) return inner;
    if (auto closed = expect(")"); !closed) return std::unexpected(std::move(closed.error()));
    tree_.nodes[*inner].begin = token.begin;
    tree_.nodes[*inner].end = end_;
    return inner;
  }
  if (token.is(".") || token.kind == Token::Kind::name) return name();
  if (token.kind != Token::Kind::text && token.kind != Token::Kind::number) return std::unexpected(unexpected("a value"));
  Constant value{.kind = token.kind == Token::Kind::text ? Kind::text : Kind::number};
  if (value.kind == Kind::text) {
    auto text = read_text(token);
    if (!text) return std::unexpected(std::move(text.error()));
    value.text = std::move(*text);
  } else {
    auto number = read_number(token, false);
    if (!number) return std::unexpected(std::move(number.error()));
    value.number = std::move(*number);
  }
  if (auto moved = advance(); !moved) return std::unexpected(std::move(moved.error()));
  return constant(std::move(value), token.begin, token.end);
}

/// A word that begins a value: `true`, a variable, a function.
Parsed Parser::name() {
  const std::uint32_t begin = token_.begin;
  if (token_.is(".")) {
    if (auto moved = advance(); !moved) return std::unexpected(std::move(moved.error()));
  }
  const Token word = token_;
  if (word.kind != Token::Kind::name) return std::unexpected(unexpected("a name"));
  const bool is_root = begin != word.begin;
  if (auto moved = advance(); !moved) return std::unexpected(std::move(moved.error()));
  if (!is_root && (word.text == "true" || word.text == "false")) {
    return constant({.kind = Kind::boolean, .truth = word.text == "true"}, begin, word.end);
  }
  if (!is_root && word.text == "null") return constant({}, begin, word.end);
  if (is_reserved(word.text)) return refuse(word.begin, fmt::format("`{}` is a reserved word of CEL and names nothing", word.text));
  if (token_.is("(")) return call(begin, word.text);

  return variable(begin, word);
}

/// A variable, the first word of its name being taken: `args`, `tool.name`.
Parsed Parser::variable(std::uint32_t begin, const Token& word) {
  std::string full(word.text);
  const std::string prefix = full + ".";
  const bool has_parts = std::ranges::any_of(scope_.variables, [&](const Variable& each) { return each.name.starts_with(prefix); });
  std::uint32_t at = word.begin;
  if (has_parts && token_.is(".")) {
    if (auto moved = advance(); !moved) return std::unexpected(std::move(moved.error()));
    if (token_.kind != Token::Kind::name) return std::unexpected(unexpected("the name of a part"));
    at = token_.begin;
    full = prefix + std::string(token_.text);
    if (auto moved = advance(); !moved) return std::unexpected(std::move(moved.error()));
  }
  const auto found = std::ranges::find(scope_.variables, full, &Variable::name);
  if (found == scope_.variables.end()) return std::unexpected(no_variable(at, word.text, full));
  return add({.op = Op::variable, .begin = begin, .end = end_, .what = static_cast<std::uint32_t>(found - scope_.variables.begin())}, {});
}

Notice Parser::no_variable(std::uint32_t at, std::string_view word, std::string_view full) const {
  if (holds(scope_.later_variables, word)) return later(at, word).error();
  std::vector<std::string_view> known;
  std::string list;
  for (const Variable& each : scope_.variables) {
    known.push_back(each.name);
    list += fmt::format("{}`{}`", list.empty() ? "" : ", ", each.name);
  }
  const std::string nearest = did_you_mean(full, known);
  return {at, fmt::format("there is no `{}`{}", full, nearest.empty() ? ": there are " + list : nearest)};
}

}  // namespace

Checked<Tree> parse(std::string text, const Scope& scope) { return Parser(std::move(text), scope).run(); }

}  // namespace callgate::cel
