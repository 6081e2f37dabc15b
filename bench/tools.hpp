#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>

namespace callgate::bench {

/// How the server misbehaves on purpose, so that `run.py --quick` can prove that
/// the load generator notices: every fiftieth answer to a call is wrong.
enum class Lie : std::uint8_t { none, text, id };

/// With sessions (MCP 2025-06-18) or without (2026-07-28).
enum class Era : std::uint8_t { sessions, stateless };

/// What one JSON-RPC message deserves.
struct Answer {
  enum class Kind : std::uint8_t { message, initialized_session, nothing };
  Kind kind = Kind::nothing;
  bool as_event = false;  ///< the call asked for its answer as a Server-Sent Event
  std::string_view body;  ///< valid until the next `answer()`
};

/// The tools of the bench's server and the answers it gives.
/// Deterministic: the same messages in the same order give the same bytes.
/// Tools are `echo`, `tool_0001`, … and last `delete_all`; each answers with its
/// argument `payload`, copied as it was written.
class ToolServer {
 public:
  ToolServer(std::size_t tools, Lie lie, Era era);

  [[nodiscard]] bool stateless() const { return era_ == Era::stateless; }

  Answer answer(std::string_view message);
  /// What has arrived so far, as JSON: a count per method and per tool.
  [[nodiscard]] std::string stats() const;

 private:
  struct Call {
    std::string_view tool;
    std::string_view payload;
    bool as_event = false;
  };
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
  };

  Answer call(std::string_view id, const Call& call);
  void begin(std::string_view id, std::string_view member);

  std::unordered_map<std::string, std::uint64_t, Hash, std::equal_to<>> calls_;  // by tool
  std::unordered_map<std::string, std::uint64_t, Hash, std::equal_to<>> methods_;
  std::uint64_t called_ = 0;
  std::uint64_t unknown_tools_ = 0;
  std::uint64_t malformed_ = 0;
  Lie lie_;
  Era era_;
  std::string list_;  // the result of tools/list
  std::string body_;
};

}  // namespace callgate::bench
