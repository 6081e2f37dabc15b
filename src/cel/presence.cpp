#include "cel/presence.hpp"

#include <fmt/format.h>

namespace callgate::cel {

std::string member_path(const std::string& path, std::string_view name) {
  return fmt::format("{}\n{}:{}", path, name.size(), name);  // names may hold any character
}

std::optional<std::string> path_of(const Tree& tree, const Scope& scope, const Node& node) {
  if (node.op == Op::variable) return scope.variables[node.what].name;
  if (node.op != Op::select) return std::nullopt;
  const auto path = path_of(tree, scope, tree.operand(node, 0));
  if (!path) return std::nullopt;
  return member_path(*path, tree.names[node.what]);
}

namespace {

/// `container` has this member, so every container on the way is there too.
void add_member(const Tree& tree, const Scope& scope, const Node& container, std::string_view name, Present& present) {
  const auto path = path_of(tree, scope, container);
  if (!path) return;
  present.insert(member_path(*path, name));
  for (const Node* each = &container; each->op == Op::select; each = &tree.operand(*each, 0)) {
    if (const auto above = path_of(tree, scope, *each)) present.insert(*above);
  }
}

}  // namespace

void add_present(const Tree& tree, const Scope& scope, const Node& node, bool truth, Present& present) {
  switch (node.op) {
    case Op::has:
      if (truth) add_member(tree, scope, tree.operand(node, 0), tree.names[node.what], present);
      return;
    case Op::in: {
      const Node& key = tree.operand(node, 0);
      const bool is_name = key.op == Op::constant && tree.constants[key.what].kind == Kind::text;
      if (truth && is_name) add_member(tree, scope, tree.operand(node, 1), tree.constants[key.what].text, present);
      return;
    }
    case Op::negation: return add_present(tree, scope, tree.operand(node, 0), !truth, present);
    case Op::conjunction:
    case Op::disjunction:
      // All of its parts come out like this, or one of them did and nobody knows which.
      if (truth != (node.op == Op::conjunction)) return;
      for (std::uint32_t i = 0; i < node.count; ++i) add_present(tree, scope, tree.operand(node, i), truth, present);
      return;
    default: return;
  }
}

Present present_after(const Tree& tree, const Scope& scope, bool truth) {
  Present present;
  add_present(tree, scope, tree.nodes[tree.root], truth, present);
  return present;
}

}  // namespace callgate::cel
