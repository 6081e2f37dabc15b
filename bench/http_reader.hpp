#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace callgate::bench {

/// One HTTP/1.1 message, reduced to what MCP's Streamable HTTP transport needs.
/// The strings are reused from message to message, so that reading allocates
/// nothing once warm.
struct HttpMessage {
  std::string method;   ///< of a request
  std::string target;   ///< of a request
  int status = 0;       ///< of a response
  std::string session;  ///< Mcp-Session-Id
  std::string content_type;
  bool keep_alive = true;
  std::string_view body;  ///< valid until the reader's next `room()`
};

/// Cuts a byte stream into HTTP/1.1 messages (RFC 9112 section 6): bodies by
/// Content-Length, chunked, or until close. Lenient: it trusts both ends.
class HttpReader {
 public:
  enum class Side { requests, responses };
  enum class Found { more, message, broken };

  explicit HttpReader(Side side) : side_(side) {}

  /// Where the next bytes go; at least `minimum` bytes of room.
  std::span<char> room(std::size_t minimum = 64 * 1024);
  void filled(std::size_t bytes) { used_ += bytes; }

  /// Looks for a whole message; `message()` holds it until the next call.
  Found next();
  /// The other side closed: completes a body that runs until close.
  Found finish();
  [[nodiscard]] const HttpMessage& message() const { return message_; }
  /// Bytes are in hand that belong to no complete message.
  [[nodiscard]] bool holds_part() const { return at_ < used_ || body_ != Body::none; }

 private:
  enum class Body { none, sized, chunked, until_close };

  Found read_head();
  Found read_body();
  Found read_chunks();
  void read_start_line(std::string_view line);
  void read_header(std::string_view line);
  Found complete(std::string_view body);
  [[nodiscard]] std::string_view unread() const { return {buffer_.get() + at_, used_ - at_}; }

  Side side_;
  std::unique_ptr<char[]> buffer_;
  std::size_t size_ = 0;
  std::size_t used_ = 0;
  std::size_t at_ = 0;      // first byte not yet taken by a message
  Body body_ = Body::none;  // framing of the message whose head was read
  std::size_t length_ = 0;  // of a sized body
  std::string chunks_;      // a chunked body put together
  HttpMessage message_;
};

}  // namespace callgate::bench
