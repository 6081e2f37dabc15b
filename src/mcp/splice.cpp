#include "mcp/splice.hpp"

#include <algorithm>
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

std::string splice(std::string_view bytes, std::span<const Edit> edits) {
  std::vector<Edit> ordered(edits.begin(), edits.end());
  std::ranges::sort(ordered, {}, &Edit::offset);
  std::string out;
  out.reserve(bytes.size() + 64);
  std::size_t at = 0;
  for (const Edit& edit : ordered) {
    assert(edit.offset >= at && edit.offset + edit.size <= bytes.size());
    out += bytes.substr(at, edit.offset - at);
    out += edit.text;
    at = edit.offset + edit.size;
  }
  out += bytes.substr(at);
  return out;
}

Result<Message> splice_and_read(const Message& original, std::span<const Edit> edits, Direction direction,
                                const json::Limits& limits, std::string& out, json::Document& document) {
  out = splice(original.bytes(), edits);
  return read_message(out, document, direction, limits);
}

}  // namespace callgate::mcp
