#pragma once

#include <coroutine>
#include <string_view>
#include <utility>

#include "audit/journal.hpp"
#include "gateway/parts.hpp"
#include "net/loop.hpp"

namespace callgate::gateway {

/// For an allow that was put on record: waits until the turn's one write has landed;
/// then, and only then, there is a permit. To be awaited at once; every call waits
/// here, so it has no frame of its own.
class PermitAfterRecord {
 public:
  PermitAfterRecord(net::Loop& loop, audit::Journal& journal, audit::Ticket ticket)
      : written_(loop.turn_end()), journal_(journal), ticket_(std::move(ticket)) {}
  bool await_ready() const { return false; }
  void await_suspend(std::coroutine_handle<> handle) { written_.await_suspend(handle); }
  Result<policy::Permit> await_resume() { return journal_.permit(std::move(ticket_)); }

 private:
  net::Loop::Stage written_;
  audit::Journal& journal_;
  audit::Ticket ticket_;
};

inline net::Task<Result<policy::Permit>> permit_of(net::Loop& loop, audit::Journal& journal, audit::Ticket ticket) {
  co_return co_await PermitAfterRecord(loop, journal, std::move(ticket));
}

/// The same for a message of the gateway's own to that server; `era`: as records name it.
inline net::Task<Result<policy::Permit>> permit_for_own(const Parts& parts, audit::Internal kind, std::string_view server, std::string_view era = {}) {
  return permit_of(parts.loop, parts.journal, parts.journal.record_internal(kind, server, era));
}

/// Writes the outcome's record when the call ends, however it ends: answered,
/// failed, or the frame destroyed because the client went away or the gateway
/// stopped. Until it is handed to the link it was not sent.
class CallOutcome {
 public:
  CallOutcome(audit::Journal& journal, Ulid id, const bool& stopping)
      : journal_(journal), id_(id), stopping_(stopping), began_(net::Loop::read_clock()) {}
  CallOutcome(const CallOutcome&) = delete;
  CallOutcome& operator=(const CallOutcome&) = delete;
  ~CallOutcome() {
    if (unrecorded_) return;
    if (outcome_.status.empty()) outcome_.status = !sending_ ? "not_sent" : stopping_ ? "gateway_stopped" : "client_left";
    const auto took = net::Loop::read_clock() - began_;
    outcome_.latency = std::chrono::duration_cast<std::chrono::microseconds>(took);
    journal_.outcome(id_.text(), outcome_);
  }

  void sending() { sending_ = true; }
  /// The decision could not be written: nothing is said of it.
  void unrecorded() { unrecorded_ = true; }
  void ended(std::string_view status, bool is_error, std::size_t bytes) {
    outcome_.status = status;
    outcome_.is_error = is_error;
    outcome_.bytes = bytes;
  }

 private:
  audit::Journal& journal_;
  Ulid id_;
  const bool& stopping_;
  net::Instant began_;
  bool sending_ = false;
  bool unrecorded_ = false;
  audit::Outcome outcome_{.status = {}, .is_error = true, .bytes = 0, .latency = {}};
};

}  // namespace callgate::gateway
