#include "gateway/peers.hpp"

#include <fmt/format.h>

namespace callgate::gateway {
namespace {

constexpr std::string_view key_form = "1";
/// Policies beyond these are not compared.
constexpr std::size_t most_told = 2'000;

// KEYS what all keys begin with. ARGV at most passed, gateway, silent for in µs, what it says.
// Kept are `seen` gateways by when they said something last, `said` what that was.
// Answers {server's time, of each other gateway that lives what it said}.
constexpr std::string_view body = R"lua(
local function beat(keys, args)
  local p, gateway = keys[1], args[2]
  local now, raw = clock(p .. ':clock', '', args[1])
  redis.call('ZADD', p .. ':seen', text(now), gateway)
  redis.call('HSET', p .. ':said', gateway, args[4])
  local silent = redis.call('ZRANGEBYSCORE', p .. ':seen', '-inf', text(now - tonumber(args[3])))
  for _, name in ipairs(silent) do
    redis.call('ZREM', p .. ':seen', name)
    redis.call('HDEL', p .. ':said', name)
  end
  for _, key in ipairs({':clock', ':seen', ':said'}) do outlive(p .. key, 90000000) end
  local answer = {raw}
  for _, name in ipairs(redis.call('ZRANGE', p .. ':seen', 0, -1)) do
    if name ~= gateway then answer[#answer + 1] = redis.call('HGET', p .. ':said', name) or '' end
  end
  return answer
end

local function leave(keys, args)
  redis.call('ZREM', keys[1] .. ':seen', args[1])
  redis.call('HDEL', keys[1] .. ':said', args[1])
  return {1}
end
)lua";

/// A line each; names hold no line ends.
std::string text_of(const Peers::Versions& versions) {
  std::string text;
  std::size_t told = 0;
  for (const auto& [what, hash] : versions) {
    if (++told > most_told) break;
    text += fmt::format("{} {}\n", hash, what);
  }
  return text;
}

Peers::Versions versions_of(std::string_view text) {
  Peers::Versions versions;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (const std::size_t space = line.find(' '); space != std::string_view::npos) versions.emplace(line.substr(space + 1), line.substr(0, space));
  }
  return versions;
}

}  // namespace

Peers::Functions::Functions() {
  net::RedisLibrary library("peers", body);
  beat = library.add("beat");
  leave = library.add("leave");
  text = library.text();
}

Peers::Peers(net::RedisClient& client, Log& log, Metrics& metrics, Options options)
    : functions_(client, names_.text),
      log_(log),
      live_(metrics.gauge("callgate_gateways", "Gateways that share this one's state and live, this one too.")),
      differing_(metrics.gauge("callgate_policies_differing", "Policies of which a live gateway that shares the state has another version.")),
      options_(std::move(options)),
      key_(fmt::format("{}{{peers}}:{}", options_.prefix, key_form)) {}

net::Task<bool> Peers::beat(const Versions& ours) {
  const auto items = co_await functions_.run(
      {.function = names_.beat, .keys = {key_}, .args = {options_.gateway, std::to_string(net::RedisTime::microseconds(silent_for)), text_of(ours)}});
  if (!items) co_return false;
  compare(ours, *items);
  co_return true;
}

/// A difference is told when it begins, and when it is over.
void Peers::compare(const Versions& ours, const std::vector<net::RedisReply>& items) {
  std::map<std::string, std::size_t, std::less<>> differing;
  for (std::size_t i = 1; i < items.size(); ++i) {
    for (const auto& [what, hash] : versions_of(items[i].text)) {
      const auto own = ours.find(what);
      if (own != ours.end() && own->second != hash) ++differing[what];
    }
  }
  for (const auto& [what, count] : differing) {
    if (!differing_now_.contains(what)) log_.warn("policy_differs", {{"of", what}, {"ours", ours.find(what)->second}, {"gateways_with_another", count}});
  }
  for (const auto& [what, count] : differing_now_) {
    if (!differing.contains(what)) log_.info("policy_agrees_again", {{"of", what}});
  }
  differing_now_ = std::move(differing);
  live_.set(static_cast<std::int64_t>(items.size()));
  differing_.set(static_cast<std::int64_t>(differing_now_.size()));
}

std::vector<std::string> Peers::differences() const {
  std::vector<std::string> sentences;
  for (const auto& [what, count] : differing_now_)
    sentences.push_back(fmt::format("the policy of {} is another one at {} of the gateways that share the state: give all the same file", what, count));
  return sentences;
}

net::Task<void> Peers::keep_telling(std::function<Versions()> ours) {
  for (;;) {
    co_await beat(ours());
    co_await functions_.loop().sleep(between_beats);
  }
}

net::Task<void> Peers::leave() {
  [[maybe_unused]] const auto left = co_await functions_.functions().run({.function = names_.leave, .keys = {key_}, .args = {options_.gateway}});
}

}  // namespace callgate::gateway
