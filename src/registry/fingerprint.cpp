#include "registry/fingerprint.hpp"

#include <algorithm>
#include <array>
#include <vector>

#include "base/sha256.hpp"

namespace callgate::registry {
namespace {

struct KeyedMember {
  std::string key;
  json::Member member;
};

std::string prefixed_digest(std::string_view canonical) { return "sha256:" + sha256_hex(canonical); }

}  // namespace

std::string canonical_without(json::Value object, std::span<const std::string_view> left_out) {
  std::vector<KeyedMember> members;
  members.reserve(object.size());
  for (const json::Member& member : object.members()) {
    std::string key = member.key.string();
    if (std::ranges::find(left_out, key) == left_out.end()) members.push_back({std::move(key), member});
  }
  std::ranges::sort(members, {}, &KeyedMember::key);

  std::string text = "{";
  for (const KeyedMember& each : members) {
    if (text.size() > 1) text += ',';
    json::append_canonical(text, each.member.key);
    text += ':';
    json::append_canonical(text, each.member.value);
  }
  return text + "}";
}

std::string fingerprint(json::Value definition) {
  static constexpr std::array<std::string_view, 1> left_out{"_meta"};
  return prefixed_digest(canonical_without(definition, left_out));
}

std::string shape(json::Value definition) {
  static constexpr std::array<std::string_view, 3> left_out{"_meta", "name", "title"};
  return prefixed_digest(canonical_without(definition, left_out));
}

}  // namespace callgate::registry
