#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "policy/verdict.hpp"

/// A rule that is suggested for one tool, before it is written as text. Values.
namespace callgate::generate {

/// What the policy language of this version can say. A rule that needs more is
/// made of what is there, stricter and never milder.
struct Language {
  bool cases = true;  ///< `cases` with `when`
};
inline constexpr Language this_version{};

struct Limit {
  std::uint64_t max = 0;
  std::chrono::seconds window{60};
  std::string why;  ///< of the number, for people
};

/// What one argument must be, beside what the tool's own schema says.
struct Clause {
  std::string argument;          ///< its name
  std::string schema;            ///< JSON text
  std::string comment;           ///< one clean line; may quote the server
  std::string learned;           ///< what of it calls have shown, in a few clean words; empty: nothing
  std::string good;              ///< JSON text of a value that fits; empty: any that the tool takes
  std::vector<std::string> bad;  ///< JSON texts of values that only this clause refuses
  bool required = false;         ///< the argument must be there, though the tool does not ask for it
  bool kept = false;             ///< stays also where no call can show what it does: acts hang on it
};

/// Values of the mode argument for which another action stands.
struct Case {
  std::string argument;
  std::vector<std::string> values;
  policy::Verdict action = policy::Verdict::require_approval;
  std::string reason;
  std::optional<Limit> limit;  ///< of these values alone, beside the rule's
  bool optional = false;       ///< the argument may be left out
  bool missing = false;        ///< and a call without it is one of these
};

/// The reason of a rule that lists the acts of a tool.
inline constexpr std::string_view reason_of_modes = "only the acts that are listed";

/// One test of the rule.
struct Expected {
  std::string arguments;  ///< JSON text of an object
  policy::Verdict verdict = policy::Verdict::deny;
  std::string rule;       ///< a JSON Pointer; empty: not looked at
};

struct Rule {
  std::string tool;
  policy::Verdict action = policy::Verdict::require_approval;
  std::string reason;  ///< own words only
  std::optional<Limit> limit;
  std::vector<Clause> clauses;
  std::vector<std::string> other_arguments;  ///< that may be there, where `closed`
  bool closed = false;                       ///< no other arguments than those named
  bool keeps_closed = false;                 ///< also where that names none
  /// Arguments (name, JSON text) that closing is tried with.
  std::vector<std::pair<std::string, std::string>> outsiders{{"no_such_argument", "\"x\""}};
  std::vector<Case> cases;
  bool leaves_out = false;  ///< its clauses hold off modes that would be refused
  std::vector<std::string> notes;  ///< clean lines for people, above the rule
  std::vector<Expected> tests;
};

}  // namespace callgate::generate
