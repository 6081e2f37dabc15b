#include "mcp/sse.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "mcp/one_line.hpp"

namespace callgate::mcp {

namespace {

constexpr std::string_view mark = "\xef\xbb\xbf";
constexpr std::size_t kept_capacity = 256 * 1024;

/// In steps that double: a text may have one kind of line end only, and the other is not looked for up to its end with
/// each line.
std::size_t find_line_end(std::string_view text, std::size_t from) {
  for (std::size_t step = 256; from < text.size(); from += step, step *= 2) {
    const std::string_view part = text.substr(from, step);
    const std::size_t lf = part.find('\n');
    const std::size_t cr = part.substr(0, lf).find('\r');
    if (const std::size_t end = std::min(lf, cr); end != std::string_view::npos) return from + end;
  }
  return std::string_view::npos;
}

bool is_digits(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

/// Whether a value means the same to whoever decodes, trims or cuts lines: visible ASCII.
bool is_plain_value(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c > 0x20 && c < 0x7f; });
}

bool has_lone_cr(std::string_view text) {
  for (std::size_t at = text.find('\r'); at != std::string_view::npos; at = text.find('\r', at + 1)) {
    if (!text.substr(at + 1).starts_with('\n')) return true;
  }
  return false;
}

/// What stands in the field, once, as every reader reads it. `before`: the event so far.
bool is_plain_field(std::string_view name, std::string_view value, const SseEvent& before) {
  if (name == "data") return !before.has_data && !has_unusual_line_end(value);
  if (name == "event") return before.type.empty() && value == "message";
  if (name == "id") return !before.id && is_plain_value(value);
  return name == "retry" && !before.retry && is_digits(value);
}

}  // namespace

void SseReader::push(std::string_view chunk) {
  if (over_) return;
  buffer_.erase(0, begin_);
  line_ -= begin_;
  searched_ -= begin_;
  begin_ = 0;
  buffer_ += chunk;
}

/// A stream is open for days: what one large event took is not kept for the next. What is no more than
/// the fourth part of its memory is moved, so that one which grows is not moved again and again.
void SseReader::give_back() {
  if (joined_.capacity() > kept_capacity) std::string().swap(joined_);
  if (buffer_.capacity() <= std::max(kept_capacity, 4 * pending())) return;
  std::string(std::string_view(buffer_).substr(begin_)).swap(buffer_);  // a short one assigned would leave the memory
  line_ -= begin_;
  searched_ -= begin_;
  begin_ = 0;
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
      give_back();
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
  event.plain = !has_lone_cr(event.raw);
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
  event.plain = event.plain && colon != std::string_view::npos && is_plain_field(name, value, event);

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
    // Of any other nobody could ask to go on behind it: header lines carry no such text.
    if (is_plain_value(value)) event.id = value;
  } else if (name == "retry") {
    if (is_digits(value)) event.retry = value;
  }
}

void append_sse_event(std::string& out, std::string_view data, std::string_view type, std::string_view id) {
  if (!type.empty()) fmt::format_to(std::back_inserter(out), "event: {}\n", type);
  if (!id.empty() && is_plain_value(id)) fmt::format_to(std::back_inserter(out), "id: {}\n", id);
  std::string flat;
  out += "data: ";
  out += as_one_line(data, flat);
  out += "\n\n";
}

void append_sse_event(std::string& out, const SseEvent& event) {
  const std::size_t before = out.size();
  if (event.is_message() && !event.type.empty()) out += "event: message\n";
  if (event.id) fmt::format_to(std::back_inserter(out), "id: {}\n", *event.id);
  if (event.retry) fmt::format_to(std::back_inserter(out), "retry: {}\n", *event.retry);
  if (event.has_data) {
    std::string flat;
    fmt::format_to(std::back_inserter(out), "data: {}\n", as_one_line(event.data, flat));
  }
  out += out.size() == before ? ":\n\n" : "\n";
}

void append_sse_comment(std::string& out, std::string_view text) {
  out += ": ";
  out += text;
  out += "\n\n";
}

}  // namespace callgate::mcp
