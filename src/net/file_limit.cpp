#include "net/file_limit.hpp"

#include <algorithm>
#include <atomic>

#include <sys/resource.h>

namespace callgate::net {

namespace {

/// The soft limit before it was raised; 0: it was not.
std::atomic<rlim_t> limit_before{0};

/// What other threads may open while the limit is lowered for a moment.
constexpr rlim_t room_for_others = 64;

}  // namespace

void raise_file_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= limit.rlim_max) return;
  const rlim_t before = limit.rlim_cur;
  limit.rlim_cur = limit.rlim_max;
  if (setrlimit(RLIMIT_NOFILE, &limit) == 0) limit_before = before;
}

std::size_t file_limit() {
  rlimit limit{};
  constexpr rlim_t most = 1U << 30U;  // also of "no limit"
  return getrlimit(RLIMIT_NOFILE, &limit) == 0 ? std::min(limit.rlim_cur, most) : 1024;
}

LimitForChild::LimitForChild(int in_use) {
  const rlim_t before = limit_before;
  rlimit limit{};
  // A child begins with its parent's limit. Where that cannot be lowered meanwhile, its own is, a moment later.
  if (before == 0 || static_cast<rlim_t>(in_use) + room_for_others > before || getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = before;
  lowered_ = setrlimit(RLIMIT_NOFILE, &limit) == 0;
}

LimitForChild::~LimitForChild() {
  rlimit limit{};
  if (!lowered_ || getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

void LimitForChild::started(pid_t pid) const {
  const rlim_t before = limit_before;
  rlimit limit{};
  if (before == 0 || lowered_ || prlimit(pid, RLIMIT_NOFILE, nullptr, &limit) != 0) return;
  limit.rlim_cur = std::min(before, limit.rlim_max);
  prlimit(pid, RLIMIT_NOFILE, &limit, nullptr);
}

}  // namespace callgate::net
