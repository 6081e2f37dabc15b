#pragma once

#include <cstdint>
#include <ostream>
#include <span>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "base/json.hpp"

/// What `callgate approvals` shows: approvals as the admin API writes them, for
/// a person at a terminal. All text of agents and servers is shown with its
/// invisible characters written out, so that it can neither hide what will run
/// nor move the cursor.
namespace callgate::cli {

/// One approval of the admin API.
struct ApprovalView {
  std::string id;
  std::string state;
  std::string server;
  std::string address;
  std::string tool;
  std::string arguments;  ///< JSON
  std::string grant;
  std::string session;
  std::string rule;
  std::string reason;
  std::string answered_by;
  std::string answer_reason;
  std::int64_t asked_ms = 0;    ///< wall time; 0 where the gateway did not say
  std::int64_t expires_ms = 0;
  std::string json;  ///< as the gateway wrote it

  bool waits() const { return state == "waiting"; }
};

/// Error: `malformed` when it has no id or state.
Result<ApprovalView> read_approval(json::Value value);

/// How the terminal is and what time it is.
struct Showing {
  enum class Colours : std::uint8_t { off, on };
  Colours colours = Colours::off;
  std::int64_t now_ms = 0;  ///< wall time
};

/// A line each: id, state (with `with_state`), age, time left, server, tool, who asked.
enum class Columns : std::uint8_t { waiting, with_state };
void write_approvals(std::ostream& out, std::span<const ApprovalView> approvals, Columns columns, const Showing& showing);

/// All of one approval, its arguments over several lines.
void write_approval(std::ostream& out, const ApprovalView& approval, const Showing& showing);

/// Unix time in ms of `2026-11-23T05:35:13.123Z`; 0 where the text is no such time.
std::int64_t read_utc(std::string_view text);

/// `45s`, `9m 48s`, `3h 2m`, `2d 4h`; negative spans count as none.
std::string span_text(std::int64_t ms);

}  // namespace callgate::cli
