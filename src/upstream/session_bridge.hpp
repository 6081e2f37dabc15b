#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "mcp/to_modern.hpp"
#include "upstream/bridge.hpp"

namespace callgate::upstream {

/// A session of the legacy eras before a server that speaks 2026-07-28 only
/// (protocol item 14). What the session is, this object keeps: the client's
/// capabilities go with each request, levels and watched resources likewise; a
/// server that asks for input is answered by asking the client as a legacy server
/// would. Threads: the loop's.
class SessionBridge final : public Link {
 public:
  /// `refused` hears that the server does not say what it is (any more).
  SessionBridge(BridgeParts parts, std::shared_ptr<Link> server, std::function<void()> refused);
  ~SessionBridge() override;

  void on_unsolicited(Sink* sink) override;
  void agreed(std::string_view /*revision*/) override {}
  bool alive() const override { return !ended_ && server_->alive(); }
  bool starting() const override { return server_->starting(); }

 protected:
  net::Task<Forwarded> transmit(Outbound out, Sink& sink) override;

 private:
  /// A question that the client was asked; known by its id while somebody waits.
  struct Asked {
    Asked(SessionBridge& its_bridge, Sink& its_sink, std::string its_id) : bridge(its_bridge), sink(its_sink), id(std::move(its_id)), answered(bridge.parts_.loop) { bridge.asked_.emplace(id, this); }
    Asked(const Asked&) = delete;
    Asked& operator=(const Asked&) = delete;
    ~Asked() {
      bridge.asked_.erase(id);
      sink.question_over(id);
    }
    SessionBridge& bridge;
    Sink& sink;  ///< that the client was asked through
    std::string id;
    std::string_view of;  ///< the client's request that it is asked for
    net::Signal answered;
    std::optional<std::string> value;  ///< JSON text of the result; nothing where the client refused
    bool done = false;
    bool by_policy = false;  ///< it was refused here, before the client was told
  };
  /// The id of a call's later round, for as long as that is under way.
  struct SentAs {
    SentAs(SessionBridge& its_bridge, std::string its_id) : bridge(its_bridge), client_id(std::move(its_id)) {}
    SentAs(const SentAs&) = delete;
    SentAs& operator=(const SentAs&) = delete;
    ~SentAs() { bridge.sent_as_.erase(client_id); }
    SessionBridge& bridge;
    std::string client_id;
  };
  class Watcher;
  class Unasked;
  /// A call that a cancel of the client ends.
  struct Carrying : net::ListNode {
    Carrying(SessionBridge& bridge, std::string_view its_id) : id(its_id), done(bridge.parts_.loop) { bridge.carried_.push_back(*this); }
    std::string_view id;  ///< of the client, as written, in its message
    net::Signal done;
    std::optional<Forwarded> outcome;
  };

  net::Task<Forwarded> open(Outbound out, Sink& sink);
  net::Task<Forwarded> carry(Outbound out, Sink& sink);
  net::Task<Forwarded> rounds(Outbound out, Sink& sink);
  net::Task<void> carry_into(Outbound out, Sink& sink, Carrying& carrying);
  net::Task<Forwarded> say(std::string bytes, std::optional<policy::Permit> permit, std::chrono::milliseconds time, Sink& sink);
  net::Task<Forwarded> send(const mcp::Written& round, std::optional<policy::Permit> permit, std::chrono::milliseconds time, Sink& sink);
  static Forwarded finish(const Outbound& out, Forwarded delivery);
  Carrying* find_carried(std::string_view id);
  net::Task<Result<std::string>> ask_client(std::string_view of, std::vector<mcp::InputAsk> asks, Sink& sink);
  net::Task<Result<void>> ask_one(std::string_view of, const mcp::InputAsk& ask, Sink& sink, std::string& responses);
  net::Task<Forwarded> notify(Outbound out, Sink& sink);
  Forwarded watch(const mcp::Message& request);
  Forwarded set_level(const mcp::Message& request);
  void take_response(const mcp::Message& response);
  net::Task<void> keep_watching();
  net::Task<void> watch_once(std::string id);
  net::Task<void> cancel(std::string id);
  std::string fresh_id();

  BridgeParts parts_;
  std::shared_ptr<Link> server_;
  std::function<void()> refused_;
  Sink* unsolicited_ = nullptr;
  std::unique_ptr<Unasked> unasked_;
  mcp::WrittenEnvelope envelope_;
  mcp::ClientCapabilities client_;  ///< what it said when it opened the session
  std::map<std::string, Asked*, std::less<>> asked_;  ///< by the text of the id
  std::map<std::string, std::string> sent_as_;        ///< the id of a call's later round, by the client's
  net::ListNode carried_;  ///< calls under way
  std::set<std::string> watched_;                     ///< JSON texts of URIs
  net::Signal watch_changed_;
  bool can_watch_ = false;
  bool watching_ = false;
  bool refused_watch_ = false;  ///< the server ended the subscription
  bool ended_ = false;
  std::uint64_t next_id_ = 1;
  net::TaskGroup tasks_;
};

}  // namespace callgate::upstream
