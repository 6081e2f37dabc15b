#pragma once

#include <chrono>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"

/// The values of the approval room: what is asked, of whom, and what came of it.
namespace callgate::approval {

/// One instant on both clocks. Boot time decides what has expired (it counts
/// sleep and never jumps); wall time is for people to read.
struct Moment {
  BootTime boot{};
  std::int64_t wall_ms = 0;  ///< Unix time in milliseconds

  static Moment of(const Clock& clock) { return {.boot = clock.now(), .wall_ms = clock.wall_ms()}; }
};

/// `waiting` → approved | denied | expired | withdrawn; `approved` → used |
/// expired | withdrawn. The other four are final.
enum class State : std::uint8_t { waiting, approved, denied, expired, used, withdrawn };

/// The word of the admin API and the journal.
std::string_view word(State state);
std::optional<State> state_of(std::string_view word);

/// All that a yes is tied to: when one member differs, it is another question
/// (policy-language.md section 4 `approval`, security.md S20).
struct Binding {
  std::string grant;    ///< id of the grant; empty under `auth: none`
  std::string session;  ///< only under `auth: none`, else empty: a grant's new session may pick up its yes
  std::string server;
  std::string address;      ///< command line or URL, as in the pins
  std::string account;      ///< keyed digest of the exact command line or URL, credentials and all
  std::string tool;
  std::string args_digest;  ///< SHA-256 of the canonical arguments
  std::string rest_digest;  ///< of what else the call says; empty where it says nothing else
  std::string definition;   ///< hash of the tool's pinned definition
  std::string rule_digest;  ///< hash of the compiled rule that asks

  auto operator<=>(const Binding&) const = default;
};

/// What a call brings when its rule asks for a person.
struct Question {
  Binding binding;
  std::string arguments;  ///< canonical JSON: what the person reads and the digest covers
  std::string bytes;      ///< the arguments as the client wrote them; empty where they equal `arguments`
  std::string session;    ///< of the call that asked first, for display
  std::string rule;       ///< JSON Pointer of the rule that asks
  std::string reason;     ///< the rule's sentence; never holds argument values
  std::chrono::seconds timeout{600};
  std::string back_to;    ///< id of the question that the call left for a round and comes back to; not kept
};

inline std::size_t bytes_of(const Question& question) { return question.arguments.size() + question.bytes.size(); }

/// A question with its answer. A value; the desk hands out copies and references.
struct Approval {
  std::string id;  ///< ULID: sorts by time, carries no secret
  State state = State::waiting;
  Question question;
  std::int64_t asked_at_ms = 0;    ///< wall time
  std::int64_t expires_at_ms = 0;  ///< wall time: of the question; after a yes, of the yes
  std::int64_t answered_at_ms = 0; ///< wall time; 0 without an answer
  std::int64_t ended_at_ms = 0;    ///< wall time at which the state became final; 0 before
  std::string answered_by;         ///< who said yes or no
  std::string answer_reason;       ///< what that person wrote

  /// The arguments to forward once the yes is used.
  const std::string& stored_arguments() const {
    return question.bytes.empty() ? question.arguments : question.bytes;
  }
};

}  // namespace callgate::approval
