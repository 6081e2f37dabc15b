#include "policy/named_keys.hpp"

#include <algorithm>
#include <unordered_set>

#include "base/ascii_case.hpp"
#include "base/json_pointer.hpp"

namespace callgate::policy {
namespace {

constexpr std::string_view long_s = "\xc5\xbf";
constexpr std::string_view kelvin = "\xe2\x84\xaa";

void append_folded(std::string& out, std::string_view key) {
  for (std::size_t i = 0; i < key.size(); ++i) {
    const char c = key[i];
    if (c >= 'A' && c <= 'Z') {
      out += static_cast<char>(c + ('a' - 'A'));
    } else if (c == long_s[0] && key.substr(i, 2) == long_s) {
      out += 's';
      i += 1;
    } else if (c == kelvin[0] && key.substr(i, 3) == kelvin) {
      out += 'k';
      i += 2;
    } else {
      out += c;
    }
  }
}

/// Folding could change this key: it holds a capital, an escape or a byte beyond ASCII.
bool may_fold(json::Value key) {
  return key.has_escapes() || !ascii::has_small_only(key.raw_string());
}

bool holds_values(json::Value value) { return value.is_object() || value.is_array(); }

/// Keys of one object differ (the reader sees to that): two can only fold to one
/// text where folding changes at least one of them.
bool may_clash(json::Value object) {
  if (object.size() < 2) return false;
  for (const json::Member member : object.members()) {
    if (may_fold(member.key)) return true;
  }
  return false;
}

}  // namespace

std::string folded(std::string_view key) {
  std::string out;
  append_folded(out, key);
  return out;
}

NamedKeys::NamedKeys(std::vector<std::string> names, bool any) : any_(false) { add(names, any); }

void NamedKeys::add(const std::vector<std::string>& names, bool any) {
  any_ = any_ || any;
  for (const std::string& name : names) names_.push_back(folded(name));
  std::ranges::sort(names_);
  names_.erase(std::unique(names_.begin(), names_.end()), names_.end());
  for (const std::string& name : names_) longest_ = std::max(longest_, name.size() * kelvin.size());
}

std::optional<std::string> NamedKeys::clash(json::Value arguments) const {
  if (!any_ && names_.empty()) return std::nullopt;
  std::string pointer;
  if (!clash_below(arguments, pointer)) return std::nullopt;
  return pointer;
}

bool NamedKeys::clash_below(json::Value value, std::string& pointer) const {
  if (value.is_object()) {
    if (may_clash(value) && clash_in(value, pointer)) return true;
    for (const json::Member member : value.members()) {
      if (!holds_values(member.value) || !clash_below(member.value, pointer)) continue;
      pointer = "/" + json::pointer_token(member.key.string()) + pointer;
      return true;
    }
  } else if (value.is_array()) {
    std::size_t index = 0;
    for (const json::Value element : value.elements()) {
      if (holds_values(element) && clash_below(element, pointer)) {
        pointer = "/" + std::to_string(index) + pointer;
        return true;
      }
      ++index;
    }
  }
  return false;
}

bool NamedKeys::clash_in(json::Value object, std::string& pointer) const {
  const std::optional<json::Value> twin = any_ ? any_twin(object) : named_twin(object);
  if (twin) pointer = "/" + json::pointer_token(twin->string());
  return twin.has_value();
}

/// The key whose name was taken before by one that folds to the same text.
std::optional<json::Value> NamedKeys::named_twin(json::Value object) const {
  std::vector<bool> taken(names_.size());
  std::string scratch;
  std::string same;
  for (const json::Member member : object.members()) {
    const std::string_view key = member.key.string(scratch);
    if (key.size() > longest_) continue;
    same.clear();
    append_folded(same, key);
    const auto name = std::ranges::lower_bound(names_, same);
    if (name == names_.end() || *name != same) continue;
    const auto index = static_cast<std::size_t>(name - names_.begin());
    if (taken[index]) return member.key;
    taken[index] = true;
  }
  return std::nullopt;
}

std::optional<json::Value> NamedKeys::any_twin(json::Value object) {
  std::unordered_set<std::string> taken;
  for (const json::Member member : object.members()) {
    if (!taken.insert(folded(member.key.string())).second) return member.key;
  }
  return std::nullopt;
}

}  // namespace callgate::policy
