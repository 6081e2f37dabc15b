#include "mcp/sse.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace callgate::mcp {

namespace {

constexpr std::string_view mark = "\xef\xbb\xbf";
constexpr std::size_t kept_capacity = 256 * 1024;

std::size_t find_line_end(std::string_view text, std::size_t from) {
  const std::size_t lf = text.find('\n', from);
  const std::size_t cr = text.substr(0, lf).find('\r', from);
  return std::min(lf, cr);
}

bool is_digits(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace

void SseReader::push(std::string_view chunk) {
  if (over_) return;
  buffer_.erase(0, begin_);
  line_ -= begin_;
  searched_ -= begin_;
  begin_ = 0;
  if (buffer_.empty() && buffer_.capacity() > kept_capacity) buffer_ = std::string();
  buffer_ += chunk;
}

bool SseReader::skip_mark() {
  if (buffer_.size() < mark.size() && mark.starts_with(buffer_)) return false;
  if (buffer_.starts_with(mark)) begin_ = line_ = searched_ = mark.size();
  start_ = false;
  return true;
}

Result<std::optional<SseEvent>> SseReader::next() {
  const auto too_large = [this] {
    over_ = true;
    return fail(ErrorKind::too_large, fmt::format("an event is longer than {} bytes", max_event_bytes_));
  };
  if (over_) return too_large();
  if (start_ && !skip_mark()) return std::nullopt;
  for (;;) {
    if (after_cr_ && line_ < buffer_.size()) {
      if (buffer_[line_] == '\n') searched_ = ++line_;
      after_cr_ = false;
    }
    const std::size_t end = find_line_end(buffer_, searched_);
    if (end == std::string::npos) {
      searched_ = buffer_.size();
      if (pending() > max_event_bytes_) return too_large();
      return std::nullopt;
    }
    const bool blank = end == line_;
    after_cr_ = buffer_[end] == '\r';
    line_ = end + 1;
    if (after_cr_ && line_ < buffer_.size()) {
      if (buffer_[line_] == '\n') ++line_;
      after_cr_ = false;
    }
    searched_ = line_;
    if (!blank) continue;
    if (line_ - begin_ > max_event_bytes_) return too_large();
    return take_event();
  }
}

SseEvent SseReader::take_event() {
  SseEvent event;
  event.raw = std::string_view(buffer_).substr(begin_, line_ - begin_);
  begin_ = line_;
  for (std::size_t at = 0; at < event.raw.size();) {
    const std::size_t end = find_line_end(event.raw, at);
    if (end != at) take_field(event.raw.substr(at, end - at), event);
    at = end + 1;
  }
  return event;
}

void SseReader::take_field(std::string_view line, SseEvent& event) {
  const std::size_t colon = line.find(':');
  const std::string_view name = line.substr(0, colon);
  std::string_view value = colon == std::string_view::npos ? std::string_view() : line.substr(colon + 1);
  if (value.starts_with(' ')) value.remove_prefix(1);

  if (name == "data") {
    if (!event.has_data) {
      event.data = value;
    } else {
      if (event.data.data() != joined_.data()) joined_ = event.data;
      joined_ += '\n';
      joined_ += value;
      event.data = joined_;
    }
    event.has_data = true;
  } else if (name == "event") {
    event.type = value;
  } else if (name == "id") {
    if (!value.contains('\0')) event.id = value;
  } else if (name == "retry") {
    if (is_digits(value)) event.retry = value;
  }
}

void append_sse_event(std::string& out, std::string_view data, std::string_view type, std::string_view id) {
  if (!type.empty()) fmt::format_to(std::back_inserter(out), "event: {}\n", type);
  if (!id.empty()) fmt::format_to(std::back_inserter(out), "id: {}\n", id);
  for (std::size_t at = 0;;) {
    const std::size_t end = find_line_end(data, at);
    out += "data: ";
    out += data.substr(at, end - at);
    out += '\n';
    if (end == std::string_view::npos) break;
    at = end + (data.substr(end).starts_with("\r\n") ? 2 : 1);
  }
  out += '\n';
}

void append_sse_comment(std::string& out, std::string_view text) {
  out += ": ";
  out += text;
  out += "\n\n";
}

}  // namespace callgate::mcp
