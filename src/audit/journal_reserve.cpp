// What happens when the disk is full: the chain goes on in a segment whose
// blocks were set aside before, for calls that may use it.
#include "audit/journal.hpp"

namespace callgate::audit {

/// Sets a reserve aside. That there is room for it ends the time on the last one.
void Journal::take_reserve() {
  if (options_.on_full == OnFull::refuse || has_reserve_) return;
  if (Result<void> kept = sink_->keep_reserve(options_.reserve_bytes); !kept) {
    if (!reserve_missed_ && !health_.on_reserve) log_.warn("journal_reserve_missing", {{"instance", options_.instance}, {"fault", kept.error().message}});
    reserve_missed_ = true;
    return;
  }
  reserve_missed_ = false;
  has_reserve_ = true;
  if (health_.on_reserve) leave_reserve();
}

/// After a write that met a full disk and of which `landed` bytes are in the file.
bool Journal::go_on_in_reserve(std::size_t landed) {
  if (!has_reserve_ || (landed > 0 && !sink_->truncate(segment_size_))) return false;
  if (!sink_->open_reserve(segment_name(segment_ + 1))) return false;
  began_segment();
  has_reserve_ = false;
  reserve_batch_ = batch_;
  health_.on_reserve = true;
  health_.fault = "the disk of the journal is full: until it has room, only calls of low risk are recorded and go on";
  log_.error("journal_on_reserve", {{"instance", options_.instance}, {"reason", health_.fault}});
  return true;
}

void Journal::leave_reserve() {
  health_.on_reserve = false;
  log_.info("journal_off_reserve", {{"instance", options_.instance}, {"lost", health_.lost}});
  if (!flush() || needs_segment_ || wants_segment_) return;
  close_segment();
  // Nothing more is written there: the rest of its blocks is free again. Lines
  // that landed and did not count are none here, or a new segment were needed.
  if (!needs_segment_) [[maybe_unused]] const auto cut = sink_->truncate(segment_size_);
}

/// On the reserve: what goes on, and refusals as long as they leave it half of the
/// room, so that an agent cannot use it up by calls that are refused.
bool Journal::takes(const CallRecord& call) const {
  if (call.verdict == policy::Verdict::allow) return call.may_use_reserve;
  return !reserve_is_half_used();
}

bool Journal::reserve_is_half_used() const { return segment_size_ + buffer_.size() > options_.reserve_bytes / 2; }

/// Counted for the next gap record; gives no permit.
Ticket Journal::turned_away() {
  ++lost_;
  ++health_.lost;
  Ticket made;
  made.journal_ = this;
  made.seq_ = chain_.seq;  // of no record: batch 0 counts as failed
  return made;
}

}  // namespace callgate::audit
