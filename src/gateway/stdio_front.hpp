#pragma once

#include <memory>
#include <string>

#include "gateway/gate.hpp"
#include "net/lines.hpp"

namespace callgate::gateway {

/// stdin and stdout towards one client: a line is a message, many may be under
/// way. The same gate and the same path as over HTTP.
class StdioFront {
 public:
  StdioFront(const Parts& parts, Gate& gate, int in, int out);
  ~StdioFront();

  /// Until stdin ends, or nobody reads stdout; then what is under way gets some time to finish.
  net::Task<void> run();
  /// Takes no further message.
  void stop() { stopped_ = true; }
  bool busy() const { return !tasks_.empty(); }
  /// Until what was answered has left, for two seconds at most.
  net::Task<void> drained();

 private:
  class Lines;
  class Stream;
  net::Task<void> take(std::string line);
  net::Task<void> read();
  net::Task<void> watch_client();
  void lose_client(const Error& why);
  bool cancels_stateless(const mcp::Message& message) const;
  Result<void> send(std::string_view line);
  bool answer(std::string_view line);
  bool tell(std::string_view line);
  void say_what_was_dropped();

  const Parts parts_;
  Gate& gate_;
  net::LineReader in_;
  std::size_t most_unread_;  ///< what may wait for the client, in bytes
  net::LineWriter out_;
  std::size_t dropped_ = 0;  ///< messages, since the last word of it
  std::size_t kept_ = 0;     ///< bytes of messages under way and of what was read of them
  std::shared_ptr<Stream> stream_;                  ///< for what belongs to no request
  std::shared_ptr<Conversation> session_;           ///< of the handshake
  std::shared_ptr<Conversation> stateless_;
  bool stopped_ = false;
  bool lost_ = false;   ///< stdout takes no more
  net::Signal over_;
  net::Broadcast client_left_;
  net::TaskGroup tasks_;
  net::TaskGroup reading_;
};

}  // namespace callgate::gateway
