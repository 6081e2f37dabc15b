#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/json.hpp"

/// Changing a text that was read, and what it reads as, at once: the places of what
/// stays are kept instead of being found again. In builds with assertions the
/// outcome is read again and compared. Pure; any thread.
namespace callgate::json {

/// Bytes `at`…`at + size` become `text`; the nodes `first`…`last` that stood there
/// become `nodes`. An empty range of nodes is a place between two.
struct Change {
  std::size_t at = 0;
  std::size_t size = 0;
  std::string_view text;
  std::uint32_t first = 0;
  std::uint32_t last = 0;
  std::span<const Node> nodes;  ///< as they were read, or made by `leaf`
  std::uint32_t nodes_at = 0;   ///< where `text` starts in what `nodes` were read from
  std::uint32_t nodes_index = 0;  ///< the index of the first of them there
  std::uint32_t inside = 0;     ///< the container that gets more or fewer members
  std::int32_t members = 0;     ///< how many
};

/// A value without values in it, for `Change::nodes`. Pre: `text` is one number, or one string without escapes.
Node leaf(std::string_view text);

/// A leaf in the place of a value. `made` holds its node and outlives the change, as `text` does.
Change replace_leaf(Value value, std::string_view text, Node& made);

/// `original` after the changes: its bytes in `bytes`, what they read as in `document`;
/// both keep their memory. Pre: the changes are in the order of the text and do not
/// overlap, and what comes of them is a text that the reader accepts.
void change(const Document& original, std::span<const Change> changes, std::string& bytes, Document& document);

}  // namespace callgate::json
