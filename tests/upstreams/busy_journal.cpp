// Writes the data folder that a busy gateway leaves behind when it is killed, by the gateway's own journal and counters:
//
//   busy-journal DATA CALLS TAIL
//
// One call in two is counted, by the limit of `policy` below; each has its outcome. Counters are kept every 100,000
// records, as a gateway under load does, and the last TAIL calls came after the last time. Then the process ends at once.
#include <charconv>
#include <cstdlib>
#include <iostream>

#include <fmt/format.h>

#include "audit/journal.hpp"
#include "cli/counters_file.hpp"
#include "cli/counters_place.hpp"
#include "cli/data_folder.hpp"
#include "cli/gateway_process.hpp"
#include "limits/memory_counters.hpp"
#include "limits/recount.hpp"

namespace callgate::cli {
namespace {

constexpr std::string_view tool = "echo";
constexpr std::string_view server = "default";
/// `tools: {echo: {action: allow, rate_limit: {max: …, window: 30d, per: server}}}`, of any max.
constexpr std::string_view limit_id = "/tools/echo max=1000000000 window=2592000s per=server";
constexpr std::uint64_t records_between = 100'000;

template <class T>
T or_end(Result<T> result) {
  if (!result) {
    std::cerr << "busy-journal: " << result.error().message << '\n';
    std::exit(3);
  }
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}

class Gateway {
 public:
  explicit Gateway(const std::filesystem::path& data) {
    or_end(take_data_folder(data));
    config::Config config;
    config.data = data;
    audit::JournalOptions options = journal_options(config);
    options.sync = audit::Sync::none;  // whether the disk has it counts after a power cut, not here
    journal_ = or_end(audit::Journal::open(std::move(options), clock_, log_));
    or_end(make_private_folder(data / "counters"));
    place_.emplace(or_end(CountersPlace::take(data / "counters", std::vector<std::string>{"serve"})));
  }

  void calls(std::uint64_t count, bool keeps) {
    for (std::uint64_t i = 0; i < count; ++i) {
      one_call(i % 2 == 0);
      if (i % 8 == 7) or_end(journal_->flush());
      if (keeps && journal_->last_seq() - kept_ >= records_between) keep();
    }
    or_end(journal_->flush());
    if (keeps) keep();
  }

 private:
  void keep() {
    or_end(journal_->flush());
    kept_ = journal_->last_seq();
    or_end(keep_counters(place_->file(), counters_, {journal_->instance(), kept_}, limits::Moment::of(clock_)));
  }

  void one_call(bool counted) {
    static constexpr std::string_view keys[] = {"text"};
    const std::string_view session = sessions_[calls_++ % sessions_.size()];
    audit::CallRecord record{.id = journal_->next_id(), .server = server, .tool = tool, .method = "tools/call", .era = "2025-11-25",
                             .session = session, .principal = "anonymous",
                             .verdict = policy::Verdict::allow, .rule = "/tools/echo/allow",
                             .policy = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
                             .definition = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
                             .args_digest = "hmac-sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
                             .arg_keys = keys};
    std::vector<audit::LimitUse> uses;
    if (counted) {
      const policy::RateLimit* const all[] = {&limit_};
      const auto taken = counters_.take_now(all, {.server = server, .grant = {}, .session = session}, clock_.now());
      if (!taken) std::exit(1);
      uses.push_back({limit_.id, "server", taken->remaining(0)});
      record.limits = uses;
      record.limits_taken_at = clock_.now();
    }
    (void)journal_->record(record);
    journal_->outcome(record.id.text(), {.status = "answered", .bytes = 120, .latency = std::chrono::microseconds(400)});
  }

  SystemClock clock_;
  NullLog log_;
  std::unique_ptr<audit::Journal> journal_;
  std::optional<CountersPlace> place_;
  limits::MemoryCounters counters_;
  const policy::RateLimit limit_ = limits::limit_of_id(limit_id).value();
  const std::array<std::string, 4> sessions_{"s-aaaaaaaaaaaaaaaa", "s-bbbbbbbbbbbbbbbb", "s-cccccccccccccccc", "s-dddddddddddddddd"};
  std::uint64_t calls_ = 0;
  std::uint64_t kept_ = 0;
};

std::uint64_t number(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (fault != std::errc() || end != text.data() + text.size()) {
    std::cerr << "busy-journal: `" << text << "` is no number\n";
    std::exit(2);
  }
  return value;
}

int write(std::span<char*> words) {
  if (words.size() != 4) {
    std::cerr << "usage: busy-journal DATA CALLS TAIL\n";
    return 2;
  }
  const std::uint64_t calls = number(words[2]);
  const std::uint64_t tail = std::min(number(words[3]), calls);
  Gateway gateway(words[1]);
  gateway.calls(calls - tail, true);
  gateway.calls(tail, false);
  std::cout << std::flush;
  std::_Exit(0);  // as a kill does: no last checkpoint, no last snapshot
}

}  // namespace
}  // namespace callgate::cli

int main(int count, char** words) { return callgate::cli::write({words, static_cast<std::size_t>(count)}); }
