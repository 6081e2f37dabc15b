#include "session/shared_grants.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "session/grant_row.hpp"

namespace callgate::session {
namespace {

constexpr std::string_view key_form = "1";
/// Rows told in one call.
constexpr std::size_t most_grants_at_once = 200;

// KEYS all grants (id → row), the feed. A row begins with whether it is revoked, and when it changed last.
constexpr std::string_view grant_functions_text = R"lua(
local function parts(row)
  local revoked, changed = row:match('^(%d) (%d+) ')
  return revoked == '1', tonumber(changed)
end

local function better(row, other)
  if not other then return true end
  local revoked, changed = parts(row)
  local other_revoked, other_changed = parts(other)
  return not other_revoked and (revoked or changed > other_changed)
end

-- ARGV ids and rows.
local function merge(keys, args)
  for i = 1, #args, 2 do
    if better(args[i + 1], redis.call('HGET', keys[1], args[i])) then
      redis.call('HSET', keys[1], args[i], args[i + 1])
      say(keys[2], 'grant ' .. args[i])
    end
  end
  outlive(keys[1], 34560000000)
  return {1}
end

local function all(keys)
  outlive(keys[1], 34560000000)
  return redis.call('HGETALL', keys[1])
end

-- ARGV ids.
local function some(keys, args)
  local rows = {}
  for _, id in ipairs(args) do
    local row = redis.call('HGET', keys[1], id)
    if row then
      rows[#rows + 1] = id
      rows[#rows + 1] = row
    end
  end
  return rows
end
)lua";

}  // namespace

SharedGrants::Functions::Functions() {
  net::RedisLibrary library("grants", grant_functions_text);
  merge = library.add("merge");
  all = library.add("all");
  some = library.add("some");
  text = library.text();
}

SharedGrants::SharedGrants(net::RedisClient& client, net::RedisFeed& feed, store::Store& store, std::string_view prefix)
    : functions_(client, names_.text), store_(store), keys_({fmt::format("{}{{grants}}:{}", prefix, key_form), feed.key()}) {
  feed.on("grant", {.heard = [this](std::string_view id) { changed_.emplace(id); },
                    .missed = [this](net::RedisFeed::Missed /*missed*/) { read_all_ = tell_ = true; }});
}

/// Reads what is new there, and puts it into the folder.
net::Task<bool> SharedGrants::read_shared() {
  if (!read_all_ && changed_.empty()) co_return true;
  const bool everything = std::exchange(read_all_, false);
  const std::set<std::string> ids = std::exchange(changed_, {});
  auto reply = everything ? functions_.run({.function = names_.all, .keys = keys_, .args = {}})
                          : functions_.run({.function = names_.some, .keys = keys_, .args = std::vector<std::string>(ids.begin(), ids.end())});
  const auto rows = net::items_of(functions_.client(), co_await reply);
  if (rows && everything) shared_.clear();
  const bool taken = rows && take_up(*rows);
  if (!taken) {
    read_all_ = read_all_ || everything;
    changed_.insert(ids.begin(), ids.end());
  }
  if (taken && everything) known_ = true;
  co_return taken;
}

bool SharedGrants::take_up(std::span<const net::RedisReply> rows) {
  const auto ours = store_.grants().list();
  if (!ours) {
    // What others revoked is refused here, whether or not the folder can be read.
    for (std::size_t i = 0; i + 1 < rows.size(); i += 2) {
      const auto grant = read_row(rows[i + 1].text);
      if (grant && grant->id == rows[i].text && grant->revoked_ms) overruled_.insert(grant->id);
    }
    note(std::unexpected(ours.error()));
    return false;
  }
  std::vector<store::Grant> better;
  for (std::size_t i = 0; i + 1 < rows.size(); i += 2) {
    shared_[rows[i].text] = rows[i + 1].text;
    const auto grant = read_row(rows[i + 1].text);
    if (!grant || grant->id != rows[i].text) continue;
    const auto own = std::ranges::find(*ours, grant->id, &store::Grant::id);
    const bool holds = own == ours->end() || (!same_but_name(*grant, *own) && !overrules(*own, *grant));
    if (holds && !(own != ours->end() && own->revoked_ms)) better.push_back(*grant);
  }
  if (better.empty()) return true;
  for (const store::Grant& grant : better) overruled_.insert(grant.id);
  const auto put = store_.grants().put(better);
  if (put) overruled_.clear();
  note(put);
  return put.has_value();
}

/// Faults are told once, changes each time.
void SharedGrants::note(Result<void> written) {
  const bool news = written.has_value() || well_;
  well_ = written.has_value();
  if (news && heard_) heard_(written);
}

/// What the folder knows better, or alone.
net::Task<bool> SharedGrants::tell_ours() {
  const auto changed = store_.changed(seen_);
  if (!changed) co_return false;
  if (!*changed && !tell_) co_return true;
  tell_ = true;  // until all of it was told
  if (!functions_.client().health()) co_return false;
  const auto ours = store_.grants().list();
  if (!ours) co_return false;
  std::vector<std::string> rows;
  for (const store::Grant& own : *ours) {
    const auto known = shared_.find(own.id);
    const auto theirs = known == shared_.end() ? std::nullopt : read_row(known->second);
    if (theirs && !overrules(own, *theirs)) continue;
    rows.push_back(own.id);
    rows.push_back(row_text(own));
  }
  tell_ = false;  // unless others miss it while it is told
  for (std::size_t at = 0; at < rows.size(); at += 2 * most_grants_at_once) {
    const auto first = rows.begin() + static_cast<std::ptrdiff_t>(at);
    const auto last = rows.begin() + static_cast<std::ptrdiff_t>(std::min(at + 2 * most_grants_at_once, rows.size()));
    auto told = net::items_of(functions_.client(), co_await functions_.run({.function = names_.merge, .keys = keys_, .args = std::vector<std::string>(first, last)}));
    if (!told) {
      tell_ = true;
      co_return false;
    }
    for (auto row = first; row != last; row += 2) shared_[*row] = *(row + 1);
  }
  co_return true;
}

net::Task<bool> SharedGrants::round() {
  const bool heard = co_await read_shared();
  // Before the others' were read nobody knows what is better.
  const bool told = known_ && co_await tell_ours();
  co_return heard && told;
}

net::Task<void> SharedGrants::keep_going() {
  for (;;) {
    co_await round();
    co_await functions_.client().loop().sleep(between_rounds);
  }
}

}  // namespace callgate::session
