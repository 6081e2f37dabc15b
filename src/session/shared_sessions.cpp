#include "session/shared_sessions.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>

#include "base/sha256.hpp"
#include "session/session.hpp"

namespace callgate::session {
namespace {

/// Names asked about in one call.
constexpr std::size_t most_at_once = 500;
/// So many ends of sessions that may not even be kept are told.
constexpr std::size_t most_unheard = 1'000;

struct Field {
  std::string_view name;
  std::string KeptSession::*text;
};
constexpr std::array<Field, 7> fields{{{"digest", &KeptSession::digest},
                                       {"server", &KeptSession::server},
                                       {"address", &KeptSession::address},
                                       {"grant", &KeptSession::grant},
                                       {"principal", &KeptSession::principal},
                                       {"revision", &KeptSession::revision},
                                       {"opening", &KeptSession::opening}}};

KeptSession read_fields(std::string name, const net::RedisReply& reply) {
  KeptSession session{.name = std::move(name)};
  for (std::size_t i = 0; i + 1 < reply.items.size(); i += 2) {
    const auto field = std::ranges::find(fields, reply.items[i].text, &Field::name);
    if (field != fields.end()) session.*field->text = reply.items[i + 1].text;
  }
  return session;
}

}  // namespace

SharedSessions::SharedSessions(net::RedisClient& client, net::RedisFeed& feed, Options options)
    : functions_(client, names_.text),
      keys_({fmt::format("{}{{sessions}}:{}", options.prefix, session_key_form), feed.key()}),
      idle_(std::to_string(net::RedisTime::microseconds(options.idle))),
      debts_(functions_.functions(), [this](net::RedisCall& call) { call.args.front() = functions_.at_most(); }) {
  feed.on("session", {.heard = [this](std::string_view name) { ended(name); },
                      .missed = [this](net::RedisFeed::Missed missed) { look_again(missed); }});
}

// Calling -------------------------------------------------------------------------

/// Every function takes after the time how long a session lasts unused.
net::Task<SharedSessions::Items> SharedSessions::run(std::string_view function, std::vector<std::string> args) {
  debts_.settle();
  args.insert(args.begin(), idle_);
  return functions_.run({.function = function, .keys = keys_, .args = std::move(args)});
}

// Sessions ------------------------------------------------------------------------

std::vector<std::string> SharedSessions::words_of(const Served& served) {
  std::vector<std::string> words{served.session.name, served.session.grant, std::to_string(served.most_of_grant)};
  for (const Field& field : fields) {
    words.emplace_back(field.name);
    words.push_back(served.session.*field.text);
  }
  return words;
}

net::Task<Kept> SharedSessions::keep(KeptSession session, std::size_t most_of_grant) {
  std::string name = session.name;
  Served& served = served_[name];
  served = {.session = std::move(session), .most_of_grant = most_of_grant};
  return finish_keep(std::move(name), run(names_.keep, words_of(served)));
}

net::Task<Kept> SharedSessions::finish_keep(std::string name, net::Task<Items> keeping) {
  const auto kept = co_await keeping;
  if (kept && kept->size() > 1) ended(name);  // before this was told
  if (kept) co_return kept->size() == 1 ? Kept::now : Kept::no;
  if (served_.contains(name)) unkept_.insert(std::move(name));
  co_return Kept::later;
}

net::Task<Result<std::optional<KeptSession>>> SharedSessions::find(std::string_view id, std::string_view grant) {
  std::string name = session_name(id);
  auto finding = run(names_.find, {name});
  return finish_find(sha256_hex(id), std::string(grant), std::move(name), std::move(finding));
}

net::Task<Result<std::optional<KeptSession>>> SharedSessions::finish_find(std::string digest, std::string grant, std::string name, net::Task<Items> finding) {
  const auto found = co_await finding;
  if (!found) co_return std::unexpected(found.error());
  if (found->size() != 2) co_return fail(ErrorKind::malformed, "the shared state gave an answer that cannot be read");
  KeptSession session = read_fields(std::move(name), (*found)[1]);
  // The name is a short digest: whoever finds another id of the same name finds nothing.
  if (session.digest != digest || session.grant != grant) co_return std::nullopt;
  co_return std::move(session);
}

void SharedSessions::serves(KeptSession session) {
  std::string name = session.name;
  served_[std::move(name)] = {.session = std::move(session), .most_of_grant = std::size_t{1} << 30U};
}

void SharedSessions::serves_no_longer(std::string_view name) {
  served_.erase(std::string(name));
  unkept_.erase(std::string(name));
}

void SharedSessions::end(std::string_view name) {
  // Sessions that nobody heard of come and go as fast as clients make them: most need no word of their end.
  const bool heard_of = !unkept_.contains(std::string(name));
  serves_no_longer(name);
  used_.erase(std::string(name));
  if (!heard_of && debts_.size() >= most_unheard) return;
  debts_.owe({.function = names_.end, .keys = keys_, .args = {{}, idle_, std::string(name)}});
}

// What others did -----------------------------------------------------------------

void SharedSessions::ended(std::string_view name) {
  unkept_.erase(std::string(name));
  if (served_.erase(std::string(name)) == 1 && heard_) heard_(name);
}

/// A server that forgot is told what is served here; one that said more than it
/// keeps is asked which of these are over.
void SharedSessions::look_again(net::RedisFeed::Missed missed) {
  std::vector<std::string> names;
  for (const auto& [name, served] : served_) {
    if (missed == net::RedisFeed::Missed::all) unkept_.insert(name);
    else names.push_back(name);
  }
  if (!names.empty()) tasks_.spawn(ask_which_are_over(std::move(names)));
}

net::Task<void> SharedSessions::ask_which_are_over(std::vector<std::string> names) {
  while (!names.empty()) {
    const std::size_t count = std::min(names.size(), most_at_once);
    const auto first = names.end() - static_cast<std::ptrdiff_t>(count);
    const auto over = co_await run(names_.alive, std::vector<std::string>(first, names.end()));
    if (!over) {
      co_await functions_.loop().sleep(std::chrono::milliseconds(200));
      continue;
    }
    names.resize(names.size() - count);
    for (std::size_t i = 1; i < over->size(); ++i) ended((*over)[i].text);
  }
}

net::Task<void> SharedSessions::keep_again() {
  debts_.settle();
  while (!unkept_.empty()) {
    std::string name = unkept_.extract(unkept_.begin()).value();
    const auto served = served_.find(name);
    if (served == served_.end()) continue;
    if (const auto kept = co_await run(names_.keep, words_of(served->second))) {
      if (kept->size() > 1) ended(name);
      continue;
    }
    if (served_.contains(name)) unkept_.insert(std::move(name));
    co_return;
  }
}

net::Task<void> SharedSessions::sweep() {
  for (const auto& [name, served] : served_) {
    if (is_busy_ && is_busy_(name)) used_.insert(name);
  }
  std::vector<std::string> names(used_.begin(), used_.end());
  used_.clear();
  while (!names.empty()) {
    const std::size_t count = std::min(names.size(), most_at_once);
    const auto first = names.end() - static_cast<std::ptrdiff_t>(count);
    std::vector<std::string> some(first, names.end());
    names.resize(names.size() - count);
    const auto told = co_await run(names_.used, some);
    if (!told) used_.insert(some.begin(), some.end());
  }
  [[maybe_unused]] const auto swept = co_await run(names_.sweep, {});
}

net::Task<void> SharedSessions::keep_going() {
  for (unsigned round = 0;; ++round) {
    co_await keep_again();
    if (round % rounds_between_sweeps == 0) co_await sweep();
    co_await functions_.loop().sleep(between_rounds);
  }
}

}  // namespace callgate::session
