#include "base/json_change.hpp"

#include <algorithm>
#include <cassert>

namespace callgate::json {

/// For `change` alone (json_reader.cpp): the nodes of a document that is to be of these bytes, none of them yet.
Pile<Node>& refill(Document& document, std::string_view bytes);

namespace {

/// How far what stands behind some of the changes has moved.
struct Moved {
  std::uint32_t bytes = 0;  // modulo 2³²: a step back is a large step
  std::uint32_t nodes = 0;

  void by(const Change& change) {
    bytes += static_cast<std::uint32_t>(change.text.size() - change.size);
    nodes += static_cast<std::uint32_t>(change.nodes.size()) - (change.last - change.first);
  }
};

/// Of a container, whose end lies behind the changes in it.
Node moved_around(Node node, std::uint32_t index, Moved moved, std::span<const Change> ahead) {
  Moved at_end = moved;
  for (const Change& change : ahead) {
    if (change.at >= node.end) break;
    at_end.by(change);
    if (change.inside == index) node.count = (node.count + static_cast<std::uint32_t>(change.members)) & 0x7ff'ffffU;
  }
  node.begin += moved.bytes;
  node.end += at_end.bytes;
  node.next += at_end.nodes;
  return node;
}

void put_nodes(Pile<Node>& nodes, const Change& change, std::uint32_t at) {
  const auto shift = static_cast<std::uint32_t>(nodes.size()) - change.nodes_index;
  for (Node node : change.nodes) {
    node.begin += at - change.nodes_at;
    node.end += at - change.nodes_at;
    node.next += shift;
    nodes.push(node);
  }
}

void change_nodes(std::span<const Node> from, std::span<const Change> changes, Pile<Node>& nodes) {
  Moved moved;
  std::uint32_t index = 0;
  while (index < from.size() || !changes.empty()) {
    if (!changes.empty() && changes.front().first == index) {
      put_nodes(nodes, changes.front(), static_cast<std::uint32_t>(changes.front().at) + moved.bytes);
      index = changes.front().last;
      moved.by(changes.front());
      changes = changes.subspan(1);
      continue;
    }
    Node node = from[index];
    if (!changes.empty() && node.end > changes.front().at) {
      node = moved_around(node, index, moved, changes);
    } else {
      node.begin += moved.bytes;
      node.end += moved.bytes;
      node.next += moved.nodes;
    }
    nodes.push(node);
    ++index;
  }
}

#ifdef CALLGATE_CHECKED
bool reads_alike(const Document& document) {
  const auto same = [](const Node& a, const Node& b) {
    return a.begin == b.begin && a.end == b.end && a.next == b.next && a.count == b.count && a.kind == b.kind && a.escaped == b.escaped;
  };
  Document again;
  return parse(document.bytes(), {.max_depth = 1024, .max_keys = 0xffff'ffff, .check_number_range = false}, again) &&
         std::ranges::equal(document.nodes(), again.nodes(), same);
}
#endif

}  // namespace

Node leaf(std::string_view text) {
  const Kind kind = text.front() == '"' ? Kind::string : Kind::number;
  return {.begin = 0, .end = static_cast<std::uint32_t>(text.size()), .next = 1, .count = 0, .kind = static_cast<std::uint32_t>(kind) & 0xfU, .escaped = 0};
}

Change replace_leaf(Value value, std::string_view text, Node& made) {
  made = leaf(text);
  return {.at = value.offset(), .size = value.text().size(), .text = text, .first = value.index(), .last = value.node().next, .nodes = {&made, 1}};
}

void change(const Document& original, std::span<const Change> changes, std::string& bytes, Document& document) {
  const std::string_view from = original.bytes();
  std::size_t size = from.size();
  for (const Change& each : changes) size += each.text.size() - each.size;
  bytes.clear();
  bytes.reserve(size);
  std::size_t at = 0;
  for (const Change& each : changes) {
    assert(each.at >= at && each.at + each.size <= from.size());
    bytes += from.substr(at, each.at - at);
    bytes += each.text;
    at = each.at + each.size;
  }
  bytes += from.substr(at);
  change_nodes(original.nodes(), changes, refill(document, bytes));
#ifdef CALLGATE_CHECKED
  assert(reads_alike(document));
#endif
}

}  // namespace callgate::json
