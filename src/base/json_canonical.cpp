#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/decimal.hpp"
#include "base/json.hpp"

namespace callgate::json {

namespace {

struct SortedMember {
  std::uint64_t first_bytes;  ///< of the key, as a number that is in the order of the bytes: few keys need more
  std::string_view key;
  Member member;

  bool operator<(const SortedMember& other) const {
    return first_bytes != other.first_bytes ? first_bytes < other.first_bytes : key < other.key;
  }
};

std::uint64_t first_bytes_of(std::string_view key) {
  std::uint64_t bytes = 0;
  const std::string_view first = key.substr(0, sizeof bytes);
  for (const char c : first) bytes = bytes << 8U | static_cast<unsigned char>(c);
  return first.empty() ? 0 : bytes << 8U * (sizeof bytes - first.size());
}

/// Where the form goes: a text, and what takes it piece by piece, if anything does.
struct Output {
  std::string& text;
  CanonicalReader* reader = nullptr;
};

/// A text of so many bytes is handed over where it stands instead of being copied.
constexpr std::size_t long_text = 2048;

/// A text without escapes is its own shortest form.
void append_string(Output out, Value text, std::string_view decoded) {
  if (text.has_escapes()) {
    append_minimal(out.text, decoded);
  } else if (out.reader != nullptr && text.text().size() >= long_text) {
    out.reader->take(out.text);
    out.text.clear();
    out.reader->take(text.text());
  } else {
    out.text += text.text();
  }
}

/// Short numbers, as most write them: whole ones, and fractions that end in no zero and
/// have too few digits for an exponent.
bool is_normal(std::string_view number) {
  if (number.size() > 18 || number == "-0") return false;
  const std::size_t mark = number.find_first_of(".eE");
  return mark == std::string_view::npos || (number.size() <= 9 && number.back() != '0' && number.find_first_of("eE", mark) == std::string_view::npos);
}

/// The reader bounds the exponents of requests; one of a response that no
/// decimal can hold keeps its text.
void append_number(std::string& out, std::string_view text) {
  if (is_normal(text)) {
    out += text;
  } else if (const auto decimal = Decimal::parse(text)) {
    decimal->append_to(out);
  } else {
    out += text;
  }
}

bool equal_numbers(std::string_view a, std::string_view b) {
  if (a == b) return true;
  const auto left = Decimal::parse(a);
  const auto right = Decimal::parse(b);
  return left && right && *left == *right;
}

void append_value(Output out, Value value);

/// Whether the value's text is its canonical form.
bool is_normal(Value value) {
  switch (value.kind()) {
    case Kind::null:
    case Kind::boolean: return true;
    case Kind::number: return is_normal(value.text());
    case Kind::string: return !value.has_escapes() && value.text().size() < long_text;
    default: return false;
  }
}

void append_member(Output out, const SortedMember& sorted) {
  const auto [key, value] = sorted.member;
  const std::string_view name = key.text();
  // As most members are written, they are in their canonical form from the first quote on.
  const bool is_close = value.text().data() == name.data() + name.size() + 1;
  if (is_close && !key.has_escapes() && is_normal(value)) {
    out.text.append(name.data(), name.size() + 1 + value.text().size());
    return;
  }
  append_string(out, key, sorted.key);
  out.text += ':';
  append_value(out, value);
}

void append_object(Output out, Value value) {
  // Most objects have few members: their order needs no memory of the heap.
  std::array<SortedMember, 8> few;
  std::vector<SortedMember> many;
  std::vector<std::unique_ptr<std::string>> decoded;  // of the keys that hold escapes; most objects have none
  if (value.size() > few.size()) many.reserve(value.size());
  std::size_t in_few = 0;
  for (const Member member : value.members()) {
    const std::string_view key = member.key.has_escapes() ? *decoded.emplace_back(std::make_unique<std::string>(member.key.string()))
                                                          : member.key.raw_string();
    if (in_few < few.size()) {
      few[in_few++] = {first_bytes_of(key), key, member};
      continue;
    }
    if (many.empty()) many.assign(few.begin(), few.end());
    many.push_back({first_bytes_of(key), key, member});
  }
  const std::span<SortedMember> members = many.empty() ? std::span(few).first(in_few) : std::span(many);
  std::sort(members.begin(), members.end());
  out.text += '{';
  for (const SortedMember& sorted : members) {
    if (&sorted != members.data()) out.text += ',';
    append_member(out, sorted);
  }
  out.text += '}';
}

void append_value(Output out, Value value) {
  switch (value.kind()) {
    case Kind::null:
    case Kind::boolean: out.text += value.text(); return;
    case Kind::number: append_number(out.text, value.text()); return;
    case Kind::string: append_string(out, value, value.has_escapes() ? value.string() : std::string()); return;
    case Kind::array: {
      out.text += '[';
      bool first = true;
      for (const Value element : value.elements()) {
        if (!first) out.text += ',';
        first = false;
        append_value(out, element);
      }
      out.text += ']';
      return;
    }
    case Kind::object: append_object(out, value); return;
  }
}

}  // namespace

void append_canonical(std::string& out, Value value) { append_value({out}, value); }

void read_canonical(CanonicalReader& reader, std::string& scratch, Value value) {
  scratch.clear();
  append_value({scratch, &reader}, value);
  reader.take(scratch);
}

bool equal(Value a, Value b) {
  if (a.kind() != b.kind()) return false;
  switch (a.kind()) {
    case Kind::null: return true;
    case Kind::boolean: return a.boolean() == b.boolean();
    case Kind::number: return equal_numbers(a.text(), b.text());
    case Kind::string: {
      std::string scratch;
      return b.equals(a.string(scratch));
    }
    case Kind::array: {
      if (a.size() != b.size()) return false;
      auto other = b.elements().begin();
      for (const Value element : a.elements()) {
        if (!equal(element, *other)) return false;
        ++other;
      }
      return true;
    }
    case Kind::object: break;
  }
  if (a.size() != b.size()) return false;
  // Looking up each key is quadratic: large objects are compared by their sorted forms.
  if (a.size() > 16) {
    std::string left;
    std::string right;
    append_canonical(left, a);
    append_canonical(right, b);
    return left == right;
  }
  std::string scratch;
  for (const Member member : a.members()) {
    const auto other = b.find(member.key.string(scratch));
    if (!other || !equal(member.value, *other)) return false;
  }
  return true;
}

}  // namespace callgate::json
