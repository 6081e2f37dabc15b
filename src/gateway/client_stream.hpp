#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>

#include "gateway/channel.hpp"
#include "net/loop.hpp"

namespace callgate::gateway {

/// The way to a client for what belongs to none of its requests: the GET stream
/// of a session, or stdout. Shared with whoever still has something to say, so
/// that a stream which ended is never written to: after `close` it takes nothing.
/// Threads: the loop's.
class ClientStream {
 public:
  virtual ~ClientStream() = default;
  /// A message, or an SSE event as the server wrote it (`raw`). Never waits.
  /// False: closed, or the client is too slow; nothing was taken.
  virtual bool push(std::string_view bytes, std::string_view raw) = 0;
  /// The stream is there: its head may be sent.
  virtual void open() {}
  /// Until what was pushed so far is written; false where the stream ended first. One that bounds by itself what it
  /// keeps waits for nothing.
  virtual net::Task<bool> passed() { co_return true; }
  virtual void close() = 0;

  /// The id of the last event of the server's that went to the client, from behind which it would ask for the rest.
  void note_id(std::string_view id) {
    if (!id.empty()) last_id_ = id;
  }
  const std::string& last_id() const { return last_id_; }

 private:
  std::string last_id_;
};

/// The events of one stream on their way. Many push, one coroutine writes:
/// INVARIANT: nobody but `write_to` touches the channel.
class QueuedStream final : public ClientStream {
 public:
  explicit QueuedStream(net::Loop& loop) : wake_(loop), written_(loop) {}

  bool push(std::string_view bytes, std::string_view raw) override;
  void close() override;
  bool closed() const { return closed_; }
  /// Pushes once there is room; false when the time passed or the stream closed.
  net::Task<bool> send(std::string_view bytes, net::Duration time);
  net::Task<bool> passed() override;
  void open() override;
  bool opened() const { return opened_; }
  /// Until there is room for more; false when the time passed or the stream closed.
  net::Task<bool> room(net::Duration time);
  /// Writes what is pushed, until the stream is closed and everything is written,
  /// or the client has left.
  net::Task<void> write_to(Channel& channel);

 private:
  static constexpr std::size_t max_bytes = std::size_t{4} << 20U;
  class Ending;
  struct Event {
    std::string bytes;
    std::string raw;
    std::size_t size() const { return bytes.size() + raw.size(); }
  };

  std::deque<Event> events_;
  std::size_t bytes_ = 0;  ///< of all events
  std::uint64_t pushed_ = 0;  ///< events, of all time
  std::uint64_t passed_ = 0;  ///< of these, on to the channel
  bool opened_ = false;
  bool closed_ = false;
  bool over_ = false;      ///< nothing is written any more
  net::Signal wake_;       ///< of the writer
  net::Broadcast written_;
};

}  // namespace callgate::gateway
