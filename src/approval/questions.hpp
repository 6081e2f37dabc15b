#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "approval/question.hpp"
#include "approval/waiter.hpp"
#include "base/error.hpp"
#include "net/task.hpp"

namespace callgate::approval {

/// Hears what became of a question. May ask, use and let go of any waiter while
/// it is called; the approval passed is a copy of that moment.
using Listener = std::function<void(const Approval&)>;

/// By which states of calls that wait are sealed (`approval/round_state.hpp`).
using SealKey = std::array<std::uint8_t, 32>;

/// Makes the id of a question: a ULID.
using MakeId = std::function<std::string(std::int64_t wall_ms)>;

/// What `ask` answers.
struct Asked {
  Approval approval;  ///< state `waiting`; `approved`: try `use`; `denied`: the no that an earlier "ask again" was owed
  Waiter waiter;      ///< holds no place when denied
};

enum class Answer : std::uint8_t { yes, no };

struct Limits {
  std::size_t waiting_per_grant = 20;   ///< questions; under `auth: none` per session
  std::size_t waiting = 1'000;          ///< questions of all grants
  std::size_t calls_per_question = 64;  ///< identical calls that wait on one question
  std::size_t argument_bytes = 1 << 20; ///< more than this cannot be shown to a person
  std::size_t open_bytes = 32 << 20;    ///< arguments of all open questions
  std::size_t kept = 1'000;             ///< finished questions for `list` and `show`
  std::size_t kept_bytes = 16 << 20;    ///< their arguments
  std::chrono::hours kept_for{24};
  std::chrono::seconds yes_lasts{600};  ///< a yes is good for one run within this time
};

/// The questions to people of one gateway, or of several that share a server:
/// asked once for identical calls, bound to the exact call, answered, used once,
/// expired (policy-language.md section 4 `approval`, security.md S20).
///
/// Where a server keeps them an answer takes a while: what changed meanwhile
/// (the session ended, the client left) is for the caller to look at. When it
/// cannot be asked, everything answers `unavailable`, `timeout` or `closed`, and
/// nothing was let through. Threads: the loop's.
class Questions {
 public:
  virtual ~Questions() = default;

  /// Joins the open question of the same binding or asks a new one. `listener`
  /// is called at most once, when the waiting ends while the waiter keeps its
  /// place: approved, denied or expired; never where the answer is there already.
  /// Errors that are a reason to refuse the call: `refused` (too many wait),
  /// `too_large` (arguments), `invalid` (timeout below 1 s).
  virtual net::Task<Result<Asked>> ask(Question question, Listener listener, Moment now) = 0;

  /// Takes the yes of the waiter's question for one run of the call that
  /// `binding` describes: the binding as judged again now. Atomic: of several
  /// calls one gets it. Take the limits first, use last, then forward
  /// `stored_arguments()`. Error `conflict` (not approved, used, expired, or
  /// the call is no longer the one that was approved): ask anew. After any other
  /// error, or a task that is dropped, the yes may be used up. `waiter` outlives the task.
  virtual net::Task<Result<Approval>> use(Waiter& waiter, Binding binding, Moment now) = 0;

  /// A person's answer. `by` names the person; the grant that asked may not
  /// answer itself. Errors: `not_found`, `conflict` (no longer waiting), `refused`.
  virtual net::Task<Result<Approval>> answer(std::string id, Answer answer, std::string by, std::string reason, Moment now) = 0;

  virtual net::Task<Result<std::optional<Approval>>> find(std::string id, Moment now) = 0;
  /// Oldest first.
  virtual net::Task<Result<std::vector<Approval>>> list(std::optional<State> state, Moment now) = 0;
  /// How many wait.
  virtual net::Task<Result<std::size_t>> waiting(Moment now) = 0;

  /// The one key of all gateways that ask and answer these questions.
  virtual net::Task<Result<SealKey>> seal_key(Moment now) = 0;

  /// Ends what has run out, where nobody else does it.
  virtual void expire(Moment now) = 0;
  /// Questions stay when this gateway goes: their answer is found through another one.
  virtual bool outlive_gateway() const = 0;
};

}  // namespace callgate::approval
