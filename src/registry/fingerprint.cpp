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

/// Any other member of `execution` could speak to a model.
bool says_only_of_tasks(json::Value definition) {
  static constexpr std::array<std::string_view, 3> words{"forbidden", "optional", "required"};
  const auto execution = definition.find("execution");
  const auto support = execution && execution->size() == 1 ? execution->find("taskSupport") : std::nullopt;
  return support && std::ranges::any_of(words, [&](std::string_view word) { return support->equals(word); });
}

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

std::string fingerprint_across_eras(json::Value definition) {
  static constexpr std::array<std::string_view, 2> left_out{"_meta", "execution"};
  const std::size_t plain = says_only_of_tasks(definition) ? 2 : 1;
  return prefixed_digest(canonical_without(definition, std::span(left_out).first(plain)));
}

std::string shape(json::Value definition) {
  static constexpr std::array<std::string_view, 3> left_out{"_meta", "name", "title"};
  return prefixed_digest(canonical_without(definition, left_out));
}

}  // namespace callgate::registry
