#include "base/log.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <iterator>

#include "base/json.hpp"

namespace callgate {
namespace {

struct Append {
  std::string& out;
  void operator()(std::string_view text) const { json::append_quoted(out, text); }
  void operator()(bool flag) const { out += flag ? "true" : "false"; }
  void operator()(double number) const {
    if (!std::isfinite(number)) {
      out += "null";  // JSON has no word for it
      return;
    }
    fmt::format_to(std::back_inserter(out), "{}", number);
  }
  void operator()(std::int64_t number) const { fmt::format_to(std::back_inserter(out), "{}", number); }
  void operator()(std::uint64_t number) const { fmt::format_to(std::back_inserter(out), "{}", number); }
};

}  // namespace

std::string_view word(Level level) {
  switch (level) {
    case Level::debug: return "debug";
    case Level::info: return "info";
    case Level::warn: return "warn";
    case Level::error: return "error";
  }
  return "error";
}

void append_log_line(std::string& out, std::int64_t wall_ms, Level level, std::string_view event,
                     std::span<const LogField> fields) {
  fmt::format_to(std::back_inserter(out), R"({{"time":"{}","level":"{}","event":)", utc_text(wall_ms), word(level));
  json::append_quoted(out, event);
  for (const LogField& field : fields) {
    out += ',';
    json::append_quoted(out, field.key);
    out += ':';
    std::visit(Append{out}, field.value);
  }
  out += "}\n";
}

void FdLog::write(Level level, std::string_view event, std::span<const LogField> fields) {
  if (level < least_) return;
  std::string line;
  append_log_line(line, clock_.wall_ms(), level, event, fields);
  // One call a line, so that lines of several threads do not mix.
  while (::write(fd_, line.data(), line.size()) < 0 && errno == EINTR) {
  }
}

void MemoryLog::write(Level level, std::string_view event, std::span<const LogField> fields) {
  append_log_line(lines_.emplace_back(), 0, level, event, fields);
}

bool MemoryLog::has(std::string_view text) const {
  return std::ranges::any_of(lines_, [text](const std::string& line) { return line.find(text) != std::string::npos; });
}

}  // namespace callgate
