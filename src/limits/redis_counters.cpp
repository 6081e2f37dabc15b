#include "limits/redis_counters.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>

#include "limits/counter_name.hpp"

namespace callgate::limits {

/// Where the call was counted: the counters as `give_back` takes them.
struct Taken::Receipt {
  std::vector<std::string> keys;
  std::vector<std::string> limits;
  std::string id;
};

/// What a function says of the limits of a call.
struct RedisCounters::Answer {
  enum class Word : std::uint8_t { refused, taken, too_late };
  struct State {
    std::uint64_t used = 0;
    Nanos wait{0};
  };
  Word word = Word::refused;
  std::int64_t at = 0;  ///< on the clock of the windows
  std::vector<State> states;
};

namespace {

/// Keys outlive their window by more than a day, so that a server whose clock is
/// set forward by one does not drop them.
constexpr Nanos kept_longer = std::chrono::hours(25);
/// Of a caller's time nothing is known of when it passes; its tests are short.
constexpr Nanos kept_in_tests = std::chrono::minutes(10);
/// How much longer than on our clock it may take from one call to the next until
/// they reach the server; no less than a call may take.
constexpr Nanos slack = std::chrono::milliseconds(500);
constexpr std::size_t most_owed_uncounted = 10'000;
constexpr std::uint64_t most_counted = std::uint64_t{1} << 53U;  // what Lua's numbers hold exactly

std::int64_t microseconds(Nanos time) { return std::chrono::duration_cast<std::chrono::microseconds>(time).count(); }

std::size_t limits_in(std::span<const Ask> asks) {
  std::size_t count = 0;
  for (const Ask& ask : asks) count += ask.limits.size();
  return count;
}

}  // namespace

RedisCounters::RedisCounters(net::RedisClient& client, Options options)
    : client_(client),
      options_(std::move(options)),
      server_(client, functions_.text),
      clock_key_(key("clock", {})),
      gateways_key_(key("gateways", {})),
      sessions_key_(key("gateway", {options_.gateway})),
      debts_(server_, [this](net::RedisCall& call) {
        call.args.clear();
        add_time(call, here());
      }) {
  if (options_.predecessor.empty()) return;
  debts_.owe({.function = functions_.end_gateway, .keys = {clock_key_, gateways_key_, key("gateway", {options_.predecessor})}, .args = {}});
}

RedisCounters::~RedisCounters() { tasks_.cancel(); }

// Keys ----------------------------------------------------------------------------

std::string RedisCounters::key(std::string_view kind, std::initializer_list<std::string_view> parts) const {
  return net::redis_key(fmt::format("{}{{limits}}:{}:{}", options_.prefix, key_form, kind), parts);
}

std::int64_t RedisCounters::units(Nanos time) const {
  return std::max<std::int64_t>(options_.time == Time::of_caller ? time.count() : microseconds(time), 1);
}

/// The counter of each limit, and where the calls of ended sessions stand.
void RedisCounters::add_limits(net::RedisCall& call, std::span<const Ask> asks, const Subject& who) const {
  for (const Ask& ask : asks) {
    for (const policy::RateLimit* limit : ask.limits) {
      const std::string counter = counter_name(limit->id).text();
      if (limit->counts(policy::Per::session)) {
        call.keys.push_back(key("session", {who.server, ask.scope, counter, who.grant, who.session}));
        call.keys.push_back(key("ended", {who.server, ask.scope, counter, who.grant}));
      } else {
        const std::string_view grant = limit->counts(policy::Per::grant) ? who.grant : std::string_view();
        call.keys.push_back(key("plain", {who.server, ask.scope, counter, grant}));
        call.keys.push_back(call.keys.back());
      }
      const Nanos keep = options_.time == Time::of_caller ? kept_in_tests : limit->window + kept_longer;
      call.args.push_back(std::to_string(std::min(limit->max, most_counted)));
      call.args.push_back(std::to_string(units(limit->window)));
      call.args.push_back(std::to_string(std::chrono::ceil<std::chrono::milliseconds>(keep).count()));
    }
  }
}

/// What time it is, and how much can have passed at most since anybody's last
/// call: no more than since our own. One who has just started has only its wall
/// clock to tell that by.
void RedisCounters::add_time(net::RedisCall& call, BootTime now) {
  now_ = std::max(now_, now);
  const bool ours = options_.time == Time::of_caller;
  call.args.push_back(ours ? std::to_string(now_.time_since_epoch().count()) : std::string());
  if (ours) return call.args.emplace_back(), void();
  const std::string most = last_answered_ ? std::to_string(microseconds(now_ - *last_answered_ + slack)) : std::string();
  call.args.push_back(fmt::format("{},{}", most, options_.wall_ms() * 1000));
}

// Reading -------------------------------------------------------------------------

Result<RedisCounters::Answer> RedisCounters::read(Result<net::RedisReply> reply, std::size_t limits) {
  const auto items = net::items_of(client_, std::move(reply));
  auto answer = items ? read(*items, limits) : std::unexpected(items.error());
  const bool news = counting_.has_value() != answer.has_value();
  counting_ = answer ? Result<void>() : std::unexpected(answer.error());
  if (news && on_change_) on_change_(counting_);
  return answer;
}

Result<RedisCounters::Answer> RedisCounters::read(const std::vector<net::RedisReply>& items, std::size_t limits) {
  const bool all_numbers = std::ranges::all_of(items, [](const auto& item) { return item.kind == net::RedisReply::Kind::integer; });
  const bool whole = items.size() == 3 + 2 * limits || (items.size() == 3 && items[0].integer == 2);
  if (!all_numbers || !whole || items[0].integer < 0 || items[0].integer > 2)
    return fail(ErrorKind::malformed, "the shared state gave an answer that cannot be read");
  Answer answer{.word = static_cast<Answer::Word>(items[0].integer), .at = items[2].integer};
  server_ahead_ = items[1].integer - microseconds(client_.loop().now().time_since_epoch());
  const Nanos unit = options_.time == Time::of_caller ? Nanos(1) : Nanos(1000);
  for (std::size_t i = 3; i < items.size(); i += 2)
    answer.states.push_back({static_cast<std::uint64_t>(std::max<std::int64_t>(items[i].integer, 0)), items[i + 1].integer * unit});
  return answer;
}

Look RedisCounters::look_of(std::span<const Ask> asks, const Answer& answer) const {
  Look look;
  std::size_t index = 0;
  for (const Ask& ask : asks) {
    for (const policy::RateLimit* limit : ask.limits) {
      const auto& [used, wait] = answer.states[index];
      look.remaining = std::min(look.remaining, limit->max - std::min(used, limit->max));
      if (used >= std::min(limit->max, most_counted)) {
        if (look.free) {
          look.limit = limit;
          look.blocking = index;
        }
        look.free = false;
        look.retry_after = std::max(look.retry_after, wait);
      }
      ++index;
    }
  }
  return look;
}

namespace {

Look faulty(std::string why) {
  Look look;
  look.free = false;
  look.remaining = 0;
  look.fault = std::move(why);
  return look;
}

}  // namespace

// The interface -------------------------------------------------------------------

net::Task<Look> RedisCounters::look(std::span<const Ask> asks, const Subject& who, BootTime now) {
  if (limits_in(asks) == 0) return net::Task<Look>::ready(Look());
  debts_.settle();
  net::RedisCall call{.function = functions_.look, .keys = {clock_key_}, .args = {}};
  add_time(call, now);
  add_limits(call, asks, who);
  return finish_look(asks, server_.run(std::move(call)));
}

net::Task<Look> RedisCounters::finish_look(std::span<const Ask> asks, net::Task<Result<net::RedisReply>> reply) {
  const auto answer = read(co_await reply, limits_in(asks));
  if (answer && answer->states.size() != limits_in(asks)) co_return faulty("the shared state gave an answer that cannot be read");
  co_return answer ? look_of(asks, *answer) : faulty(answer.error().message);
}

net::Task<Counters::TakeResult> RedisCounters::take(std::span<const Ask> asks, const Subject& who, BootTime now) {
  const std::size_t limits = limits_in(asks);
  if (limits == 0) return net::Task<TakeResult>::ready(Taken(now));
  debts_.settle();
  net::RedisCall call{.function = functions_.take, .keys = {clock_key_, key("sessions", {who.server, who.grant, who.session}), sessions_key_}, .args = {}};
  add_time(call, now);
  // Who waits gives up by then: a call that a stopped server finds later counts for nothing.
  const bool may_be_late = options_.time == Time::of_server && server_ahead_;
  const auto until = (client_.loop().now() + client_.answer_within()).time_since_epoch();
  call.args.push_back(may_be_late ? std::to_string(microseconds(until) + *server_ahead_) : std::string());
  auto receipt = std::make_shared<Taken::Receipt>();
  receipt->id = fmt::format("{}.{}", options_.gateway, ++calls_);
  call.args.push_back(receipt->id);
  const std::size_t first_key = call.keys.size();
  const std::size_t first_limit = call.args.size();
  add_limits(call, asks, who);
  receipt->keys.assign(call.keys.begin() + static_cast<std::ptrdiff_t>(first_key), call.keys.end());
  receipt->limits.assign(call.args.begin() + static_cast<std::ptrdiff_t>(first_limit), call.args.end());
  for (std::size_t i = 0; i < receipt->keys.size(); i += 2) {
    if (receipt->keys[i] != receipt->keys[i + 1]) counted_sessions_.insert(call.keys[1]);
  }
  return finish_take(asks, std::move(receipt), now_, server_.run(std::move(call)));
}

net::Task<Counters::TakeResult> RedisCounters::finish_take(std::span<const Ask> asks, std::shared_ptr<Taken::Receipt> receipt,
                                                           BootTime now, net::Task<Result<net::RedisReply>> reply) {
  const auto answer = read(co_await reply, limits_in(asks));
  if (!answer) co_return std::unexpected(faulty(answer.error().message));
  last_answered_ = std::max(last_answered_.value_or(now), now);
  if (answer->word == Answer::Word::too_late) co_return std::unexpected(faulty("the shared state was asked too late"));
  if (answer->word == Answer::Word::refused) co_return std::unexpected(look_of(asks, *answer));
  Taken taken{BootTime(Nanos(answer->at))};
  std::size_t index = 0;
  for (const Ask& ask : asks) {
    for (const policy::RateLimit* limit : ask.limits)
      taken.add({.remaining = limit->max - std::min(answer->states[index++].used + 1, limit->max)});
  }
  taken.receipt_ = std::move(receipt);
  co_return taken;
}

void RedisCounters::give_back(Taken&& taken) {
  const Taken spent = std::move(taken);
  if (!spent.receipt_) return;
  net::RedisCall call{.function = functions_.give_back, .keys = spent.receipt_->keys, .args = {spent.receipt_->id, std::to_string(spent.at_.time_since_epoch().count())}};
  call.args.insert(call.args.end(), spent.receipt_->limits.begin(), spent.receipt_->limits.end());
  // Not heard of, the call stays counted: the safe side.
  tasks_.spawn(forget(server_.run(std::move(call))));
}

net::Task<void> RedisCounters::forget(net::Task<Result<net::RedisReply>> reply) { [[maybe_unused]] const auto ignored = co_await reply; }

Result<void> RedisCounters::health() const {
  auto there = client_.health();
  return there ? counting_ : there;
}

// Sessions ------------------------------------------------------------------------

/// The end of a session is told until it was heard: else the next session of its
/// grant would begin with too few calls.
void RedisCounters::session_ended(const Subject& who, BootTime now) {
  std::string session = key("sessions", {who.server, who.grant, who.session});
  // Another gateway may have counted it too; while much is owed already, only what was counted here.
  if (counted_sessions_.erase(session) == 0 && debts_.size() >= most_owed_uncounted) return;
  now_ = std::max(now_, now);
  debts_.owe({.function = functions_.end_session, .keys = {clock_key_, std::move(session), sessions_key_}, .args = {}});
}

BootTime RedisCounters::here() const {
  return options_.time == Time::of_caller ? now_ : BootTime(client_.loop().now().time_since_epoch());
}

net::Task<void> RedisCounters::leave() {
  net::RedisCall call{.function = functions_.end_gateway, .keys = {clock_key_, gateways_key_, sessions_key_}, .args = {}};
  add_time(call, here());
  co_await forget(server_.run(std::move(call)));
}

net::Task<void> RedisCounters::keep_alive() {
  for (;;) {
    debts_.settle();
    net::RedisCall call{.function = functions_.beat, .keys = {clock_key_, gateways_key_, sessions_key_}, .args = {}};
    const BootTime now = here();
    add_time(call, now);
    call.args.push_back(std::to_string(units(silent_for)));
    call.args.push_back(std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(kept_longer).count()));
    const auto answer = read(co_await server_.run(std::move(call)), 0);
    if (answer) last_answered_ = std::max(last_answered_.value_or(now), now);
    co_await client_.loop().sleep(between_beats);
  }
}

}  // namespace callgate::limits
