#include "schema/pointer.hpp"

#include <optional>

#include "base/json_pointer.hpp"

namespace callgate::schema {
namespace {

bool holds(json::Value value, json::Value target) {
  return target.index() >= value.index() && target.index() < value.node().next;
}

std::optional<json::Value> step_into_object(std::string& pointer, json::Value from, json::Value target) {
  for (const json::Member member : from.members()) {
    if (member.key.index() != target.index() && !holds(member.value, target)) continue;
    append_token(pointer, member.key.string());
    if (member.key.index() == target.index()) return std::nullopt;
    return member.value;
  }
  return std::nullopt;
}

std::optional<json::Value> step_into_array(std::string& pointer, json::Value from, json::Value target) {
  std::size_t i = 0;
  for (const json::Value element : from.elements()) {
    if (holds(element, target)) {
      append_token(pointer, std::to_string(i));
      return element;
    }
    ++i;
  }
  return std::nullopt;
}

}  // namespace

void append_token(std::string& pointer, std::string_view token) {
  pointer += '/';
  json::append_token(pointer, token);
}

std::string pointer_to(json::Value root, json::Value target) {
  std::string pointer;
  std::optional<json::Value> at = root;
  while (at && at->index() != target.index()) {
    if (at->is_object()) {
      at = step_into_object(pointer, *at, target);
    } else if (at->is_array()) {
      at = step_into_array(pointer, *at, target);
    } else {
      break;
    }
  }
  return pointer;
}

}  // namespace callgate::schema
