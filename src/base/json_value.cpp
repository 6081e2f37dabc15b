#include <algorithm>
#include <charconv>

#include "base/json.hpp"

namespace callgate::json {

bool Value::boolean() const { return document_->bytes()[node().begin] == 't'; }

std::string Value::string() const {
  std::string out;
  if (!has_escapes()) {
    out = raw_string();
  } else {
    append_unescaped(out, raw_string());
  }
  return out;
}

std::string_view Value::string(std::string& scratch) const {
  if (!has_escapes()) return raw_string();
  scratch.clear();
  append_unescaped(scratch, raw_string());
  return scratch;
}

bool Value::equals(std::string_view text) const {
  if (!is_string()) return false;
  if (!has_escapes()) return raw_string() == text;
  std::string scratch;
  return string(scratch) == text;
}

bool Value::is_integer() const {
  return is_number() && std::ranges::none_of(text(), [](char c) { return c == '.' || c == 'e' || c == 'E'; });
}

std::optional<std::int64_t> Value::as_int64() const {
  if (!is_integer()) return std::nullopt;
  const std::string_view digits = text();
  std::int64_t value = 0;
  if (std::from_chars(digits.data(), digits.data() + digits.size(), value).ec != std::errc{}) return std::nullopt;
  return value;
}

std::optional<Value> Value::find(std::string_view key) const {
  if (!is_object()) return std::nullopt;
  for (const Member member : members()) {
    if (member.key.equals(key)) return member.value;
  }
  return std::nullopt;
}

}  // namespace callgate::json
