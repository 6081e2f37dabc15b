#pragma once

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/clock.hpp"
#include "base/secret.hpp"

namespace callgate {

enum class Level : std::uint8_t { debug, info, warn, error };
std::string_view word(Level level);

/// One key of a log line. Values are names, counts and ids, never argument
/// values; a `Secret` is written as `***`.
struct LogField {
  using Value = std::variant<std::string_view, std::int64_t, std::uint64_t, double, bool>;

  LogField(std::string_view name, std::string_view text) : key(name), value(text) {}
  LogField(std::string_view name, const char* text) : key(name), value(std::string_view(text)) {}
  LogField(std::string_view name, const std::string& text) : key(name), value(std::string_view(text)) {}
  LogField(std::string_view name, bool flag) : key(name), value(flag) {}
  LogField(std::string_view name, double number) : key(name), value(number) {}
  LogField(std::string_view name, const Secret& /*hidden*/) : key(name), value(std::string_view("***")) {}
  template <std::signed_integral T>
  LogField(std::string_view name, T number) : key(name), value(std::int64_t{number}) {}
  template <std::unsigned_integral T>
    requires(!std::same_as<T, bool>)
  LogField(std::string_view name, T number) : key(name), value(std::uint64_t{number}) {}

  std::string_view key;
  Value value;
};

/// What the program tells its operator: one event a line, an event name in
/// snake_case and keys. Threads: callable from any.
class Log {
 public:
  using Fields = std::initializer_list<LogField>;

  virtual ~Log() = default;
  virtual void write(Level level, std::string_view event, std::span<const LogField> fields) = 0;

  void debug(std::string_view event, Fields fields = {}) { write(Level::debug, event, span(fields)); }
  void info(std::string_view event, Fields fields = {}) { write(Level::info, event, span(fields)); }
  void warn(std::string_view event, Fields fields = {}) { write(Level::warn, event, span(fields)); }
  void error(std::string_view event, Fields fields = {}) { write(Level::error, event, span(fields)); }

 private:
  static std::span<const LogField> span(Fields fields) { return {fields.begin(), fields.size()}; }
};

/// Appends `{"time":…,"level":…,"event":…,…}` and a line feed.
void append_log_line(std::string& out, std::int64_t wall_ms, Level level, std::string_view event,
                     std::span<const LogField> fields);

/// JSON lines to a file descriptor (standard error by default), one write(2) a
/// line; lines below `least` are left out. Never waits for whoever reads them: a
/// line for which there is no room is lost, and the next one that goes is preceded
/// by `lines_dropped` with their number. For a pipe long texts are cut, so that
/// each line goes in whole. Sockets and terminals may take a part of a line.
class FdLog final : public Log {
 public:
  explicit FdLog(const Clock& clock, Level least = Level::info, int fd = 2);
  ~FdLog() override;
  FdLog(const FdLog&) = delete;
  FdLog& operator=(const FdLog&) = delete;
  void write(Level level, std::string_view event, std::span<const LogField> fields) override;

 private:
  bool put(std::string_view line);
  bool put_in_parts(std::string_view line);

  const Clock& clock_;
  Level least_;
  int fd_;
  bool is_pipe_ = false;
  bool is_socket_ = false;
  int terminal_ = -1;  ///< the same terminal, opened anew so that writing to it does not wait
  std::mutex one_at_a_time_;
  std::uint64_t dropped_ = 0;  ///< since it was told last
  std::string unsent_;         ///< the end of a line of which a part was taken
};

/// Swallows everything.
class NullLog final : public Log {
 public:
  void write(Level /*level*/, std::string_view /*event*/, std::span<const LogField> /*fields*/) override {}
};

/// Keeps the lines for a test to look at. Threads: one.
class MemoryLog final : public Log {
 public:
  void write(Level level, std::string_view event, std::span<const LogField> fields) override;
  bool has(std::string_view text) const;  ///< whether any line holds it
  const std::vector<std::string>& lines() const { return lines_; }

 private:
  std::vector<std::string> lines_;
};

}  // namespace callgate
