#include "mcp/splice.hpp"

#include <algorithm>
#include <array>
#include <cassert>
#include <vector>

namespace callgate::mcp {

namespace {

std::size_t end_of(json::Value value) { return value.offset() + value.text().size(); }

}  // namespace

Edit replace(json::Value value, std::string_view text) {
  return {.offset = value.offset(), .size = value.text().size(), .text = text};
}

std::optional<Edit> remove_member(json::Value object, std::string_view key) {
  std::optional<std::size_t> previous_end;
  std::optional<json::Member> found;
  for (const json::Member member : object.members()) {
    if (found) {
      // The first of several: its comma stands behind it.
      const std::size_t first = found->key.offset();
      return Edit{.offset = first, .size = member.key.offset() - first, .text = {}};
    }
    if (!member.key.equals(key)) {
      previous_end = end_of(member.value);
      continue;
    }
    if (previous_end) return Edit{.offset = *previous_end, .size = end_of(member.value) - *previous_end, .text = {}};
    found = member;
  }
  if (!found) return std::nullopt;
  const std::size_t first = found->key.offset();
  return Edit{.offset = first, .size = end_of(found->value) - first, .text = {}};
}

void splice_into(std::string& out, std::string_view bytes, std::span<Edit> edits) {
  if (edits.size() > 1) std::ranges::sort(edits, {}, &Edit::offset);
  std::size_t size = bytes.size();
  for (const Edit& edit : edits) size += edit.text.size() - edit.size;
  out.clear();
  out.reserve(size);
  std::size_t at = 0;
  for (const Edit& edit : edits) {
    assert(edit.offset >= at && edit.offset + edit.size <= bytes.size());
    out += bytes.substr(at, edit.offset - at);
    out += edit.text;
    at = edit.offset + edit.size;
  }
  out += bytes.substr(at);
}

std::string splice(std::string_view bytes, std::span<const Edit> edits) {
  std::string out;
  // Most changes are few: they need no memory of their own to be put in order.
  std::array<Edit, 4> few;
  if (edits.size() <= few.size()) {
    std::ranges::copy(edits, few.begin());
    splice_into(out, bytes, std::span(few).first(edits.size()));
    return out;
  }
  std::vector<Edit> many(edits.begin(), edits.end());
  splice_into(out, bytes, many);
  return out;
}

Result<Message> splice_and_read(const Message& original, std::span<const Edit> edits, Direction direction,
                                const json::Limits& limits, std::string& out, json::Document& document) {
  out = splice(original.bytes(), edits);
  return read_message(out, document, direction, limits);
}

}  // namespace callgate::mcp
