#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/log.hpp"
#include "upstream/call_router.hpp"
#include "upstream/http_link.hpp"

namespace callgate::upstream {

/// One session over HTTP+SSE (2024-11-05, basic/transports; deprecated since): a
/// stream that GET opens, whose first event names the address to post to, and on
/// which all answers come. The session is the stream: it ends with it, and then
/// nobody knows what became of the calls under way, so none of them is sent again.
///
/// The first message opens the stream. Its address must be one of this origin;
/// a second one that is named is not listened to. Threads: the loop's.
class SseLink final : public Link {
 public:
  struct Options {
    std::string server;                ///< its name, for the log
    std::chrono::milliseconds patience{10'000};  ///< from GET to the address
    std::function<void()> not_opened;  ///< told when the server opens no stream; may be empty
    std::size_t most_post_bytes = std::size_t{16} << 20U;  ///< of messages on their way at once; one alone may be larger
  };
  SseLink(HttpOrigin& origin, Options options, Log& log);
  ~SseLink() override { tasks_.cancel(); }

  void on_unsolicited(Sink* sink) override { router_.on_unsolicited(sink); }
  void agreed(std::string_view revision) override { revision_ = revision; }
  bool alive() const override { return state_ != State::over; }
  /// The server spoke HTTP+SSE.
  bool was_open() const { return !target_.empty(); }

 protected:
  net::Task<Forwarded> transmit(Outbound out, Sink& sink) override;

 private:
  static constexpr std::size_t max_posts = 200;              ///< under way at once
  static constexpr std::size_t max_before_address = 64 * 1024;  ///< bytes of the stream
  enum class State : std::uint8_t { fresh, opening, open, over };
  struct Post;

  net::Task<Result<void>> open(std::chrono::milliseconds time);
  net::Task<void> hold_open();
  net::Task<void> read_stream();
  net::Task<Result<std::unique_ptr<net::HttpReply>>> get(net::Instant until);
  void take(const mcp::SseEvent& event);
  void take_address(std::string_view reference);
  void take_message(std::string_view text);
  net::Task<void> send(std::shared_ptr<Post> post, std::chrono::milliseconds time);
  void give_up(Error why);

  HttpOrigin& origin_;
  const Options options_;
  Log& log_;
  CallRouter router_;
  State state_ = State::fresh;
  Error why_{ErrorKind::closed, "the server's stream is over", {}};
  std::string target_;       ///< where messages are posted to
  std::string revision_;
  net::Broadcast changed_;   ///< open, or over
  net::Signal over_;
  std::size_t posts_ = 0;
  std::size_t post_bytes_ = 0;  ///< of these
  std::uint64_t skipped_ = 0;  ///< events that are no messages
  bool named_again_ = false;
  net::TaskGroup tasks_;
};

}  // namespace callgate::upstream
