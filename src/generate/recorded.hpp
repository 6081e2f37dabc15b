#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

/// What calls that were made say of the rules they need.
namespace callgate::generate {

/// Which characters the texts of an argument are made of, narrowest first; each
/// but `url` holds those before it.
enum class Letters : std::uint8_t { digits, hex, identifier, path, url, word, any };
/// What holds both.
Letters wider(Letters a, Letters b);

/// An interval with both ends in it; nothing: open.
struct Span {
  std::optional<std::int64_t> least;
  std::optional<std::int64_t> most;
};

/// What a record tells of one argument of a call: its type, and a bucket that
/// its value, length or number of elements lies in. Never the value.
struct SeenShape {
  enum class Kind : std::uint8_t { null, boolean, integer, number, string, array, object };
  std::string pointer;  ///< JSON Pointer into the arguments; empty: all of them
  Kind kind = Kind::null;
  bool type_only = false;  ///< the bucket was kept back
  bool more = false;       ///< of an object: some members have no shape
  Span bucket;
  Letters letters = Letters::any;
};

/// A call that was forwarded. Of values it says no more than their shapes.
struct RecordedCall {
  std::string tool;
  std::string session;
  std::int64_t at_ms = 0;
  std::vector<std::string> arguments;  ///< names of top-level members
  bool all_named = true;               ///< `arguments` are all it had
  std::optional<std::vector<SeenShape>> shapes;  ///< nothing: the record tells none
};

/// The values of one argument in all calls that tell their shapes.
struct SeenValues {
  std::size_t count = 0;   ///< of them, nulls aside
  bool unknown = false;    ///< nothing can be said of some of them
  bool more = false;       ///< of objects: some had members without a shape
  std::set<SeenShape::Kind> kinds;
  Span span;               ///< holds every value, length or count
  std::optional<Letters> letters;

  void add(const SeenShape& shape);
};

/// All calls of one tool.
struct Seen {
  std::vector<std::pair<std::string, std::int64_t>> calls;  ///< session and time
  std::set<std::string, std::less<>> arguments;
  bool all_named = true;   ///< `arguments` are all that calls had
  std::size_t shaped = 0;  ///< calls that tell shapes
  std::map<std::string, SeenValues, std::less<>> values;  ///< by pointer

  std::size_t count() const { return calls.size(); }
  /// The most of one session within any interval of this length.
  std::size_t most_within(std::chrono::milliseconds window) const;
  /// Null where nothing was told of it.
  const SeenValues* find(std::string_view pointer) const;
};

using SeenTools = std::map<std::string, Seen, std::less<>>;
SeenTools seen_tools(std::span<const RecordedCall> calls);

/// Room above what was seen: twice as many, at least three, as a number that people would choose.
std::uint64_t with_room(std::size_t most);

}  // namespace callgate::generate
