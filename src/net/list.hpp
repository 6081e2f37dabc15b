#pragma once

namespace callgate::net {

/// A node of a doubly linked ring; takes itself out when it is destroyed, so
/// whatever waits in a list may vanish at any time.
struct ListNode {
  ListNode* previous = this;
  ListNode* next = this;

  ListNode() = default;
  ListNode(const ListNode&) = delete;
  ListNode& operator=(const ListNode&) = delete;
  ~ListNode() { unlink(); }

  bool linked() const { return next != this; }
  void unlink() {
    previous->next = next;
    next->previous = previous;
    previous = next = this;
  }
  /// Puts `node` before this one: at the end, when this is the head of a ring.
  void push_back(ListNode& node) {
    node.unlink();
    node.previous = previous;
    node.next = this;
    previous->next = &node;
    previous = &node;
  }
};

}  // namespace callgate::net
