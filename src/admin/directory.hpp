#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

/// What the API needs to know of servers and of the process; `main.cpp`
/// connects these to the gateway and the registry.
namespace callgate::admin {

/// One server behind the gate.
struct ServerEntry {
  std::string name;
  std::string transport;  ///< `stdio` or `http`
  std::string address;    ///< command line or URL as in the pins; secrets never stand in it
  std::string state;      ///< `starting`, `ready`, `failed`
  std::string fault;      ///< why it failed; else empty
  std::string policy;     ///< content hash of the policy in force; empty: none
  std::string source;     ///< `file`, `flags` or `store`
  std::uint64_t tools = 0;        ///< pinned
  std::uint64_t quarantined = 0;  ///< changed since they were pinned
  std::uint64_t unknown = 0;      ///< listed by the server, not pinned
  std::uint64_t left_out = 0;     ///< listed by the server, and cannot be called
};

/// One tool as pinned and as the server lists it now.
struct ToolEntry {
  enum class State : std::uint8_t {
    known,
    quarantined,  ///< the definition changed
    unknown,      ///< new
    missing,      ///< pinned, but no longer listed
  };
  std::string name;
  State state = State::known;
  std::string era;          ///< `legacy` or `modern`
  std::string fingerprint;  ///< `sha256:…` of the pinned definition; empty when unknown
  std::string offered;      ///< of what the server lists now, when that differs
  std::string category;     ///< `Read`, …, of the definition that the server lists now; empty: it lists none
  std::string risk;         ///< `Low`, … likewise
  std::string class_reason; ///< why an operator says so instead of the classifier; empty: as it was judged
  std::string definition;          ///< JSON; the pinned one
  std::string offered_definition;  ///< JSON
};
std::string_view word(ToolEntry::State state);

/// An entry of the server's list that cannot be called, so that no client is shown it.
struct LeftOutEntry {
  std::string name;    ///< as people may see it; empty: it has none
  std::string era;
  std::string reason;  ///< one sentence
};

/// What to accept. Without `tool`: all that is offered. With `fingerprint` only
/// exactly that definition, so that nothing is accepted which nobody looked at.
struct PinRequest {
  std::string tool;
  std::string fingerprint;
};

class ServerDirectory {
 public:
  virtual ~ServerDirectory() = default;
  virtual std::vector<ServerEntry> servers() const = 0;
  /// Errors: `not_found` (no such server), `unavailable` (store).
  virtual Result<std::vector<ToolEntry>> tools(std::string_view server) const = 0;
  /// Likewise.
  virtual Result<std::vector<LeftOutEntry>> left_out(std::string_view server) const = 0;
  /// Answers the names of the tools whose definition was accepted. Errors: as
  /// `tools`; `not_found` also for a tool that is not offered, `conflict` when
  /// its fingerprint is another by now.
  virtual Result<std::vector<std::string>> pin(std::string_view server, const PinRequest& request) = 0;
};

/// The state of the process; part of it is asked anew for each answer.
struct Health {
  std::string version;
  std::string instance;
  std::int64_t started_ms = 0;      ///< wall time
  std::vector<std::string> faults;  ///< what does not work now, a sentence each; empty: all is well
};

class HealthSource {
 public:
  virtual ~HealthSource() = default;
  virtual Health health() const = 0;
};

}  // namespace callgate::admin
