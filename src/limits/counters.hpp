#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "net/task.hpp"
#include "policy/decision.hpp"

/// Counting calls against limits (docs/policy-language.md section 4, `rate_limit`).
///
/// A limit is exact: never more than `max` calls in any interval of its window's
/// length. A call made exactly one window ago has left. Time comes in; nothing
/// here reads a clock.
namespace callgate::limits {

/// Whose call it is. A counter is (server, scope, limit id, key values), and the
/// key values lie below the grant: those of `session` are grant and session. No
/// grant is the anonymous caller, whose key is empty; likewise no session.
struct Subject {
  std::string_view server;
  std::string_view grant;
  std::string_view session;
  /// Whose policy states the limits: `server`, or the id of the grant. For the
  /// calls that take limits of one policy only.
  std::string_view scope = "server";
};

/// The limits that one policy puts on a call.
struct Ask {
  std::span<const policy::RateLimit* const> limits;
  std::string_view scope;
};

/// How the limits of a call stand, counted over all asks in their order.
struct Look {
  bool free = true;
  const policy::RateLimit* limit = nullptr;  ///< the first that blocks; null if none does
  std::size_t blocking = 0;                  ///< its index
  Nanos retry_after{0};         ///< the longest wait of those that block
  std::uint64_t remaining = UINT64_MAX;  ///< calls left in the tightest; UINT64_MAX without limits
  std::string fault;  ///< not empty: the counters could not be asked, and why; never free then
};

/// One call's share of its limits: kept, or given back if no byte of the call
/// was sent. Dropping it keeps it.
class Taken {
 public:
  Taken(Taken&& other) noexcept
      : at_(other.at_), size_(std::exchange(other.size_, 0)), few_(other.few_), more_(std::move(other.more_)), receipt_(std::move(other.receipt_)) {}
  Taken& operator=(Taken&& other) noexcept {
    at_ = other.at_;
    size_ = std::exchange(other.size_, 0);
    few_ = other.few_;
    more_ = std::move(other.more_);
    receipt_ = std::move(other.receipt_);
    return *this;
  }
  Taken(const Taken&) = delete;
  Taken& operator=(const Taken&) = delete;
  ~Taken() = default;

  std::size_t size() const { return size_; }
  /// Calls left in the i-th limit after this one, and in the tightest.
  std::uint64_t remaining(std::size_t i) const { return part(i).remaining; }
  std::uint64_t remaining() const;

 private:
  friend class MemoryCounters;
  friend class RedisCounters;
  struct Part {
    std::uint64_t counter = 0;
    std::uint64_t remaining = 0;
  };
  /// What a server that counts needs to take the call out again.
  struct Receipt;
  explicit Taken(BootTime at) : at_(at) {}
  void add(Part part);
  const Part& part(std::size_t i) const { return i < few_.size() ? few_[i] : more_[i - few_.size()]; }

  BootTime at_;
  std::size_t size_ = 0;
  std::array<Part, 4> few_{};  ///< calls with more limits are rare, and may allocate
  std::vector<Part> more_;
  std::shared_ptr<const Receipt> receipt_;  ///< null where this process counts
};

/// A point in time on both clocks, for counters that outlive a process or a boot.
struct Moment {
  BootTime now;
  std::int64_t wall_ms = 0;
  std::string_view boot_id;
  static Moment of(const Clock& clock) { return {clock.now(), clock.wall_ms(), clock.boot_id()}; }
};

/// All counters that a gateway's calls are held against. Where a server counts
/// for several gateways, an answer takes a while: what changed meanwhile (the
/// session ended, the client left) is for the caller to look at. A task that is
/// dropped before its answer leaves the call counted: the safe side.
/// Threads: the loop's.
class Counters {
 public:
  using TakeResult = std::expected<Taken, Look>;

  virtual ~Counters() = default;

  /// How the limits stand; takes nothing. `asks` and the limits in them outlive
  /// the task, `who` need not.
  virtual net::Task<Look> look(std::span<const Ask> asks, const Subject& who, BootTime now) = 0;
  /// Counts the call in all its limits, or in none if one is full or nobody
  /// could be asked. Begins at once, also before it is awaited.
  virtual net::Task<TakeResult> take(std::span<const Ask> asks, const Subject& who, BootTime now) = 0;
  /// Takes the call out again; only if no byte of it was sent.
  virtual void give_back(Taken&& taken) = 0;
  /// The session is over; new sessions of the same grant start with its counts
  /// while their window runs. `scope` does not matter.
  virtual void session_ended(const Subject& who, BootTime now) = 0;
  /// Whether calls can be counted now. Error: why not.
  virtual Result<void> health() const { return {}; }
};

}  // namespace callgate::limits
