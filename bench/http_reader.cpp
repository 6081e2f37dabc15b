#include "http_reader.hpp"

#include <strings.h>

#include <algorithm>
#include <charconv>
#include <cstring>

namespace callgate::bench {
namespace {

bool same_word(std::string_view a, std::string_view b) {
  return a.size() == b.size() && strncasecmp(a.data(), b.data(), a.size()) == 0;
}

bool parse_size(std::string_view text, std::size_t& out, int base) {
  return std::from_chars(text.data(), text.data() + text.size(), out, base).ec == std::errc{};
}

}  // namespace

std::span<char> HttpReader::room(std::size_t minimum) {
  if (at_ == used_) at_ = used_ = 0;
  // A sized body is read in one piece: ask for all of what is still to come.
  if (body_ == Body::sized && length_ > unread().size()) minimum = std::max(minimum, length_ - unread().size());
  if (size_ - used_ < minimum) {
    const std::size_t kept = used_ - at_;
    if (size_ - kept < minimum) {
      size_ = std::max(size_ * 2, kept + minimum);
      auto larger = std::make_unique_for_overwrite<char[]>(size_);
      if (kept > 0) std::memcpy(larger.get(), buffer_.get() + at_, kept);
      buffer_ = std::move(larger);
    } else if (kept > 0) {
      std::memmove(buffer_.get(), buffer_.get() + at_, kept);
    }
    at_ = 0;
    used_ = kept;
  }
  return {buffer_.get() + used_, size_ - used_};
}

HttpReader::Found HttpReader::next() {
  if (body_ == Body::none) {
    if (const Found found = read_head(); found != Found::message) return found;
  }
  return read_body();
}

HttpReader::Found HttpReader::finish() {
  if (body_ != Body::until_close) return holds_part() ? Found::broken : Found::more;
  const std::string_view body = unread();
  at_ = used_;
  message_.keep_alive = false;
  return complete(body);
}

HttpReader::Found HttpReader::read_head() {
  const std::string_view bytes = unread();
  const std::size_t end = bytes.find("\r\n\r\n");
  if (end == bytes.npos) return bytes.size() > 64 * 1024 ? Found::broken : Found::more;
  message_.session.clear();
  message_.content_type.clear();
  message_.keep_alive = true;
  body_ = side_ == Side::requests ? Body::sized : Body::until_close;
  length_ = 0;
  chunks_.clear();
  std::string_view head = bytes.substr(0, end + 2);
  for (bool first = true; !head.empty(); first = false) {
    const std::size_t line_end = head.find("\r\n");
    const std::string_view line = head.substr(0, line_end);
    first ? read_start_line(line) : read_header(line);
    head.remove_prefix(line_end + 2);
  }
  at_ += end + 4;
  const bool bodiless = side_ == Side::responses && (message_.status == 204 || message_.status == 304);
  if (bodiless) body_ = Body::sized;
  return Found::message;
}

void HttpReader::read_start_line(std::string_view line) {
  const std::size_t first = line.find(' ');
  const std::size_t second = line.find(' ', first + 1);
  if (side_ == Side::responses) {
    std::size_t status = 0;
    parse_size(line.substr(std::min(first + 1, line.size()), 3), status, 10);
    message_.status = static_cast<int>(status);
    return;
  }
  message_.method.assign(line.substr(0, first));
  message_.target.assign(first == line.npos ? std::string_view{} : line.substr(first + 1, second - first - 1));
}

void HttpReader::read_header(std::string_view line) {
  const std::size_t colon = line.find(':');
  if (colon == line.npos) return;
  const std::string_view name = line.substr(0, colon);
  std::string_view value = line.substr(colon + 1);
  while (!value.empty() && value.front() == ' ') value.remove_prefix(1);
  // The length picks the candidates, so most headers cost one comparison of sizes.
  switch (name.size()) {
    case 10:
      if (same_word(name, "connection") && same_word(value, "close")) message_.keep_alive = false;
      break;
    case 12:
      if (same_word(name, "content-type")) message_.content_type.assign(value);
      break;
    case 14:
      if (same_word(name, "content-length") && parse_size(value, length_, 10)) body_ = Body::sized;
      if (same_word(name, "mcp-session-id")) message_.session.assign(value);
      break;
    case 17:
      if (same_word(name, "transfer-encoding") && same_word(value, "chunked")) body_ = Body::chunked;
      break;
    default:
      break;
  }
}

HttpReader::Found HttpReader::read_body() {
  if (body_ == Body::chunked) return read_chunks();
  if (body_ == Body::until_close || unread().size() < length_) return Found::more;
  const std::string_view body = unread().substr(0, length_);
  at_ += length_;
  return complete(body);
}

HttpReader::Found HttpReader::read_chunks() {
  for (;;) {
    const std::string_view bytes = unread();
    const std::size_t line_end = bytes.find("\r\n");
    if (line_end == bytes.npos) return Found::more;
    std::size_t size = 0;
    if (!parse_size(bytes.substr(0, line_end), size, 16)) return Found::broken;
    // Both ends of the bench send no trailers: the last chunk ends with an empty line.
    if (bytes.size() < line_end + 2 + size + 2) return Found::more;
    chunks_.append(bytes.substr(line_end + 2, size));
    at_ += line_end + 2 + size + 2;
    if (size == 0) return complete(chunks_);
  }
}

HttpReader::Found HttpReader::complete(std::string_view body) {
  message_.body = body;
  body_ = Body::none;
  return Found::message;
}

}  // namespace callgate::bench
