#include "base/clock.hpp"

#include <fmt/format.h>

#include <fstream>

namespace callgate {
namespace {

timespec read(clockid_t id) {
  timespec time{};
  ::clock_gettime(id, &time);
  return time;
}

}  // namespace

SystemClock::SystemClock() {
  std::ifstream file("/proc/sys/kernel/random/boot_id");
  // Without /proc every start counts as a boot of its own: `now()` of two
  // starts is then never compared, which is the safe reading.
  if (!std::getline(file, boot_id_) || boot_id_.empty()) {
    const timespec start = read(CLOCK_REALTIME);
    boot_id_ = fmt::format("unknown-{}-{}", start.tv_sec, start.tv_nsec);
  }
}

BootTime SystemClock::now() const {
  const timespec time = read(CLOCK_BOOTTIME);
  return BootTime(std::chrono::seconds(time.tv_sec) + Nanos(time.tv_nsec));
}

std::int64_t SystemClock::wall_ms() const {
  const timespec time = read(CLOCK_REALTIME);
  return std::int64_t{time.tv_sec} * 1000 + time.tv_nsec / 1'000'000;
}

std::string_view UtcText::of(std::int64_t wall_ms) {
  std::int64_t second = wall_ms / 1000;
  std::int64_t milli = wall_ms % 1000;
  if (milli < 0) {
    milli += 1000;
    --second;
  }
  if (second != second_ || text_.empty()) {
    std::tm parts{};
    const auto time = static_cast<std::time_t>(second);
    ::gmtime_r(&time, &parts);
    text_ = fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.000Z", parts.tm_year + 1900, parts.tm_mon + 1,
                        parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec);
    second_ = second;
  }
  char* digits = text_.data() + text_.size() - 4;
  digits[0] = static_cast<char>('0' + milli / 100);
  digits[1] = static_cast<char>('0' + milli / 10 % 10);
  digits[2] = static_cast<char>('0' + milli % 10);
  return text_;
}

std::string utc_text(std::int64_t wall_ms) { return std::string(UtcText().of(wall_ms)); }

}  // namespace callgate
