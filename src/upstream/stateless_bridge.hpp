#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "mcp/to_legacy.hpp"
#include "upstream/bridge.hpp"

namespace callgate::upstream {

/// Stateless requests of one caller before a server that has sessions only
/// (protocol item 15). A session is opened for each set of capabilities that the
/// caller's requests declare. What such a server asks in mid-call becomes an
/// `input_required` answer: the call stays open at the server, the answer names a
/// state, and the request that brings that state back goes on with the call. A
/// state is 256 random bits, good once, for the same request, for `answer_time`.
/// Threads: the loop's.
class StatelessBridge final : public Link {
 public:
  using MakeLink = std::function<Result<std::shared_ptr<Link>>()>;
  /// `refused` hears that the server does not open sessions (any more).
  StatelessBridge(BridgeParts parts, MakeLink make, std::function<void()> refused)
      : parts_(std::move(parts)), make_(std::move(make)), refused_(std::move(refused)), opened_(parts_.loop) {}
  ~StatelessBridge() override;

  void on_unsolicited(Sink* /*sink*/) override {}
  void agreed(std::string_view /*revision*/) override {}
  bool alive() const override { return true; }
  bool starting() const override;
  void end_unused(net::Instant since) override;
  /// A call whose frame ends is cancelled by the bridge itself.
  bool hears_cancels() const override { return false; }

 protected:
  net::Task<Forwarded> transmit(Outbound out, Sink& sink) override;

 private:
  static constexpr std::size_t max_sessions = 8;
  static constexpr std::size_t max_parked = 64;
  static constexpr std::size_t max_queued = 1000;  ///< messages that a client has not taken yet

  struct Subscription;
  struct Running;
  struct Opening;
  class Hearer;
  class CallHearer;
  class Attending;

  /// One session at the server.
  struct Behind {
    std::string capabilities;
    std::shared_ptr<Link> link;
    std::unique_ptr<Sink> hearer;
    std::string opened;  ///< the server's answer to the handshake
    std::string level;   ///< JSON text of the level it logs at
    bool logs = false;   ///< it says that it does
    std::vector<Subscription*> subscriptions;
    bool opening = false;
    bool streaming = false;
    std::size_t busy = 0;
    net::Instant last_used{};
    net::Instant opened_anew{};  ///< in the place of one that is gone
    net::TaskGroup stream;  ///< reads the session's, for as long as somebody subscribes; goes before the hearer

    bool in_use() const { return busy != 0 || opening || !subscriptions.empty(); }
  };
  using BehindRef = std::shared_ptr<Behind>;
  /// A question of the server that the client has not answered.
  struct Ask {
    mcp::InputAsk ask;
    std::string server_id;  ///< as written
    bool decided = false;
  };

  // stateless_bridge.cpp: sessions
  net::Task<Result<BehindRef>> session(const mcp::Message& request, const Sink& sink);
  net::Task<Result<void>> open(BehindRef behind, std::string client_info);
  net::Task<Result<void>> open_once(BehindRef behind, std::string client_info);
  bool make_room();
  void end(const BehindRef& behind);
  net::Task<void> end_session(std::shared_ptr<Link> link);
  net::Task<void> end_all();
  net::Task<Forwarded> say(BehindRef behind, Own own, std::string text, Sink& sink);
  net::Task<void> say_later(BehindRef behind, Own own, std::string text);
  net::Task<Forwarded> discover(const Outbound& out);
  std::string fresh_id();

  // stateless_calls.cpp: calls and their questions
  net::Task<Forwarded> start(Outbound out, Sink& sink);
  net::Task<Forwarded> resume(std::shared_ptr<Running> running, Outbound out, Sink& sink);
  net::Task<void> run(Running& running);
  bool take_question(Running& heard, const mcp::Message& message);
  Running* asking_call(Running& heard) const;
  static void ask_for_pages(const Running& running, Delivery& answer);
  net::Task<Forwarded> attend(std::shared_ptr<Running> running, std::chrono::milliseconds time, Sink& sink);
  net::Task<Result<void>> pass_answers(Running& running, const mcp::Message& request);
  net::Task<Result<bool>> hand_events(Running& running, Sink& sink);
  Forwarded finish(Running& running);
  void decline_refused(Running& running, Sink& sink);
  Forwarded park(const std::shared_ptr<Running>& running);
  std::shared_ptr<Running> find_parked(const mcp::Message& request);
  net::Task<void> drop_parked();
  net::Task<void> set_level(BehindRef behind, const mcp::Message& request);
  void cancel(const Running& running);
  Forwarded cancelled_by_client(const mcp::Message& message);

  // stateless_listen.cpp: subscriptions
  net::Task<Forwarded> listen(Outbound out, Sink& sink);
  net::Task<void> read_stream(Behind& behind);
  void tell(Behind& behind, const mcp::Message& notification);

  BridgeParts parts_;
  MakeLink make_;
  std::function<void()> refused_;
  std::map<std::string, BehindRef> sessions_;  ///< by capabilities
  std::map<std::string, std::shared_ptr<Running>, std::less<>> parked_;  ///< by state
  std::vector<Running*> attended_;
  bool dropping_ = false;
  net::Broadcast opened_;
  std::uint64_t next_id_ = 1;
  net::TaskGroup tasks_;
};

}  // namespace callgate::upstream
