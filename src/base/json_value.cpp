#include <charconv>

#include "base/json.hpp"

namespace callgate::json {

const Node& Value::node() const { return document_->nodes()[index_]; }

std::string_view Value::text() const {
  const Node& n = node();
  return document_->bytes().substr(n.begin, n.end - n.begin);
}

bool Value::boolean() const { return document_->bytes()[node().begin] == 't'; }

std::string_view Value::raw_string() const {
  const Node& n = node();
  return document_->bytes().substr(n.begin + 1, n.end - n.begin - 2);
}

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
  return is_number() && text().find_first_of(".eE") == std::string_view::npos;
}

std::optional<std::int64_t> Value::as_int64() const {
  if (!is_integer()) return std::nullopt;
  const std::string_view digits = text();
  std::int64_t value = 0;
  if (std::from_chars(digits.data(), digits.data() + digits.size(), value).ec != std::errc{}) return std::nullopt;
  return value;
}

Members Value::members() const { return {document_, index_ + 1, node().next}; }
Elements Value::elements() const { return {document_, index_ + 1, node().next}; }

std::optional<Value> Value::find(std::string_view key) const {
  if (!is_object()) return std::nullopt;
  for (const Member member : members()) {
    if (member.key.equals(key)) return member.value;
  }
  return std::nullopt;
}

Members::Iterator& Members::Iterator::operator++() {
  index_ = document_->nodes()[index_ + 1].next;
  return *this;
}

Elements::Iterator& Elements::Iterator::operator++() {
  index_ = document_->nodes()[index_].next;
  return *this;
}

}  // namespace callgate::json
