#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "audit/line.hpp"
#include "audit/line_buffer.hpp"
#include "audit/record.hpp"
#include "audit/removal.hpp"
#include "audit/signer.hpp"
#include "audit/sink.hpp"
#include "audit/syncer.hpp"
#include "base/clock.hpp"
#include "base/error.hpp"
#include "base/ids.hpp"
#include "base/log.hpp"
#include "base/sha256.hpp"
#include "policy/permit.hpp"

namespace callgate::audit {

/// When a record is on the disk.
enum class Sync : std::uint8_t {
  none,   ///< when the system likes to
  batch,  ///< some 50 ms later, by a thread of its own (the default)
  each,   ///< before the permit is given; caps the gateway at a few hundred calls a second
};

/// What goes on while the disk is full. Nothing ever does without its record.
enum class OnFull : std::uint8_t {
  refuse,         ///< nothing
  refuse_medium,  ///< what may use the reserve, until that is used up
};

struct JournalOptions {
  std::string directory;  ///< DATA/journal; the instance's folder is made in it
  std::string instance;   ///< its name; empty: a new ULID, so that names sort by start
  Sync sync = Sync::batch;
  std::uint64_t segment_bytes = 64ULL << 20U;  ///< a segment is closed once it has this size
  std::chrono::milliseconds segment_age = std::chrono::hours(9 * 24);  ///< or is so old, so that records of quiet times can be removed
  std::chrono::milliseconds sync_every{50};
  std::chrono::seconds checkpoint_every{60};
  OnFull on_full = OnFull::refuse;
  std::uint64_t reserve_bytes = 16ULL << 20U;  ///< kept allocated under `refuse_medium`
  std::string signing_key;  ///< path of the Ed25519 key (made at first use); empty: no checkpoints
};

/// The claim to a permit for one record. Only a journal makes one; it is given
/// back to that journal, once.
class Ticket {
 public:
  Ticket(Ticket&& other) noexcept { *this = std::move(other); }
  Ticket& operator=(Ticket&& other) noexcept {
    journal_ = std::exchange(other.journal_, nullptr);
    id_ = other.id_;
    batch_ = other.batch_;
    seq_ = other.seq_;
    grants_ = other.grants_;
    may_use_reserve_ = other.may_use_reserve_;
    return *this;
  }
  Ticket(const Ticket&) = delete;
  Ticket& operator=(const Ticket&) = delete;
  ~Ticket() = default;

  std::uint64_t seq() const { return seq_; }  ///< of the record in its chain

 private:
  friend class Journal;
  enum class Grants : std::uint8_t { nothing, decided, internal };
  Ticket() = default;

  const Journal* journal_ = nullptr;  ///< null once spent or moved from
  Ulid id_;
  std::uint64_t batch_ = 0;
  std::uint64_t seq_ = 0;
  Grants grants_ = Grants::nothing;
  bool may_use_reserve_ = true;
};

/// The record of every call: a chain of JSON lines in segment files that only
/// grow, and the one source of permits.
///
/// A turn of the loop: `record` each decision (formats into one buffer), `flush`
/// once (one write), then `permit` for each ticket. What could not be written
/// gives no permit, so its call is refused (security S24).
///
/// INVARIANT: a Permit exists only after the record that allows its message was
/// written (with `Sync::each`: is on the disk).
/// INVARIANT: at every moment the files hold one unbroken chain, apart from an
/// unfinished last line of a segment.
///
/// Errors: `unavailable` where the disk refuses. Threads: one; syncing has its own.
class Journal {
 public:
  static Result<std::unique_ptr<Journal>> open(JournalOptions options, const Clock& clock, Log& log);
  /// The same on a sink of the caller's (tests).
  static Result<std::unique_ptr<Journal>> open(JournalOptions options, std::unique_ptr<Sink> sink, const Clock& clock,
                                               Log& log);
  /// Flushes, closes the chain with a last checkpoint, and syncs.
  ~Journal();
  Journal(const Journal&) = delete;
  Journal& operator=(const Journal&) = delete;

  Ulid next_id() { return ids_.next_ulid(clock_.wall_ms()); }

  /// Puts a decision on record; any verdict. The ticket is good for a permit
  /// only if the verdict is `allow`. pre: `call.id` comes from `next_id`.
  Ticket record(const CallRecord& call);
  /// The same for the gateway's own traffic; makes its own id.
  Ticket record_internal(Internal kind, std::string_view server, std::string_view era = {});
  /// A refusal that nobody's decision stands behind.
  void refused(const Refusal& refusal);
  /// How the call of that id ended. Written by the next flush.
  void outcome(std::string_view id, const Outcome& outcome);
  /// Says that these segments are about to be removed; returns once that is
  /// signed and on the disk (under `Sync::none`: written). Errors: `unavailable`;
  /// then they must stay.
  Result<void> removed(const Removal& removal);

  bool has_unwritten() const { return !buffer_.empty(); }
  /// A decision is among what is unwritten, so its call waits for `flush`.
  /// Outcomes wait for nothing: the next decision may take them along.
  bool is_awaited() const { return awaited_; }
  /// Writes all that was recorded since the last flush. On an error none of it
  /// counts as recorded and its tickets give no permits.
  Result<void> flush();
  /// Errors: `conflict` before the flush (the ticket stays good), `unavailable`
  /// after a failed one, `refused` where the record allows nothing or the ticket
  /// was used.
  Result<policy::Permit> permit(Ticket&& ticket);

  /// The disk is full: only records that may use the reserve give permits.
  bool is_on_reserve() const { return health_.on_reserve; }

  /// Signs the chain as it stands, if a minute has passed since the last time
  /// and something was recorded; closes a segment that is old; leaves the reserve
  /// once the disk has room for a new one. Called about twice a second.
  void tick();

  /// Whether the last write and sync succeeded, and what was lost since the start.
  struct Health {
    bool writing = true;
    bool on_reserve = false;      ///< the disk is full
    std::string fault;            ///< of the last failure; stays for reading after recovery
    std::uint64_t records = 0;    ///< written
    std::uint64_t lost = 0;       ///< of failed batches: their calls were refused, their outcomes are unknown
  };
  const Health& health() const { return health_; }
  const std::string& instance() const { return options_.instance; }
  /// Number of the last record, written or not: `replay` from here finds all later ones.
  std::uint64_t last_seq() const { return chain_.seq; }

 private:
  Journal(JournalOptions options, std::unique_ptr<Sink> sink, std::optional<Signer> signer, const Clock& clock,
          Log& log);

  void begin_record();
  std::string_view begin_line(std::int64_t now_ms);
  void end_line();
  void add_gap();
  void add_checkpoint(std::string_view reason);
  Ticket ticket(const Ulid& id, Ticket::Grants grants);

  Result<void> make_ready();
  Result<void> next_segment();
  void began_segment();
  Result<void> write_batch();
  Written write_buffer();
  void committed();
  std::unexpected<Error> give_up(std::size_t landed, Error error);
  void keep_landed_lines(std::size_t landed);
  void end_batch();
  bool batch_failed(std::uint64_t batch) const;
  void note_failure(const Error& error);
  void close_segment();

  // journal_reserve.cpp: what happens when the disk is full
  void take_reserve();
  bool go_on_in_reserve(std::size_t landed);
  void leave_reserve();
  bool takes(const CallRecord& call) const;
  bool reserve_is_half_used() const;
  Ticket turned_away();

  struct Chain {
    std::uint64_t seq = 0;  ///< of the last record
    std::array<char, 64> hash{};
    std::int64_t unsigned_since_ms = -1;  ///< wall time of the first record that no signature covers; -1: all are covered
  };

  JournalOptions options_;
  std::unique_ptr<Sink> sink_;
  std::optional<Signer> signer_;
  const Clock& clock_;
  Log& log_;
  IdSource ids_;
  UtcText utc_;
  std::string head_;   ///< constant members of every line
  Sha256 hash_;

  LineBuffer buffer_;       ///< whole lines, not yet written
  std::size_t line_start_ = 0;
  std::int64_t line_ms_ = 0;  ///< its wall time
  std::int64_t batch_ms_ = 0; ///< that of the first line in the buffer
  Chain chain_;             ///< including the buffer
  Chain written_;           ///< as it stands in the files
  std::uint64_t batch_ = 1; ///< number of the batch in the buffer
  static constexpr std::size_t remembered_failures = 64;
  std::vector<std::uint64_t> failed_;  ///< latest failed batches, ascending, no more than these
  std::uint64_t forgotten_ = 0;  ///< tickets of batches up to here are refused

  std::uint64_t segment_ = 0;       ///< number of the current one
  std::uint64_t segment_size_ = 0;
  BootTime segment_until_;          ///< the current one is old from then on
  bool wants_segment_ = false;      ///< the current one is full
  bool needs_segment_ = true;       ///< the current one must not be appended to
  bool has_reserve_ = false;        ///< it waits
  bool reserve_missed_ = false;     ///< and that was said
  std::uint64_t reserve_batch_ = 0; ///< the one that found the disk full
  bool prove_sync_ = false;         ///< a sync failed: sync inline until one succeeds
  std::uint64_t pending_ = 0;       ///< records in the buffer
  bool awaited_ = false;            ///< a ticket was given for one of them
  std::uint64_t lost_ = 0;          ///< records of failed batches, for the next gap record
  std::uint64_t unpermitted_ = 0;   ///< of them, those that are in the files all the same
  bool gap_in_buffer_ = false;
  BootTime next_checkpoint_;
  std::uint64_t checkpoint_seq_ = 0;
  Health health_;
  std::unique_ptr<Syncer> syncer_;  ///< last: stops before the sink goes
};

}  // namespace callgate::audit
