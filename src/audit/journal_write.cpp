// How the journal's buffer reaches the disk, and what happens when it does not.
#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "audit/journal.hpp"

namespace callgate::audit {
namespace {

Error write_error(int error) {
  return {ErrorKind::unavailable, fmt::format("cannot write to the journal: {}", std::strerror(error)), {}};
}

}  // namespace

Result<void> Journal::flush() {
  if (buffer_.empty()) return {};
  if (signer_ && clock_.now() >= next_checkpoint_) add_checkpoint("time");
  Result<void> done = make_ready();
  if (done) {
    done = write_batch();
  } else {
    done = give_up(0, std::move(done).error());
  }
  end_batch();
  if (done && segment_size_ >= options_.segment_bytes && !wants_segment_ && !health_.on_reserve) close_segment();
  return done;
}

/// A full segment ends with a checkpoint; the next batch opens the next one.
void Journal::close_segment() {
  wants_segment_ = true;
  add_checkpoint("segment");
  (void)write_batch();
  end_batch();
}

Result<void> Journal::make_ready() {
  if (syncer_) {
    if (const std::optional<Error> error = syncer_->take_error()) {
      // What was written may be lost, and the kernel forgets such an error once
      // told: go on in a new file, and give no permit before a sync succeeded.
      note_failure(*error);
      prove_sync_ = true;
      needs_segment_ = true;
    }
  }
  if (!needs_segment_ && !wants_segment_) return {};
  Result<void> opened = next_segment();
  if (!opened && !needs_segment_) return {};  // a segment beyond its size is better than a refusal
  return opened;
}

Result<void> Journal::next_segment() {
  if (Result<void> opened = sink_->open_segment(segment_name(segment_ + 1)); !opened) return opened;
  began_segment();
  return {};
}

void Journal::began_segment() {
  ++segment_;
  segment_size_ = 0;
  segment_until_ = clock_.now() + options_.segment_age;
  wants_segment_ = false;
  needs_segment_ = false;
}

Written Journal::write_buffer() {
  std::size_t landed = 0;
  while (landed < buffer_.size()) {
    const Written written = sink_->write(buffer_.view().substr(landed));
    landed += written.bytes;
    if (written.error != 0) return {landed, written.error};
    if (written.bytes == 0) return {landed, EIO};
  }
  return {landed, 0};
}

Result<void> Journal::write_batch() {
  Written written = write_buffer();
  const bool full = written.error == ENOSPC || written.error == EDQUOT;
  if (full && go_on_in_reserve(written.bytes)) written = write_buffer();
  const std::size_t landed = written.bytes;
  if (written.error != 0) return give_up(landed, write_error(written.error));
  if (options_.sync == Sync::each || prove_sync_) {
    if (Result<void> synced = sink_->sync(); !synced) {
      prove_sync_ = true;
      std::unexpected<Error> error = give_up(landed, std::move(synced).error());
      needs_segment_ = true;
      return error;
    }
    prove_sync_ = false;
  }
  committed();
  return {};
}

void Journal::committed() {
  segment_size_ += buffer_.size();
  written_ = chain_;
  health_.records += pending_;
  if (gap_in_buffer_) {
    lost_ = 0;
    unpermitted_ = 0;
  }
  if (!health_.writing) log_.info("journal_recovered", {{"instance", options_.instance}, {"lost", health_.lost}});
  health_.writing = true;
  if (syncer_) syncer_->touch();
}

/// Takes the batch back: out of the file as far as possible, and out of the
/// chain. Its tickets give no permits.
std::unexpected<Error> Journal::give_up(std::size_t landed, Error error) {
  failed_.push_back(batch_);
  if (failed_.size() > remembered_failures) {
    forgotten_ = failed_.front();
    failed_.erase(failed_.begin());
  }
  health_.lost += pending_;
  lost_ += pending_;
  if (landed > 0 && !sink_->truncate(segment_size_)) {
    keep_landed_lines(landed);
    needs_segment_ = true;
  }
  chain_ = written_;
  next_checkpoint_ = clock_.now();  // the batch may have held one
  note_failure(error);
  return std::unexpected(std::move(error));
}

/// Lines that cannot be taken out of the file stay part of the chain, so that it
/// still verifies; a torn one after them ends its segment.
void Journal::keep_landed_lines(std::size_t landed) {
  const std::string_view bytes = buffer_.view().substr(0, landed);
  const std::size_t last = bytes.rfind('\n');
  if (last == std::string_view::npos) return;
  const std::string_view lines = bytes.substr(0, last + 1);
  const auto count = static_cast<std::uint64_t>(std::ranges::count(lines, '\n'));
  // …"hash":"<64 digits>"}\n
  lines.substr(lines.size() - 67, 64).copy(written_.hash.data(), 64);
  written_.seq += count;
  if (written_.unsigned_since_ms < 0) written_.unsigned_since_ms = batch_ms_;
  unpermitted_ += count;
}

void Journal::end_batch() {
  buffer_.clear();
  awaited_ = false;
  pending_ = 0;
  gap_in_buffer_ = false;
  ++batch_;
}

void Journal::note_failure(const Error& error) {
  if (health_.writing) log_.error("journal_failed", {{"instance", options_.instance}, {"reason", error.message}});
  health_.writing = false;
  health_.fault = error.message;
}

}  // namespace callgate::audit
