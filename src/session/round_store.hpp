#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>

#include "base/clock.hpp"
#include "net/task.hpp"

namespace callgate::session {

/// What a call of several rounds has behind it.
struct CallSoFar {
  std::size_t rounds = 0;  ///< that went to the server
  BootTime began{};        ///< when the first was answered
  bool counted = false;    ///< its share of the limits is taken
  std::string covered{};   ///< digest of what a person's yes covers; empty where none was needed
  std::string approval{};  ///< of that yes

  bool operator==(const CallSoFar&) const = default;
};

/// The call that a request goes on with.
struct RoundKey {
  std::string server;  ///< whose share of the room it takes
  std::string digest;  ///< in hex: who asks which server for what, with which state of the server's
};

/// Calls that a server answered with `input_required`, and that were counted or
/// allowed by a person: the round that goes on with one is not counted again
/// (protocol item 31), and nobody is asked again what a person allowed. What goes on
/// for too many rounds, or for too long, is a call of its own again: else one yes, or
/// one share of a limit, would be good for as many as the server likes. Bounded for
/// each server: the oldest goes, and its next round is a call of its own.
///
/// INVARIANT: each is taken once, whatever fails, ends or is started anew meanwhile.
/// What cannot be known or noted is not found, so its round is counted, and asked
/// about, anew: never let through on the count or the yes of another. Threads: the loop's.
class RoundStore {
 public:
  static constexpr std::size_t most_of_server = 10'000;
  static constexpr std::size_t most_rounds = 16;    ///< of one call, its first included
  static constexpr std::chrono::hours good_for{1};  ///< from the answer to its first round

  virtual ~RoundStore() = default;

  /// Returns when the next round may come, by whatever way; false where that cannot be noted now.
  virtual net::Task<bool> expect(RoundKey key, CallSoFar so_far) = 0;
  /// Without taking it: to see what a yes covers.
  virtual net::Task<std::optional<CallSoFar>> find(RoundKey key) = 0;
  virtual net::Task<std::optional<CallSoFar>> take(RoundKey key) = 0;

  /// Its next round may go on with it.
  static bool may_go_on(const CallSoFar& so_far, BootTime now) {
    return so_far.rounds < most_rounds && so_far.began + good_for >= now;
  }
};

}  // namespace callgate::session
