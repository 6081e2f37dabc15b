#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "upstream/bridge.hpp"

namespace callgate::upstream {

class CommonSession;

/// A child that several sessions share, since its server is marked so. It is opened
/// once, by the gateway, which declares nothing that a client can do: nobody could
/// tell whose client such a child asks. What it says unasked goes to all sessions;
/// news of a resource to those that watch it, its log to those that chose a level.
/// Threads: the loop's.
class CommonChild {
 public:
  using MakeLink = std::function<Result<std::shared_ptr<Link>>()>;
  /// `make`: a link whose ids are its own.
  CommonChild(BridgeParts parts, mcp::Revision revision, MakeLink make);
  ~CommonChild() { tasks_.cancel(); }
  CommonChild(const CommonChild&) = delete;
  CommonChild& operator=(const CommonChild&) = delete;

  /// Starts the child where that has not begun.
  void start();
  /// Until it has answered the handshake, `time` at most. Errors: why it did not.
  net::Task<Result<void>> opened(std::chrono::milliseconds time);
  bool starting() const { return state_ == State::fresh || state_ == State::opening; }
  /// It may still open, or is open and there.
  bool alive() const { return starting() || (state_ == State::open && link_->alive()); }

 private:
  friend class CommonSession;
  class Hearer;
  enum class State : std::uint8_t { fresh, opening, open, failed };

  net::Task<void> open();
  net::Task<Result<void>> shake_hands(Sink& sink);
  net::Task<Forwarded> say(Own own, std::string text, Sink& sink);
  net::Task<void> answer(std::string text);
  net::Task<void> tell(const Event& event);
  bool is_watched(const std::string& uri) const;

  const BridgeParts parts_;
  const mcp::Revision revision_;
  const MakeLink make_;
  State state_ = State::fresh;
  Error why_;
  std::shared_ptr<Link> link_;
  std::unique_ptr<Sink> hearer_;
  std::string answer_;  ///< to the handshake
  std::vector<CommonSession*> sessions_;
  net::Broadcast changed_;
  net::TaskGroup tasks_;
};

/// One session of a child that is shared. What only the child's own session has is
/// answered here; requests go to the child under ids of the gateway's.
class CommonSession final : public Link {
 public:
  /// The child for sessions of that revision.
  using Find = std::function<std::shared_ptr<CommonChild>(mcp::Revision)>;
  CommonSession(Find find, std::chrono::milliseconds start_time) : find_(std::move(find)), start_time_(start_time) {}
  ~CommonSession() override { leave(); }

  void on_unsolicited(Sink* sink) override { unsolicited_ = sink; }
  void agreed(std::string_view /*revision*/) override {}
  bool alive() const override { return !ended_ && (!child_ || child_->alive()); }
  bool starting() const override { return child_ && child_->starting(); }

 protected:
  net::Task<Forwarded> transmit(Outbound out, Sink& sink) override;

 private:
  friend class CommonChild;
  net::Task<Forwarded> open(Outbound out);
  net::Task<Forwarded> pass(Outbound out, Sink& sink);
  net::Task<Forwarded> watch(Outbound out, Sink& sink);
  bool wants(const mcp::Message& notification) const;
  void leave();

  const Find find_;
  const std::chrono::milliseconds start_time_;
  std::shared_ptr<CommonChild> child_;  ///< null until the handshake
  Sink* unsolicited_ = nullptr;
  std::set<std::string> watched_;       ///< JSON texts of URIs
  bool wants_log_ = false;
  bool ended_ = false;
};

}  // namespace callgate::upstream
