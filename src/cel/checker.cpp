#include "cel/checker.hpp"

#include <algorithm>
#include <deque>
#include <map>
#include <utility>

#include <fmt/format.h>

#include "base/suggest.hpp"
#include "cel/presence.hpp"

namespace callgate::cel {
namespace {

constexpr Kinds boolean_bit = bit(Kind::boolean);
constexpr Kinds text_bit = bit(Kind::text);
constexpr Kinds number_bit = bit(Kind::number);
constexpr Kinds null_bit = bit(Kind::null);
constexpr Kinds list_bit = bit(Kind::list);
constexpr Kinds map_bit = bit(Kind::map);

const Type& plain(Kinds kinds) {
  static const auto types = [] {
    std::vector<Type> all;
    for (unsigned i = 0; i <= any_kind; ++i) all.push_back({.kinds = static_cast<Kinds>(i)});
    return all;
  }();
  return types[kinds];
}

class Checker {
 public:
  Checker(const Tree& tree, const Scope& scope, const Present& known) : tree_(tree), scope_(scope), present_(known) {}

  Findings run() {
    const Node& root = tree_.nodes[tree_.root];
    want(root, look(root), boolean_bit, "a condition has to be true or false");
    return std::move(found_);
  }

 private:
  const Type& look(const Node& node);
  const Type& chain(const Node& node);
  const Type& select(const Node& node, bool reads);
  const Type& index(const Node& node);
  const Type& member(const Node& node, const Type& container, const Node& owner, bool reads);
  void warn_of_absence(const Node& node);
  const Type& list(const Node& node);
  const Type& constant(const Node& node);
  void equality(const Node& node);
  void order(const Node& node);
  void inclusion(const Node& node);
  void word(const Node& node, const Type& type, const Node& other);

  /// Whether it can be of one of these kinds; a fault where it cannot.
  bool want(const Node& node, const Type& type, Kinds kinds, std::string_view why);
  void fault(const Node& node, std::string message) { found_.faults.push_back({node.begin, std::move(message)}); }
  std::string shown(const Node& node) const { return std::string(tree_.source(node)); }
  const Type& keep(Type type) { return kept_.emplace_back(std::move(type)); }

  const Tree& tree_;
  const Scope& scope_;
  Present present_;
  Findings found_;
  std::deque<Type> kept_;
};

bool Checker::want(const Node& node, const Type& type, Kinds kinds, std::string_view why) {
  if ((type.kinds & kinds) != 0) return true;
  fault(node, fmt::format("`{}` is {}: {}", shown(node), called(type.kinds), why));
  return false;
}

const Type& Checker::look(const Node& node) {
  switch (node.op) {
    case Op::constant: return constant(node);
    case Op::variable: return scope_.variables[node.what].type;
    case Op::select: return select(node, true);
    case Op::has: select(node, false); return plain(boolean_bit);
    case Op::index: return index(node);
    case Op::list: return list(node);
    case Op::size: {
      const Node& of = tree_.operand(node, 0);
      want(of, look(of), text_bit | list_bit | map_bit, "`size` counts the characters of a text, the items of a list, the members of an object");
      return plain(number_bit);
    }
    case Op::negation: {
      const Node& of = tree_.operand(node, 0);
      want(of, look(of), boolean_bit, "`!` takes true or false");
      return plain(boolean_bit);
    }
    case Op::conjunction:
    case Op::disjunction: return chain(node);
    case Op::equal:
    case Op::not_equal: equality(node); return plain(boolean_bit);
    case Op::in: inclusion(node); return plain(boolean_bit);
    default: order(node); return plain(boolean_bit);
  }
}

/// Each part may rely on what the others make sure of, in any order: a fault of
/// one does not count where another decides.
const Type& Checker::chain(const Node& node) {
  const bool truth = node.op == Op::conjunction;
  std::vector<Present> sure(node.count);
  std::map<std::string, std::size_t> parts;  // how many make sure of it
  for (std::uint32_t i = 0; i < node.count; ++i) {
    add_present(tree_, scope_, tree_.operand(node, i), truth, sure[i]);
    for (const std::string& path : sure[i]) ++parts[path];
  }
  std::vector<std::string> added;
  for (const auto& [path, count] : parts) {
    if (present_.insert(path).second) added.push_back(path);
  }
  for (std::uint32_t i = 0; i < node.count; ++i) {
    std::vector<std::string> alone;
    for (const std::string& path : sure[i]) {
      if (parts[path] == 1 && std::ranges::binary_search(added, path)) alone.push_back(path);
    }
    for (const std::string& path : alone) present_.erase(path);
    const Node& part = tree_.operand(node, i);
    want(part, look(part), boolean_bit, fmt::format("`{}` takes true or false on both sides", truth ? "&&" : "||"));
    present_.insert(alone.begin(), alone.end());
  }
  for (const std::string& path : added) present_.erase(path);
  return plain(boolean_bit);
}

const Type& Checker::select(const Node& node, bool reads) {
  const Node& owner = tree_.operand(node, 0);
  const Type& container = look(owner);
  if (!want(owner, container, map_bit, fmt::format("only an object has members such as `{}`", tree_.names[node.what]))) return plain(any_kind);
  return member(node, container, owner, reads);
}

const Type& Checker::member(const Node& node, const Type& container, const Node& owner, bool reads) {
  const std::string& name = tree_.names[node.what];
  const Field* field = container.find(name);
  if (field == nullptr) {
    if (!container.knows_fields) return plain(any_kind);
    if (scope_.serves_many) {
      if (reads) warn_of_absence(node);
      return plain(any_kind);
    }
    std::vector<std::string_view> names;
    for (const Field& each : container.fields) names.push_back(each.name);
    const std::string whose = owner.op == Op::variable ? std::string(scope_.owner) : fmt::format("`{}`", shown(owner));
    fault(node, fmt::format("{} has no {} `{}`{}", whose, owner.op == Op::variable ? "argument" : "member", name, did_you_mean(name, names)));
    return plain(any_kind);
  }
  if (reads && !field->required) warn_of_absence(node);
  return field->type;
}

/// A member that need not be there is read, and nothing makes sure of it.
void Checker::warn_of_absence(const Node& node) {
  const auto path = path_of(tree_, scope_, node);
  if (!path || present_.contains(*path)) return;
  found_.warnings.push_back({node.begin, fmt::format("`{0}` is optional, and a call without it ends as a fault: write `has({0}) && …` before it, or "
                                                     "`!has({0}) || …`",
                                                     shown(node)),
                             ErrorKind::invalid, shown(node)});
}

const Type& Checker::index(const Node& node) {
  const Node& owner = tree_.operand(node, 0);
  const Node& by = tree_.operand(node, 1);
  const Type& container = look(owner);
  const Type& key = look(by);
  if (!want(owner, container, list_bit | map_bit, "only a list or an object has something at `[…]`")) return plain(any_kind);
  Kinds takes = 0;
  if ((container.kinds & list_bit) != 0) takes |= number_bit;
  if ((container.kinds & map_bit) != 0) takes |= text_bit;
  want(by, key, takes, fmt::format("`{}` is {}, which has something at {} only", shown(owner), called(container.kinds), called(takes)));
  const bool is_list = (container.kinds & map_bit) == 0 || (key.kinds & text_bit) == 0;
  return is_list && container.element != nullptr ? *container.element : plain(any_kind);
}

const Type& Checker::constant(const Node& node) {
  const Constant& value = tree_.constants[node.what];
  if (value.kind != Kind::list) return plain(bit(value.kind));
  Kinds kinds = 0;
  for (const Value& item : value.items) kinds |= bit(item.kind());
  return keep({.kinds = list_bit, .element = std::make_shared<Type>(Type{.kinds = kinds})});
}

const Type& Checker::list(const Node& node) {
  Kinds kinds = 0;
  for (std::uint32_t i = 0; i < node.count; ++i) kinds |= look(tree_.operand(node, i)).kinds;
  return keep({.kinds = list_bit, .element = std::make_shared<Type>(Type{.kinds = kinds})});
}

/// A text that a value of few words can never be.
void Checker::word(const Node& node, const Type& type, const Node& other) {
  if (type.words.empty() || other.op != Op::constant) return;
  const Constant& value = tree_.constants[other.what];
  const auto check_one = [&](const std::string& text) {
    if (std::ranges::find(type.words, text) != type.words.end()) return;
    std::string list;
    constexpr std::size_t most = 12;
    for (std::size_t i = 0; i < std::min(type.words.size(), most); ++i) list += fmt::format("{}`{}`", list.empty() ? "" : ", ", type.words[i].empty() ? "\"\"" : type.words[i]);
    if (type.words.size() > most) list += fmt::format(" and {} more", type.words.size() - most);
    std::string message = fmt::format("`{}` is never `{}`: it is one of {}", shown(node), text, list);
    // What a server's schema lists may change; our own words do not.
    if (node.op == Op::variable) return fault(other, std::move(message));
    found_.warnings.push_back({other.begin, message + did_you_mean(text, std::vector<std::string_view>(type.words.begin(), type.words.end()))});
  };
  if (value.kind == Kind::text) check_one(value.text);
  for (const Value& item : value.items) {
    if (item.kind() == Kind::text) check_one(item.constant().text);
  }
}

void Checker::equality(const Node& node) {
  const Node& left = tree_.operand(node, 0);
  const Node& right = tree_.operand(node, 1);
  const Type& a = look(left);
  const Type& b = look(right);
  word(left, a, right);
  word(right, b, left);
  if ((a.kinds & b.kinds) != 0) return;
  const bool with_null = a.kinds == null_bit || b.kinds == null_bit;
  fault(node, fmt::format("`{}` is {} and `{}` is {}: they are never equal{}", shown(left), called(a.kinds), shown(right), called(b.kinds),
                          with_null ? ", write `has(…)` to ask whether it is there" : ""));
}

void Checker::order(const Node& node) {
  constexpr Kinds ordered = number_bit | text_bit | boolean_bit;
  const Node& left = tree_.operand(node, 0);
  const Node& right = tree_.operand(node, 1);
  const Type& a = look(left);
  const Type& b = look(right);
  for (const auto& [part, type] : {std::pair(&left, &a), std::pair(&right, &b)}) {
    if (type->words.empty() || part->op != Op::variable) continue;
    return fault(node, fmt::format("words have no order but that of their letters: write `{} in [\"…\", \"…\"]`", shown(*part)));
  }
  if ((a.kinds & b.kinds & ordered) != 0) return;
  fault(node, fmt::format("`{}` is {} and `{}` is {}: only numbers with numbers and texts with texts have an order", shown(left),
                          called(a.kinds), shown(right), called(b.kinds)));
}

void Checker::inclusion(const Node& node) {
  const Node& left = tree_.operand(node, 0);
  const Node& right = tree_.operand(node, 1);
  const Type& item = look(left);
  const Type& container = look(right);
  if (!want(right, container, list_bit | map_bit, "`in` looks into a list, or for a name among an object's members")) return;
  word(left, item, right);
  Kinds takes = (container.kinds & map_bit) != 0 ? text_bit : 0;
  if ((container.kinds & list_bit) != 0) takes |= container.element != nullptr ? container.element->kinds : any_kind;
  if ((item.kinds & takes) != 0) return;
  if (right.op == Op::constant && takes == 0) return fault(right, "nothing is in an empty list: write what may be in it");
  fault(node, fmt::format("`{}` is {} and never in `{}`, which holds {}", shown(left), called(item.kinds), shown(right), called(takes)));
}

}  // namespace

Findings check(const Tree& tree, const Scope& scope, const Present& known) { return Checker(tree, scope, known).run(); }

}  // namespace callgate::cel
