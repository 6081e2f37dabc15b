#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "flags.hpp"
#include "histogram.hpp"

namespace callgate::bench {

/// `leave` ends a session: a DELETE without a body.
enum class Kind : std::uint8_t { initialize, initialized, list, call, denied_call, leave };

/// One message to send, and what its answer must be.
struct Request {
  Kind kind = Kind::call;
  std::uint64_t id = 0;
  std::uint64_t due_ns = 0;  ///< when it should be sent; latency counts from here
  std::size_t bytes = 0;     ///< length of the text to be echoed
};

/// Everything that came back. All counts but the first four must be zero.
struct Tally {
  std::uint64_t answered = 0;  ///< calls echoed right
  std::uint64_t denied = 0;
  std::uint64_t listed = 0;
  std::uint64_t left = 0;    ///< sessions ended
  std::uint64_t leaked = 0;  ///< answered although it had to be denied
  std::uint64_t wrong_id = 0;
  std::uint64_t wrong_text = 0;
  std::uint64_t rpc_errors = 0;  ///< refused although it had to be answered
  std::uint64_t http_errors = 0;
  std::uint64_t lost = 0;        ///< no answer: connection gone, or none in time
  std::uint64_t reconnects = 0;  ///< not wrong, but worth seeing
  Histogram call_ns;
  Histogram denied_ns;
  Histogram list_ns;
  std::string last_fault;

  [[nodiscard]] std::uint64_t done() const { return answered + denied + listed; }
  [[nodiscard]] std::string json() const;
};

/// Which messages are sent and how each answer is judged; knows nothing of
/// transports. Deterministic: sizes, tools and the mix follow from the id.
class Workload {
 public:
  explicit Workload(const Flags& flags);

  Request next(std::uint64_t due_ns);
  Request handshake(Kind kind, std::uint64_t due_ns);
  void write_body(const Request& request, std::string& out) const;
  /// The header lines that a stateless request repeats its method and tool in (MCP 2026-07-28); empty for any other.
  void write_headers(const Request& request, std::string& out) const;
  /// Counts one JSON-RPC message as the answer to `request`. False when it is a
  /// request or notification from the other side, so the answer is still to come.
  bool judge(std::string_view message, const Request& request, std::uint64_t now_ns);

  void left() { ++tally_.left; }
  void fault(std::uint64_t Tally::* kind, std::string_view what);
  /// Forgets everything counted so far: the warm-up is over.
  void start_measuring() { tally_ = {}; }
  [[nodiscard]] const Tally& tally() const { return tally_; }
  /// Calls written so far, warm-up included, by what the policy should do.
  [[nodiscard]] std::uint64_t calls_sent() const { return calls_sent_; }
  [[nodiscard]] std::uint64_t denials_sent() const { return denials_sent_; }

 private:
  /// Echo text of one size: a numbered start, then filler; as plain text and as JSON.
  struct Filler {
    std::size_t bytes;
    std::string plain;
    std::string json;
  };
  [[nodiscard]] const std::string& tool(const Request& request) const;
  void judge_list(std::string_view result, const Request& request, std::uint64_t now_ns);
  void judge_call(std::string_view result, std::string_view message, const Request& request, std::uint64_t now_ns);
  void judge_denied(std::string_view result, std::string_view error, const Request& request, std::uint64_t now_ns);
  [[nodiscard]] bool is_expected_text(std::string_view raw, const Request& request) const;
  [[nodiscard]] const Filler& filler(const Request& request) const;

  std::vector<Filler> fillers_;
  std::vector<std::string> tools_;
  std::string denied_tool_;
  std::string hidden_;  ///< `"name":"TOOL"` that no list may hold; empty: all may be seen
  std::string version_;
  std::size_t denied_percent_;
  std::size_t list_percent_;
  bool as_event_;
  bool stateless_;
  std::uint64_t last_id_ = 0;
  std::uint64_t calls_sent_ = 0;
  std::uint64_t denials_sent_ = 0;
  Tally tally_;
};

}  // namespace callgate::bench
