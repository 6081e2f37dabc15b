#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.hpp"

/// Server-sent events (WHATWG HTML section 9.2), event by event. Pure; an
/// instance is used by one thread at a time.
namespace callgate::mcp {

/// One event, or a block without data such as a keep-alive comment.
struct SseEvent {
  std::string_view raw;  ///< as received, closing blank line included
  /// Whether every reader takes `raw` for this event and nothing else, so that it may be
  /// passed on as it is: each line a known field in its plain form, once, ended by LF or
  /// CRLF, and without characters that some readers end a line at. Else append_sse_event().
  bool plain = true;
  bool has_data = false;
  std::string_view data;  ///< the lines joined by LF
  std::string_view type;  ///< empty means `message`
  std::optional<std::string_view> id;     ///< visible ASCII, or empty; any other is ignored
  std::optional<std::string_view> retry;  ///< decimal digits, milliseconds

  /// Whether it carries a JSON-RPC message; a priming event (empty data) does not.
  bool is_message() const { return !data.empty() && (type.empty() || type == "message"); }
};

/// Cuts a byte stream into events: LF, CRLF and CR end a line, a byte order mark
/// may begin the stream, chunks may end anywhere. What is left at the end of the
/// stream without a blank line is no event.
class SseReader {
 public:
  explicit SseReader(std::size_t max_event_bytes) : max_event_bytes_(max_event_bytes) {}

  void push(std::string_view chunk);

  /// The next whole event; nothing until more bytes come. Its views hold until
  /// the next call of any function here. Errors: `too_large` where an event
  /// grows beyond the limit; the reader gives nothing more then.
  Result<std::optional<SseEvent>> next();

  /// Bytes that wait for the rest of their event.
  std::size_t pending() const { return buffer_.size() - begin_; }
  /// Memory that it takes up, of which next() gives back what a large event took once there is no further one.
  std::size_t held() const { return buffer_.capacity() + joined_.capacity(); }

 private:
  bool skip_mark();
  void give_back();
  SseEvent take_event();
  void take_field(std::string_view line, SseEvent& event);

  std::size_t max_event_bytes_;
  std::string buffer_;
  std::size_t begin_ = 0;     ///< first byte of the event that is being read
  std::size_t line_ = 0;      ///< first byte of the line that is being read
  std::size_t searched_ = 0;  ///< no line ends between `line_` and here
  bool start_ = true;         ///< a byte order mark may still come
  bool after_cr_ = false;     ///< an LF at `line_` belongs to the CR before it
  bool over_ = false;
  std::string joined_;        ///< data of more than one line
};

/// Appends one event with one data line (one_line.hpp): `data` is JSON, or has no line
/// ends. `type` is left out when empty, `id` when it is empty or more than plain ASCII.
/// Pre: `type` is a word of ours.
void append_sse_event(std::string& out, std::string_view data, std::string_view type = "message", std::string_view id = {});

/// Appends what an event says, written anew: without comments and unknown fields, the data
/// in one line. Where nothing is left of it: an empty comment, which keeps the connection open.
void append_sse_event(std::string& out, const SseEvent& event);

/// Appends a comment line and a blank line: keeps a quiet stream open.
void append_sse_comment(std::string& out, std::string_view text);

}  // namespace callgate::mcp
