#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "schema/schema.hpp"

namespace callgate::registry {

/// How bad a call can get. Nobody has said so of most tools; those count as High.
enum class Risk : std::uint8_t { unknown, low, medium, high, critical };
std::string_view word(Risk risk);  ///< `Low`, `Medium`, …; empty where unknown

/// What somebody said of a tool before any call of it.
struct ToolClass {
  Risk risk = Risk::unknown;
  std::string_view category;  ///< a word that lives as long as the program; empty where unknown
  std::string reason = {};    ///< why an operator says so; empty: nobody said it instead of the classifier
};

/// One tool that the server lists and that the pins hold.
struct Tool {
  enum class State : std::uint8_t {
    known,        ///< listed exactly as pinned
    quarantined,  ///< its definition changed; refused until accepted
  };
  std::string name;
  State state = State::quarantined;
  std::string fingerprint;         ///< of the definition as listed now
  std::string definition;          ///< its JSON text as listed now
  std::string pinned_fingerprint;  ///< equal to `fingerprint` where known
  std::shared_ptr<const schema::Schema> input_schema;  ///< null where quarantined or faulty
  std::string schema_fault;        ///< why the inputSchema did not compile; empty where it did
  Risk risk = Risk::unknown;
  std::string_view category;       ///< a word that lives as long as the program; empty where unknown
  std::string class_reason;        ///< why an operator says so; empty: as it was judged
};

/// A difference between what a server lists and what the pins hold, or
/// something odd in the list itself.
struct Drift {
  enum class Kind : std::uint8_t {
    added,      ///< not pinned: refused as unknown, unless `new_tools: follow_policy`
    changed,    ///< quarantined
    removed,    ///< pinned, no longer listed: unknown until it comes back
    duplicate,  ///< listed twice: refused both
    bad_name,   ///< no name, or one outside [A-Za-z0-9_.-]{1,128}: refused
    look_alike, ///< its name equals another's after folding
    twin,       ///< the definition of a pinned tool under another name
    unreadable, ///< no definition that every reader takes for the same: left out
  };
  Kind kind = Kind::added;
  std::string tool;
  std::string detail;  ///< one sentence; never holds more than names

  bool operator==(const Drift&) const = default;
};
std::string_view word(Drift::Kind kind);
/// An entry of the list that no client is shown, whatever is pinned: it cannot be called.
inline bool is_left_out(const Drift& drift) { return drift.kind == Drift::Kind::duplicate || drift.kind == Drift::Kind::bad_name || drift.kind == Drift::Kind::unreadable; }

/// The tools of one server and era as one immutable value: a call is judged by
/// one table. Threads: any.
class ToolTable {
 public:
  /// `refused`: fingerprints of the new tools, by name, that stand in no table before somebody pins them.
  ToolTable(std::vector<Tool> tools, std::vector<Drift> drift, std::map<std::string, std::string, std::less<>> refused);
  ToolTable(const ToolTable&) = delete;
  ToolTable& operator=(const ToolTable&) = delete;

  /// The tool of exactly these bytes (S7); null where it is unknown.
  const Tool* find(std::string_view name) const {
    const auto place = places_.find(name);
    return place == places_.end() ? nullptr : place->second;
  }
  /// Whether the server's list held this definition when the table was made. One that is refused whatever it
  /// says, by its name or since it was listed twice, is none that it lacks.
  bool accounts_for(std::string_view name, std::string_view fingerprint) const;
  std::span<const Tool> tools() const { return tools_; }  ///< in the order of the server's list
  std::span<const Drift> drift() const { return drift_; }

  /// For the log: the known name that an unknown one imitates (see
  /// names.hpp), or empty.
  std::string_view look_alike(std::string_view unknown_name) const;

 private:
  std::vector<Tool> tools_;
  std::vector<Drift> drift_;
  std::unordered_map<std::string_view, const Tool*> places_;  ///< keys point into `tools_`
  std::map<std::string, std::string, std::less<>> refused_;
  std::set<std::string, std::less<>> twice_;  ///< names that the list held more than once
};

}  // namespace callgate::registry
