#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

/// What calls that were made say of the rules they need.
namespace callgate::generate {

/// A call that was forwarded. A journal holds names of arguments and no values,
/// so nothing can be learned of ranges.
struct RecordedCall {
  std::string tool;
  std::string session;
  std::int64_t at_ms = 0;
  std::vector<std::string> arguments;  ///< names of top-level members
};

/// All calls of one tool.
struct Seen {
  std::vector<std::pair<std::string, std::int64_t>> calls;  ///< session and time
  std::set<std::string, std::less<>> arguments;

  std::size_t count() const { return calls.size(); }
  /// The most of one session within any interval of this length.
  std::size_t most_within(std::chrono::milliseconds window) const;
};

using SeenTools = std::map<std::string, Seen, std::less<>>;
SeenTools seen_tools(std::span<const RecordedCall> calls);

/// Room above what was seen: twice as many, at least three, as a number that people would choose.
std::uint64_t with_room(std::size_t most);

}  // namespace callgate::generate
