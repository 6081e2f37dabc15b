#include "net/redis_feed.hpp"

#include <fmt/format.h>

namespace callgate::net {
namespace {

// KEYS feed. ARGV epoch, place. Answers {epoch, place, missed (0, 1 some, 2 all), what was said since …}.
constexpr std::string_view body = R"lua(
local function feed_since(keys, args)
  local feed = keys[1]
  redis.call('HSETNX', feed, 'epoch', table.concat(redis.call('TIME'), '.'))
  outlive(feed, 90000000)
  local kept = redis.call('HMGET', feed, 'epoch', 'said')
  local said = tonumber(kept[2] or 0)
  if args[1] ~= kept[1] then return {kept[1], said, 2} end
  local new = said - tonumber(args[2])
  local answer = {kept[1], said, 0}
  if new <= 0 then return answer end
  local items = redis.call('LRANGE', feed .. ':said', 0, new - 1)
  if #items < new then return {kept[1], said, 1} end
  for i = #items, 1, -1 do answer[#answer + 1] = items[i] end
  return answer
end
)lua";

}  // namespace

RedisFeed::Library::Library() {
  RedisLibrary library("feed", body);
  since = library.add("feed_since");
  text = library.text();
}

RedisFeed::RedisFeed(RedisClient& client, std::string_view prefix)
    : functions_(client, library_.text), key_(fmt::format("{}{{feed}}:1", prefix)) {}

void RedisFeed::tell(std::string_view said) {
  const std::size_t space = said.find(' ');
  const auto topic = topics_.find(said.substr(0, space));
  if (topic != topics_.end() && space != std::string_view::npos) topic->second.heard(said.substr(space + 1));
}

Task<bool> RedisFeed::look() {
  const auto items = items_of(functions_.client(), co_await functions_.run({.function = library_.since, .keys = {key_}, .args = {epoch_, place_}}));
  if (!items || items->size() < 3) co_return false;
  epoch_ = (*items)[0].text;
  place_ = std::to_string((*items)[1].integer);
  const auto missed = (*items)[2].integer;
  for (const auto& [name, topic] : topics_) {
    if (missed != 0) topic.missed(missed == 1 ? Missed::some : Missed::all);
  }
  for (std::size_t i = 3; i < items->size(); ++i) tell((*items)[i].text);
  co_return true;
}

Task<void> RedisFeed::keep_looking() {
  for (;;) {
    co_await look();
    co_await functions_.client().loop().sleep(between_looks);
  }
}

}  // namespace callgate::net
