#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "base/json.hpp"
#include "mcp/message.hpp"

/// Changing one member of a message and leaving every other byte as it is:
/// number text, key order, white space and unknown members survive. The result
/// is read again by the reader that read the original. Pure; any thread.
namespace callgate::mcp {

/// Bytes `offset`…`offset + size` become `text`. The text must outlive the edit.
struct Edit {
  std::size_t offset = 0;
  std::size_t size = 0;
  std::string_view text;
};

/// Puts the JSON text `text` in the place of a value.
Edit replace(json::Value value, std::string_view text);

/// Takes a member with its comma out of an object; nothing where it is absent.
/// Two removals from one object can overlap: make one, read, make the other.
std::optional<Edit> remove_member(json::Value object, std::string_view key);

/// The bytes after the edits. Pre: the edits do not overlap; any order.
std::string splice(std::string_view bytes, std::span<const Edit> edits);

/// The same into `out`, which keeps its memory; puts the edits in order.
void splice_into(std::string& out, std::string_view bytes, std::span<Edit> edits);

/// splice() into `out`, then read_message() of the outcome. `out` and `document`
/// must not be those of the original and must outlive the message.
Result<Message> splice_and_read(const Message& original, std::span<const Edit> edits, Direction direction,
                                const json::Limits& limits, std::string& out, json::Document& document);

}  // namespace callgate::mcp
