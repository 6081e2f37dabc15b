#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "gateway/parts.hpp"
#include "upstream/link.hpp"

namespace callgate::gateway {

/// What one server says to a question that belongs to one era.
enum class Speaks : std::uint8_t {
  unknown,  ///< it could not be asked, or what came back says nothing about eras
  unclear,  ///< an error that a server of the other era gives, and one in trouble too
  no,
  yes,
};

/// Which eras of MCP one server speaks (protocol item 12). Only a proper answer of
/// the protocol teaches anything: a server that cannot be reached, that is
/// overloaded or silent is asked again, since one that is taken for another era
/// for good would be bridged for good. Threads: the loop's.
class Eras {
 public:
  /// How a question reaches the server, each over a link of its own.
  struct Asking {
    std::function<Result<std::shared_ptr<upstream::Link>>(mcp::Era)> link;
    std::function<std::string(const mcp::Message&)> mirror;
    /// Its transport is one of sessions alone.
    std::function<bool()> has_sessions_only;
    /// How long its program took to be there, last; may be empty.
    std::function<net::Duration()> start_took{};
    /// The link answered one question, and is good for that era; may be empty.
    std::function<void(std::shared_ptr<upstream::Link>, mcp::Era)> answered{};
    /// What was learned is another thing now; links of before may be of the wrong kind.
    std::function<void()> changed;
  };
  Eras(const Parts& parts, const config::Server& server, Asking asking)
      : parts_(parts), server_(server), asking_(std::move(asking)), learned_(parts.loop) {}

  /// It speaks 2026-07-28 and has no handshake: sessions are bridged.
  bool only_modern() const { return only_modern_; }
  bool only_sessions() const { return modern_ == Speaks::no; }
  /// Whether the server speaks 2026-07-28 is known, and not for a while only.
  bool knows_modern() const;
  /// It was asked, and nothing came in time: nothing is known of it.
  bool is_silent() const { return modern_ == Speaks::unknown && (learning_ || unanswered_); }
  /// Asks the server. One question is under way at a time; whoever comes meanwhile
  /// waits for its answer, `time` at most. The question goes on without them.
  net::Task<void> learn_modern(net::Duration time);
  /// The server refused a handshake. True where it speaks 2026-07-28 and refuses a
  /// handshake of the gateway's own as well, in the words of a server without one.
  net::Task<bool> handshake_refused(net::Duration time);
  /// The server opened a session, so it speaks that era.
  void session_opened();
  /// What the server was last known to speak may have changed.
  void forget();

 private:
  struct Learning;
  enum class Of : std::uint8_t { modern, both };
  net::Task<void> learn(Of what, net::Duration time);
  net::Task<void> ask(Of what);
  void take_modern(Speaks told);
  net::Task<Speaks> ask_modern();
  net::Task<Speaks> ask_handshake();
  struct Told {
    std::string bytes;  ///< of the answer; empty where none came
    bool sent = false;
    int status = 0;     ///< of HTTP, where it refused with no message; else zero
  };
  net::Task<Told> question(upstream::Link& link, audit::Internal kind, std::string text);
  std::chrono::milliseconds time_for_question() const;

  const Parts parts_;
  const config::Server& server_;
  Asking asking_;
  Speaks modern_ = Speaks::unknown;
  net::Instant unsure_after_ = net::Instant::max();  ///< what `modern_` says holds until then
  bool opens_sessions_ = false;
  bool only_modern_ = false;
  bool learning_ = false;
  bool unanswered_ = false;  ///< the last question, by the end of its time
  std::uint64_t questions_ = 0;  ///< that are over
  net::Broadcast learned_;
  net::TaskGroup tasks_;
};

}  // namespace callgate::gateway
