#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/slot_index.hpp"
#include "limits/counter_name.hpp"
#include "limits/counters.hpp"
#include "limits/window.hpp"

namespace callgate::limits {

class SnapshotReader;

/// Counters in the memory of one process. A take costs some tens of nanoseconds
/// a limit and allocates only for a counter it has not seen. Counters whose
/// window has passed are cleared away a few at a time as calls come, so memory follows the
/// calls of the last windows, not the number of sessions there ever were.
class MemoryCounters final : public Counters {
 public:
  using LimitSpan = std::span<const policy::RateLimit* const>;

  net::Task<Look> look(std::span<const Ask> asks, const Subject& who, BootTime now) override;
  net::Task<TakeResult> take(std::span<const Ask> asks, const Subject& who, BootTime now) override;
  void give_back(Taken&& taken) override;
  void session_ended(const Subject& who, BootTime now) override;

  /// The same without a task: nobody has to be waited for here.
  Look look_now(std::span<const Ask> asks, const Subject& who, BootTime now);
  TakeResult take_now(std::span<const Ask> asks, const Subject& who, BootTime now);
  /// For the limits of one policy, `who.scope`.
  Look look_now(LimitSpan limits, const Subject& who, BootTime now);
  TakeResult take_now(LimitSpan limits, const Subject& who, BootTime now);
  /// Counts a call that was made at `at`, whatever the limit says (a record read at the start).
  void count(const policy::RateLimit& limit, const Subject& who, BootTime at, BootTime now);

  /// All counts as bytes that `restore` reads, also in another process or boot.
  std::string snapshot(const Moment& moment) const;
  /// Replaces all counts by those of a process that has gone, and its sessions
  /// with it: new ones of the same grant start with their counts. Across a boot
  /// the wall clock tells how much time passed; set back, it counts as none
  /// (security S26). Errors: `malformed`; nothing changed.
  Result<void> restore(std::string_view bytes, const Moment& moment);
  /// The same, beside the counts that are here: of another process that has gone.
  Result<void> absorb(std::string_view bytes, const Moment& moment);

  std::size_t size() const { return counters_.size() - free_counters_.size(); }  ///< counters held

 private:
  static constexpr std::uint32_t none = SlotIndex::none;

  /// One limit of one policy of one server, whatever its max.
  struct Meter {
    std::string server;
    std::string scope;
    std::string rule;  ///< of its `CounterName`, as is `rest`
    std::string rest;
    Rate rate;       ///< its max, the largest that these counters were held against, says how they are kept
    std::uint64_t hash = 0;
    std::uint32_t counters = 0;  ///< that belong to it
    bool per_session = false;
    bool per_grant = false;
  };
  /// Whose calls of a meter a counter counts.
  enum class Kind : std::uint8_t {
    plain,   ///< of a grant or of everybody
    session,
    ended,   ///< of the ended sessions of a grant
  };
  struct Counter {
    Counter(std::uint32_t its_meter, const Rate& rate) : meter(its_meter), window(rate) {}
    std::uint32_t meter;
    std::uint32_t generation = 0;  ///< tells the users of a slot apart
    std::uint32_t next_of_session = none;
    Kind kind = Kind::plain;
    bool held = false;
    std::uint64_t hash = 0;
    std::string grant;
    std::string session;
    Window window;
  };
  struct Key {
    std::uint32_t meter = none;
    Kind kind = Kind::plain;
    std::string_view grant;
    std::string_view session;
    std::uint64_t hash = 0;
  };

  static std::uint64_t meter_hash(const Subject& who, std::string_view scope, const CounterName& name);
  std::uint32_t find_meter(std::uint64_t hash, const Subject& who, std::string_view scope, const CounterName& name) const;
  std::uint32_t find_meter(const policy::RateLimit& limit, const Subject& who, std::string_view scope);
  std::uint32_t meter_for(const policy::RateLimit& limit, const Subject& who, std::string_view scope);
  std::uint32_t add_meter(Meter meter);

  static Key key_of(std::uint32_t meter, std::uint64_t meter_hash, Kind kind, std::string_view grant,
                    std::string_view session);
  Key key_for(std::uint32_t meter, const Subject& who) const;
  std::uint32_t find(const Key& key) const;
  std::uint32_t find_or_make(const Key& key, std::int64_t now);
  std::uint32_t make_with_inherited(const Key& key, std::int64_t now);
  std::uint64_t to_inherit(const Key& key, std::int64_t now);
  std::uint32_t make(const Key& key);
  void clear_away(std::uint32_t slot);
  void clear_some(std::int64_t now);

  static std::uint64_t session_hash(std::string_view server, std::string_view grant, std::string_view session);
  std::uint32_t first_of_session(const Subject& who) const;
  void link_to_session(std::uint32_t slot);
  void unlink_from_session(std::uint32_t slot);
  void pass_on(const Counter& session, std::int64_t now);
  void merge(std::uint32_t slot, std::vector<Batch> calls);
  static Result<MemoryCounters> read(std::string_view bytes, const Moment& moment);
  bool read_counter(SnapshotReader& reader, bool with_max, std::int64_t shift, std::int64_t now);
  void end_all_sessions(std::int64_t now);

  struct State {
    std::uint64_t used = 0;
    std::int64_t wait = 0;
  };
  State state_of(const policy::RateLimit& limit, const Subject& who, std::string_view scope, std::int64_t now);
  std::int64_t at_least(BootTime now);
  /// Of a limit whose counter an earlier one of the call stands for; no counter's.
  static constexpr std::uint64_t counted_already = UINT64_MAX;
  static bool counts(const Taken& taken, std::uint64_t counter);
  void undo(const Taken& taken);

  std::vector<Meter> meters_;
  std::vector<std::uint32_t> free_meters_;
  SlotIndex meter_index_;
  /// Where a limit's meter was found last, by the limit's address: a hint that
  /// saves hashing its names. Always compared, as addresses are used again. So
  /// many that even some dozen limits in use seldom share one.
  std::array<std::uint32_t, 256> meter_hints_{};
  std::vector<Counter> counters_;
  std::vector<std::uint32_t> free_counters_;
  SlotIndex counter_index_;
  SlotIndex session_index_;  ///< the first counter of each session; the others hang on it
  std::size_t sweep_ = 0;    ///< where clearing away goes on
  int unswept_ = 0;          ///< times it was asked to since it last did
  std::int64_t now_ = INT64_MIN;  ///< the latest time seen; an earlier one counts as this
};

}  // namespace callgate::limits
