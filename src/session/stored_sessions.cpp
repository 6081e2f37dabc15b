#include "session/stored_sessions.hpp"

#include <algorithm>
#include <utility>

#include "base/sha256.hpp"
#include "session/session.hpp"

namespace callgate::session {

using store::SessionRow;

namespace {

SessionRow row_of(const KeptSession& session, std::int64_t used_ms) {
  return {.name = session.name, .digest = session.digest, .server = session.server, .address = session.address, .grant = session.grant,
          .principal = session.principal, .revision = session.revision, .opening = session.opening, .used_ms = used_ms};
}

KeptSession session_of(SessionRow row) {
  return {.name = std::move(row.name), .digest = std::move(row.digest), .server = std::move(row.server), .address = std::move(row.address), .grant = std::move(row.grant),
          .principal = std::move(row.principal), .revision = std::move(row.revision), .opening = std::move(row.opening)};
}

}  // namespace

StoredSessions::StoredSessions(net::Loop& loop, const Clock& clock, Log& log, const std::filesystem::path& file, Options options)
    : loop_(loop), clock_(clock), log_(log), options_(options),
      writer_(loop, {.path = file, .open_time = options.open_time}, options.most_waiting, [this](const auto& rows, const auto& damage) { recall(rows, damage); },
              [this](const Error& why) { give_up(why); }) {
  const auto opened = writer_.open();
  if (opened) return;
  if (opened.error().kind == ErrorKind::unsupported) {
    give_up(opened.error());
    return;
  }
  faulty_ = true;
  log_.error("sessions_not_kept", {{"fault", opened.error().message}, {"effect", "until the file can be opened, which is tried again, those of before are unknown, and new ones end with this process"}});
}

StoredSessions::~StoredSessions() {
  for (const std::string& name : touched_) {
    if (const auto at = known_.find(name); at != known_.end()) writer_.used(name, wall_of(at->second.used));
  }
}

void StoredSessions::recall(const std::vector<SessionRow>& rows, const std::optional<Error>& damage) {
  if (damage) log_.error("sessions_unreadable", {{"fault", damage->message}, {"effect", "clients open new ones; the file is moved aside"}});
  recalled_ = true;
  for (const SessionRow& row : rows) recall(row);
  to_end_.clear();
  if (std::exchange(faulty_, false)) log_.info("sessions_kept_again", {{"sessions", known_.size()}});
}

/// What its file holds is nobody's here, and what is opened here goes into no file.
void StoredSessions::give_up(const Error& why) {
  if (std::exchange(kept_nowhere_, true)) return;
  log_.error("sessions_not_kept", {{"fault", why.message}, {"effect", "those of before are unknown, and new ones end with this process; the file is not looked at again"}});
  recalled_ = true;
  known_.clear();
  by_use_.clear();
  order_.clear();
  shares_.clear();
  touched_.clear();
  to_end_.clear();
}

/// The wall clock counts between two processes only; set back, it counts as no time.
void StoredSessions::recall(const SessionRow& row) {
  const std::chrono::milliseconds unused(std::max<std::int64_t>(clock_.wall_ms() - row.used_ms, 0));
  const bool has_ended = to_end_.contains({row.name, row.digest, row.grant});
  if (has_ended || unused > options_.idle) return writer_.ended(row.name);
  enter(row.name, {.grant = row.grant, .share = share_of(row.grant, row.server), .used = loop_.now() - unused});
}

std::int64_t StoredSessions::wall_of(net::Instant used) const {
  return clock_.wall_ms() - std::chrono::duration_cast<std::chrono::milliseconds>(loop_.now() - used).count();
}

// Which there are -----------------------------------------------------------------

std::string StoredSessions::share_of(const std::string& grant, const std::string& server) {
  return grant.empty() ? std::string() : grant + '\n' + server;
}

void StoredSessions::enter(std::string name, Known known) {
  place(known_.emplace(std::move(name), std::move(known)).first);
}

void StoredSessions::place(At at) {
  const auto& [name, known] = *at;
  by_use_.emplace(known.used, name);
  order_.emplace(known.served, known.used, name);
  if (!known.share.empty()) shares_[known.share].emplace(known.served, known.used, name);
}

void StoredSessions::displace(At at) {
  const auto& [name, known] = *at;
  by_use_.erase({known.used, name});
  order_.erase({known.served, known.used, name});
  const auto share = shares_.find(known.share);
  if (share == shares_.end()) return;
  share->second.erase({known.served, known.used, name});
  if (share->second.empty()) shares_.erase(share);
}

void StoredSessions::touch(At at) {
  displace(at);
  at->second.used = loop_.now();
  place(at);
  touched_.insert(at->first);
}

void StoredSessions::set_served(std::string_view name, bool served) {
  const auto at = known_.find(std::string(name));
  if (at == known_.end() || at->second.served == served) return;
  displace(at);
  at->second.served = served;
  place(at);
}

void StoredSessions::forget(At at) {
  displace(at);
  touched_.erase(at->first);
  known_.erase(at);
}

void StoredSessions::make_room(const std::string& newest, std::size_t most_of_grant) {
  if (const auto share = shares_.find(known_.at(newest).share); share != shares_.end()) make_room_in(share->second, most_of_grant, newest);
  make_room_in(order_, options_.most, newest);
}

/// `newest` stays, so that `order` is never left empty, and with it away. What has a
/// message under way stays too, and is too much only as long as that is.
void StoredSessions::make_room_in(const Order& order, std::size_t most, const std::string& newest) {
  std::size_t too_many = order.size() - std::min(order.size(), std::max<std::size_t>(most, 1));
  std::vector<std::pair<std::string, bool>> over;
  for (auto each = order.begin(); each != order.end() && over.size() < too_many; ++each) {
    const auto& [served, used, name] = *each;
    if (name != newest && !(served && is_busy(name))) over.emplace_back(name, served);
  }
  for (const auto& [name, served] : over) {
    end(name);
    if (served && heard_) heard_(name);
  }
}

// Sessions ------------------------------------------------------------------------

net::Task<Kept> StoredSessions::keep(KeptSession session, std::size_t most_of_grant) {
  const auto before = known_.find(session.name);
  const auto in_file = before == known_.end() ? SessionWriter::InFile::surely_not : SessionWriter::InFile::maybe;
  const auto told = std::make_shared<Told<bool>>(loop_);
  const bool taken = writer_.keep(row_of(session, clock_.wall_ms()), in_file, [told](bool written) { told->tell(written); });
  if (!taken) {
    if (!kept_nowhere_ && !std::exchange(refusing_, true))
      log_.warn("sessions_not_kept", {{"why", "too many wait for their file to be written"}, {"effect", "new ones end with this process until it can be written again"}});
    return net::Task<Kept>::ready(Kept::no);
  }
  if (before != known_.end()) forget(before);
  enter(session.name, {.grant = session.grant, .share = share_of(session.grant, session.server), .used = loop_.now(), .served = true});
  make_room(session.name, most_of_grant);
  return finish_keep(told);
}

net::Task<Kept> StoredSessions::finish_keep(std::shared_ptr<Told<bool>> told) {
  // Once it is known that the file cannot be written nobody waits for that.
  if (!told->value && !writer_.fault()) co_await told->done.wait(options_.write_time);
  if (told->value.value_or(false)) co_return Kept::now;
  const auto fault = writer_.fault();
  co_return fault && fault->kind == ErrorKind::unsupported ? Kept::no : Kept::later;
}

net::Task<Result<std::optional<KeptSession>>> StoredSessions::find(std::string_view id, std::string_view grant) {
  using Answer = net::Task<Result<std::optional<KeptSession>>>;
  std::string name = session_name(id);
  const auto at = known_.find(name);
  // Ids that nobody has cost no more than this, and those of others no more than those.
  if (at == known_.end() || at->second.grant != grant || loop_.now() - at->second.used > options_.idle) return Answer::ready(std::nullopt);
  const auto told = std::make_shared<Told<Row>>(loop_);
  const bool asked = writer_.find(name, [told](Row row) { told->tell(std::move(row)); });
  if (!asked) return Answer::ready(fail(ErrorKind::unavailable, "too many sessions are looked up at once"));
  touch(at);
  return finish_find(sha256_hex(id), std::move(name), told);
}

net::Task<Result<std::optional<KeptSession>>> StoredSessions::finish_find(std::string digest, std::string name, std::shared_ptr<Told<Row>> told) {
  if (!told->value) co_await told->done.wait(find_time);
  if (!told->value) co_return fail(ErrorKind::timeout, "the file of sessions was not read in time");
  Row& row = *told->value;
  if (!row) co_return std::unexpected(row.error());
  // It may have ended meanwhile. The name is a short digest: whoever finds another id of the same name finds nothing.
  if (!known_.contains(name) || !*row || (*row)->digest != digest) co_return std::nullopt;
  co_return session_of(std::move(**row));
}

void StoredSessions::serves(KeptSession session) { set_served(session.name, true); }

void StoredSessions::serves_no_longer(std::string_view name) { set_served(name, false); }

void StoredSessions::used(std::string_view name) {
  if (const auto at = known_.find(std::string(name)); at != known_.end()) touch(at);
}

void StoredSessions::end(std::string_view name) {
  std::string text(name);
  const auto at = known_.find(text);
  if (at == known_.end()) return;
  forget(at);
  writer_.ended(std::move(text));
}

/// While nobody knows which there are, it may be one of them.
bool StoredSessions::end_unknown(std::string_view id, std::string_view grant) {
  if (recalled_) return true;
  if (to_end_.size() >= most_to_end) return false;
  to_end_.emplace(session_name(id), sha256_hex(id), grant);
  return true;
}

net::Task<void> StoredSessions::settled(net::Duration most) {
  const auto told = std::make_shared<Told<bool>>(loop_);
  // What is looked up is looked up behind what was to be written before.
  const bool asked = writer_.find({}, [told](const Row&) { told->tell(true); });
  if (asked) co_await told->done.wait(most);
}

void StoredSessions::sweep() {
  for (const std::string& name : std::exchange(touched_, {})) writer_.used(name, wall_of(known_.at(name).used));
  end_unused();
  tell_fault();
}

void StoredSessions::end_unused() {
  const net::Instant now = loop_.now();  // one time for all: a session that is busy is used now, and is not met twice
  while (!by_use_.empty() && now - by_use_.begin()->first > options_.idle) {
    const std::string name = by_use_.begin()->second;
    const auto at = known_.find(name);
    const bool served = at->second.served;
    if (served && is_busy(name)) {
      touch(at);
      continue;
    }
    end(name);
    if (served && heard_) heard_(name);
  }
}

/// Each change once, however long it stays so.
void StoredSessions::tell_fault() {
  if (kept_nowhere_) return;
  const std::optional<Error> fault = writer_.fault();
  if (fault && !faulty_) log_.error("sessions_not_written", {{"fault", fault->message}, {"effect", "they end with this process unless it can be written again"}});
  if (!fault && (faulty_ || refusing_)) log_.info("sessions_written_again", {});
  faulty_ = fault.has_value();
  refusing_ = refusing_ && faulty_;
}

net::Task<void> StoredSessions::keep_going() {
  for (;;) {
    co_await loop_.sleep(between_sweeps);
    sweep();
  }
}

}  // namespace callgate::session
