#include "audit/journal.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace callgate::audit {
namespace {

constexpr std::size_t buffer_bytes = 256 * 1024;  ///< a turn that records more is written in parts

template <std::size_t size>
void append_list(LineBuffer& out, const char (&quoted_key)[size], const auto& texts) {
  out.raw(quoted_key);
  out.raw('[');
  std::size_t count = 0;
  for (const auto& text : texts) {
    if (count == max_names) break;
    if (count++ > 0) out.raw(',');
    out.text(text);
  }
  out.raw(']');
}

void append_limits(LineBuffer& out, std::span<const LimitUse> limits, BootTime taken_at) {
  out.raw(R"(,"limits":[)");
  for (const LimitUse& use : limits) {
    if (&use != limits.data()) out.raw(',');
    out.raw(R"({"limit":)");
    out.text(use.limit);
    out.member(R"(,"scope":)", use.scope);
    out.raw(R"(,"remaining":)");
    out.number(use.remaining);
    out.raw('}');
  }
  out.raw(R"(],"boot_ns":)");
  out.number(static_cast<std::uint64_t>(std::max<std::int64_t>(taken_at.time_since_epoch().count(), 0)));
}

void append_call(LineBuffer& out, const CallRecord& call) {
  out.member(R"(,"server":)", call.server);
  out.member(R"(,"tool":)", call.tool);
  out.member(R"(,"method":)", call.method);
  out.member(R"(,"era":)", call.era);
  out.member(R"(,"session":)", call.session);
  out.member(R"(,"grant":)", call.grant);
  out.member(R"(,"principal":)", call.principal);
  out.member(R"(,"verdict":)", policy::word(call.verdict));
  out.member(R"(,"rule":)", call.rule);
  out.member(R"(,"reason":)", call.reason);
  append_list(out, R"(,"faults":)", call.faults);
  out.member(R"(,"policy":)", call.policy);
  out.member(R"(,"definition":)", call.definition);
  out.member(R"(,"args_digest":)", call.args_digest);
  append_list(out, R"(,"arg_keys":)", call.arg_keys);
  if (!call.arg_shapes.empty()) {
    out.raw(R"(,"arg_shapes":)");
    out.raw(call.arg_shapes);
  }
  out.member(R"(,"risk":)", call.risk);
  out.member(R"(,"category":)", call.category);
  if (!call.approval.empty()) out.member(R"(,"approval":)", call.approval);
  if (!call.trace.empty()) out.member(R"(,"trace":)", call.trace);
  if (!call.limits.empty()) append_limits(out, call.limits, call.limits_taken_at);
}

}  // namespace

Result<std::unique_ptr<Journal>> Journal::open(JournalOptions options, const Clock& clock, Log& log) {
  if (options.instance.empty()) options.instance = IdSource().next(clock.wall_ms());
  Result<std::unique_ptr<FileSink>> sink = FileSink::create(fmt::format("{}/{}", options.directory, options.instance));
  if (!sink) return std::unexpected(std::move(sink).error());
  return open(std::move(options), std::move(*sink), clock, log);
}

Result<std::unique_ptr<Journal>> Journal::open(JournalOptions options, std::unique_ptr<Sink> sink, const Clock& clock,
                                               Log& log) {
  if (options.instance.empty()) options.instance = IdSource().next(clock.wall_ms());
  std::optional<Signer> signer;
  if (!options.signing_key.empty()) {
    Result<Signer> opened = Signer::open(options.signing_key);
    if (!opened) return std::unexpected(std::move(opened).error());
    signer = std::move(*opened);
  }
  auto journal = std::unique_ptr<Journal>(
      new Journal(std::move(options), std::move(sink), std::move(signer), clock, log));
  // A journal that cannot even make its first file should be known at the start.
  if (Result<void> ready = journal->next_segment(); !ready) return std::unexpected(std::move(ready).error());
  journal->take_reserve();
  return journal;
}

Journal::Journal(JournalOptions options, std::unique_ptr<Sink> sink, std::optional<Signer> signer, const Clock& clock,
                 Log& log)
    : options_(std::move(options)),
      sink_(std::move(sink)),
      signer_(std::move(signer)),
      clock_(clock),
      log_(log),
      buffer_(buffer_bytes + buffer_bytes / 4),
      next_checkpoint_(clock.now()) {  // the first batch is signed: a chain without any signature is nobody's
  head_ = R"(","boot":)";
  append_text(head_, clock.boot_id());
  head_ += R"(,"instance":)";
  append_text(head_, options_.instance);
  head_ += R"(,"prev":")";
  std::ranges::copy(first_prev, chain_.hash.begin());
  written_ = chain_;
  failed_.reserve(remembered_failures + 1);
  if (options_.sync == Sync::batch) syncer_ = std::make_unique<Syncer>(*sink_, options_.sync_every);
}

Journal::~Journal() {
  options_.segment_bytes = UINT64_MAX;  // nothing may follow the closing record
  health_.on_reserve = false;           // what was lost is told now or never
  if (written_.seq > 0 || has_unwritten()) add_checkpoint("close");
  (void)flush();
  syncer_.reset();
  if (options_.sync == Sync::none) return;
  if (Result<void> done = sink_->sync(); !done) note_failure(done.error());
}

// One line --------------------------------------------------------------------

/// Starts the line of a record. After a leap of the wall clock or a pause of the
/// machine, what came before is signed first: readers take a long stretch without
/// a signature for a forgery.
void Journal::begin_record() {
  const std::int64_t now_ms = clock_.wall_ms();
  if (signer_ && chain_.unsigned_since_ms >= 0 && now_ms - chain_.unsigned_since_ms > signed_within.count() / 2) add_checkpoint("time");
  begin_line(now_ms);
}

/// Starts a line and returns its time.
std::string_view Journal::begin_line(std::int64_t now_ms) {
  if (buffer_.empty()) batch_ms_ = now_ms;
  if (buffer_.empty() && lost_ > 0 && !health_.on_reserve) {
    // The gap may be long: what came before it is signed first.
    if (signer_ && chain_.unsigned_since_ms >= 0) {
      const std::uint64_t lost = std::exchange(lost_, 0);  // or begin_line would come here again
      add_checkpoint("time");
      lost_ = lost;
    }
    add_gap();
  }
  line_start_ = buffer_.size();
  line_ms_ = now_ms;
  buffer_.raw(R"({"v":1,"seq":)");
  buffer_.number(chain_.seq + 1);
  buffer_.raw(R"(,"time":")");
  const std::string_view time = utc_.of(line_ms_);
  buffer_.raw(time);
  buffer_.raw(std::string_view(head_));
  buffer_.raw(chain_.hash);
  buffer_.raw('"');
  return time;
}

void Journal::end_line() {
  buffer_.raw('}');
  const Digest digest = hash_.of(buffer_.view().substr(line_start_));
  hex_digits(digest, chain_.hash);
  ++chain_.seq;
  ++pending_;
  if (chain_.unsigned_since_ms < 0) chain_.unsigned_since_ms = line_ms_;
  buffer_.drop_last();
  buffer_.raw(hash_key);
  buffer_.raw(chain_.hash);
  buffer_.raw("\"}\n");
}

/// Owns up to what failed batches lost, as soon as there is room again.
void Journal::add_gap() {
  const std::uint64_t lost = std::exchange(lost_, 0);  // or begin_line would come here again
  begin_line(clock_.wall_ms());
  lost_ = lost;
  buffer_.raw(R"(,"gap":{"lost":)");
  buffer_.number(lost_);
  buffer_.raw(R"(,"unpermitted":)");
  buffer_.number(unpermitted_);
  buffer_.raw('}');
  end_line();
  --pending_;
  gap_in_buffer_ = true;
}

void Journal::add_checkpoint(std::string_view reason) {
  const std::string_view time = begin_line(clock_.wall_ms());
  buffer_.member(R"(,"checkpoint":{"reason":)", reason);
  if (signer_) {
    buffer_.member(R"(,"key":)", signer_->public_key());
    const std::string_view hash(chain_.hash.data(), chain_.hash.size());
    buffer_.member(R"(,"signature":)", signer_->sign({options_.instance, chain_.seq + 1, time, hash, reason}));
  }
  buffer_.raw('}');
  end_line();
  --pending_;
  if (signer_) chain_.unsigned_since_ms = -1;
  checkpoint_seq_ = chain_.seq;
  next_checkpoint_ = clock_.now() + options_.checkpoint_every;
}

Ticket Journal::ticket(const Ulid& id, Ticket::Grants grants) {
  awaited_ = true;
  Ticket made;
  made.journal_ = this;
  made.id_ = id;
  made.batch_ = batch_;
  made.seq_ = chain_.seq;
  made.grants_ = grants;
  return made;
}

// Records ---------------------------------------------------------------------

Ticket Journal::record(const CallRecord& call) {
  if (health_.on_reserve && !takes(call)) return turned_away();
  begin_record();
  buffer_.member(R"(,"id":)", call.id.text());
  append_call(buffer_, call);
  end_line();
  const bool allowed = call.verdict == policy::Verdict::allow;
  Ticket made = ticket(call.id, allowed ? Ticket::Grants::decided : Ticket::Grants::nothing);
  made.may_use_reserve_ = call.may_use_reserve;
  if (buffer_.size() >= buffer_bytes) (void)flush();  // the ticket learns how it went
  return made;
}

Ticket Journal::record_internal(Internal kind, std::string_view server, std::string_view era) {
  const Ulid id = next_id();
  begin_record();
  buffer_.member(R"(,"id":)", id.text());
  buffer_.member(R"(,"internal":)", word(kind));
  buffer_.member(R"(,"server":)", server);
  buffer_.member(R"(,"era":)", era);
  end_line();
  return ticket(id, Ticket::Grants::internal);
}

void Journal::refused(const Refusal& refusal) {
  if (health_.on_reserve && reserve_is_half_used()) return static_cast<void>(turned_away());
  const Ulid id = next_id();
  begin_record();
  buffer_.member(R"(,"id":)", id.text());
  buffer_.member(R"(,"refused":)", refusal.reason);
  buffer_.member(R"(,"server":)", refusal.server);
  buffer_.member(R"(,"method":)", refusal.method);
  buffer_.member(R"(,"era":)", refusal.era);
  end_line();
  if (buffer_.size() >= buffer_bytes) (void)flush();
}

void Journal::outcome(std::string_view id, const Outcome& outcome) {
  begin_record();
  buffer_.member(R"(,"id":)", id);
  buffer_.member(R"(,"outcome":{"status":)", outcome.status);
  buffer_.raw(outcome.is_error ? std::string_view(R"(,"is_error":true,"bytes":)") : R"(,"is_error":false,"bytes":)");
  buffer_.number(outcome.bytes);
  buffer_.raw(R"(,"latency_us":)");
  buffer_.number(static_cast<std::uint64_t>(std::max<std::int64_t>(outcome.latency.count(), 0)));
  buffer_.raw('}');
  end_line();
  if (buffer_.size() >= buffer_bytes) (void)flush();
}

Result<void> Journal::removed(const Removal& removal) {
  begin_record();
  buffer_.member(R"(,"removed":{"instance":)", removal.instance);
  buffer_.raw(R"(,"segment":)");
  buffer_.number(removal.segment);
  buffer_.raw(R"(,"seq":)");
  buffer_.number(removal.seq);
  buffer_.member(R"(,"last":)", removal.hash);
  buffer_.raw('}');
  end_line();
  --pending_;
  if (signer_) add_checkpoint("time");
  if (options_.sync != Sync::none) prove_sync_ = true;
  return flush();
}

void Journal::tick() {
  if (!has_reserve_) take_reserve();
  if (Result<void> there = sink_->check_place(); !there) {
    // Records that nobody can find allow nothing: go on only in a file that has a name.
    note_failure(there.error());
    needs_segment_ = true;
  }
  const BootTime now = clock_.now();
  if (signer_ && chain_.seq != checkpoint_seq_ && now >= next_checkpoint_) {
    add_checkpoint("time");
    (void)flush();
  }
  if (now < segment_until_ || segment_size_ == 0 || wants_segment_ || health_.on_reserve || !flush()) return;
  close_segment();
  (void)make_ready();
}

Result<policy::Permit> Journal::permit(Ticket&& ticket) {
  if (ticket.journal_ != this) return fail(ErrorKind::refused, "the ticket was used already or is of another journal");
  if (ticket.batch_ == batch_) return fail(ErrorKind::conflict, "the record is not written yet");
  const Ticket spent = std::move(ticket);
  if (batch_failed(spent.batch_)) return fail(ErrorKind::unavailable, health_.fault);
  if (spent.batch_ == reserve_batch_ && !spent.may_use_reserve_) {
    // It stands in the file as allowed, so the next gap record tells otherwise.
    ++unpermitted_;
    ++lost_;
    return fail(ErrorKind::unavailable, health_.fault);
  }
  switch (spent.grants_) {
    case Ticket::Grants::decided: return policy::Permit(spent.id_, policy::Permit::Kind::decided);
    case Ticket::Grants::internal: return policy::Permit(spent.id_, policy::Permit::Kind::internal);
    case Ticket::Grants::nothing: break;
  }
  return fail(ErrorKind::refused, "the record does not allow the call");
}

bool Journal::batch_failed(std::uint64_t batch) const {
  return batch <= forgotten_ || std::ranges::binary_search(failed_, batch);
}

}  // namespace callgate::audit
