#include "net/redis_feed.hpp"

#include <fmt/format.h>

namespace callgate::net {
namespace {

// KEYS feed. ARGV epoch, place, the mark of what was said there. Answers {epoch, place, missed (0, 1 some, 2 all), mark, what was said since …}.
// A server that was set back, to a copy of an earlier time, has fewer words said, or others: all was missed.
constexpr std::string_view feed_functions_text = R"lua(
local function feed_since(keys, args)
  local feed = keys[1]
  redis.call('HSETNX', feed, 'epoch', table.concat(redis.call('TIME'), '.'))
  outlive(feed, 90000000)
  local kept = redis.call('HMGET', feed, 'epoch', 'said')
  local said = tonumber(kept[2] or 0)
  local mark = redis.call('LINDEX', feed .. ':marks', 0) or ''
  local new = said - tonumber(args[2])
  if args[1] ~= kept[1] or new < 0 then return {kept[1], said, 2, mark} end
  local known = redis.call('LINDEX', feed .. ':marks', new)
  if known and known ~= args[3] then return {kept[1], said, 2, mark} end
  local answer = {kept[1], said, 0, mark}
  if new == 0 then return answer end
  local items = redis.call('LRANGE', feed .. ':said', 0, new - 1)
  if #items < new then return {kept[1], said, 1, mark} end
  for i = #items, 1, -1 do answer[#answer + 1] = items[i] end
  return answer
end
)lua";

}  // namespace

RedisFeed::Library::Library() {
  RedisLibrary library("feed", feed_functions_text);
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
  const auto items = items_of(functions_.client(), co_await functions_.run({.function = library_.since, .keys = {key_}, .args = {epoch_, place_, mark_}}));
  if (!items || items->size() < 4) co_return false;
  epoch_ = (*items)[0].text;
  place_ = std::to_string((*items)[1].integer);
  const auto missed = (*items)[2].integer;
  mark_ = (*items)[3].text;
  for (const auto& [name, topic] : topics_) {
    if (missed != 0) topic.missed(missed == 1 ? Missed::some : Missed::all);
  }
  for (std::size_t i = 4; i < items->size(); ++i) tell((*items)[i].text);
  co_return true;
}

Task<void> RedisFeed::keep_looking() {
  for (;;) {
    co_await look();
    co_await functions_.client().loop().sleep(between_looks);
  }
}

}  // namespace callgate::net
