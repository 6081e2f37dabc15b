#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/json.hpp"

namespace callgate::admin {

/// Writes one JSON object member by member, in the order of the calls.
class JsonObject {
 public:
  JsonObject& text(std::string_view key, std::string_view value) {
    json::append_quoted(member(key), value);
    return *this;
  }
  /// Left out where empty.
  JsonObject& text_if_any(std::string_view key, std::string_view value) {
    return value.empty() ? *this : text(key, value);
  }
  JsonObject& number(std::string_view key, std::uint64_t value) { return raw(key, std::to_string(value)); }
  /// `value` is JSON already.
  JsonObject& raw(std::string_view key, std::string_view value) {
    member(key) += value;
    return *this;
  }
  JsonObject& texts(std::string_view key, std::span<const std::string> values) {
    std::string& out = member(key) += '[';
    for (const std::string& each : values) {
      if (out.back() != '[') out += ',';
      json::append_quoted(out, each);
    }
    out += ']';
    return *this;
  }
  std::string done() { return std::move(out_ += '}'); }

 private:
  std::string& member(std::string_view key) {
    if (out_.size() > 1) out_ += ',';
    json::append_quoted(out_, key);
    return out_ += ':';
  }
  std::string out_ = "{";
};

/// A range as a JSON array, each element through `write` (→ JSON text).
template <class Range, class Write>
std::string json_array(const Range& range, Write write) {
  std::string list = "[";
  for (const auto& each : range) {
    if (list.size() > 1) list += ',';
    list += write(each);
  }
  list += ']';
  return list;
}

/// `{"KEY":[…]}` of a range.
template <class Range, class Write>
std::string json_list(std::string_view key, const Range& range, Write write) {
  return JsonObject().raw(key, json_array(range, write)).done();
}

}  // namespace callgate::admin
