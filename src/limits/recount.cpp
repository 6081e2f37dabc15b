#include "limits/recount.hpp"

#include <algorithm>
#include <charconv>

#include "limits/counter_name.hpp"

namespace callgate::limits {
namespace {

/// What stands behind ` name=` up to the next space.
std::optional<std::string_view> part(std::string_view id, std::string_view name) {
  const std::size_t at = id.rfind(name);
  if (at == std::string_view::npos) return std::nullopt;
  const std::string_view rest = id.substr(at + name.size());
  return rest.substr(0, rest.find(' '));
}

std::optional<std::uint64_t> number(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<policy::Per> per_of(std::string_view word) {
  for (const policy::Per per : {policy::Per::session, policy::Per::grant, policy::Per::server}) {
    if (policy::word(per) == word) return per;
  }
  return std::nullopt;
}

bool read_per(std::string_view text, std::vector<policy::Per>& out) {
  out.clear();
  for (;;) {
    const std::size_t plus = text.find('+');
    const std::optional<policy::Per> per = per_of(text.substr(0, plus));
    if (!per) return false;
    out.push_back(*per);
    if (plus == std::string_view::npos) return true;
    text.remove_prefix(plus + 1);
  }
}

}  // namespace

std::optional<policy::RateLimit> limit_of_id(std::string_view id) {
  // Read from the end: the pointer in front may hold any text.
  const auto max = part(id, " max=");
  auto window = part(id, " window=");
  const auto per = part(id, " per=");
  if (!max || !window || !per || !window->ends_with('s')) return std::nullopt;
  window->remove_suffix(1);
  const auto calls = number(*max);
  const auto seconds = number(*window);
  constexpr std::uint64_t longest = 3'000'000'000;  // seconds, so that nanoseconds fit
  if (!calls || !seconds || *seconds == 0 || *seconds > longest) return std::nullopt;
  policy::RateLimit limit{.max = *calls, .window = std::chrono::seconds(static_cast<std::int64_t>(*seconds)), .id = std::string(id)};
  if (!read_per(*per, limit.per)) return std::nullopt;
  return limit;
}

/// The call's time on the clock of this boot.
BootTime Recount::here(const RecordedUse& use) const {
  if (use.boot_id == now_.boot_id) return std::min(use.at, now_.now);
  // Across a boot the wall clock tells; set back, it counts as no time passed.
  constexpr std::int64_t decade_ms = 10LL * 366 * 24 * 3600 * 1000;
  const std::int64_t passed = std::clamp<std::int64_t>(now_.wall_ms - use.wall_ms, 0, decade_ms);
  return now_.now - std::chrono::milliseconds(passed);
}

const policy::RateLimit* Recount::limit_of(std::string_view id) {
  auto known = limits_.find(id);
  if (known == limits_.end()) known = limits_.emplace(id, limit_of_id(id)).first;
  return known->second ? &*known->second : nullptr;
}

bool Recount::add(const RecordedUse& use) {
  const policy::RateLimit* limit = limit_of(use.limit);
  if (limit == nullptr) return false;
  const BootTime at = here(use);
  if (at <= now_.now - limit->window) return true;
  counters_.count(*limit, {use.server, use.grant, use.session, use.scope}, at, now_.now);
  ++counted_;
  if (!sessions_.contains(std::tie(use.server, use.grant, use.session))) sessions_.emplace(use.server, use.grant, use.session);
  return true;
}

bool Recount::same_counter(std::string_view one_id, std::string_view other_id) {
  const policy::RateLimit* one = limit_of(one_id);
  const policy::RateLimit* other = limit_of(other_id);
  return one != nullptr && other != nullptr && counter_name(one->id) == counter_name(other->id);
}

Recount::~Recount() {
  for (const auto& [server, grant, session] : sessions_) counters_.session_ended({server, grant, session}, now_.now);
}

}  // namespace callgate::limits
