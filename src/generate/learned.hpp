#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "generate/example.hpp"
#include "generate/property.hpp"
#include "generate/recorded.hpp"
#include "generate/rule.hpp"
#include "generate/text_bounds.hpp"

/// Bounds of arguments from calls that were made. Whatever is learned takes
/// every call that it was learned from.
namespace callgate::generate {

/// Calls that an argument needs before bounds are learned. If calls are alike,
/// the next one lies beyond the largest of n with a chance of 1 in n + 1: here
/// below 5 %, before the room that is added.
inline constexpr std::size_t enough_calls = 20;

/// Whether all that is known of the values fits arguments of this type (`string`, …).
bool fits_type(const SeenValues& seen, std::string_view type);
/// The type of all values: for those that a schema does not type; empty where they have several, or nothing is known.
std::string_view type_of_values(const SeenValues& seen);

/// Bounds that a description states, as far as calls did not break them, and
/// those that calls show, with room.
struct LearnedBounds {
  TextBounds bounds;
  bool from_text = false;  ///< some of them are the description's
  std::string comment;     ///< where they come from; empty where none was learned
  std::string said;        ///< for a list of changes; empty likewise
};
LearnedBounds learn_bounds(TextBounds stated, Bounded what, const Property& property, const SeenValues& seen);

/// Whether no text can have held a star, or another sign that is no part of a name or path.
bool is_free_of_signs(const SeenValues& seen);

/// The clause of an object's members, one level deep.
std::optional<Clause> learned_members(const Property& property, const Seen& seen, ExampleMaker& maker);

}  // namespace callgate::generate
