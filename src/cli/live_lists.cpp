#include "cli/live_lists.hpp"

#include <fmt/format.h>

#include <optional>

#include "approval/memory_questions.hpp"
#include "base/random.hpp"
#include "cli/data_folder.hpp"
#include "cli/gateway_process.hpp"
#include "gateway/lister.hpp"
#include "mcp/nul_names.hpp"
#include "net/child.hpp"
#include "registry/difference.hpp"
#include "session/round_book.hpp"

namespace callgate::cli {
namespace {

/// The definitions of all pages as one array, byte for byte, without those that a gate leaves out.
std::string definitions_of(const gateway::ServerList& list, std::vector<std::string>& left_out) {
  std::string tools = "[";
  for (const auto& page : list.pages) {
    for (const mcp::ListItem& item : page->list.items) {
      // Those without a name stay: whoever judges the list says which entries they are.
      if (mcp::nul_in_names(item.definition)) {
        const auto name = item.definition.find("name");
        left_out.push_back(fmt::format("`{}` is left out: one of its member names holds `\\u0000`", name && name->is_string() ? registry::visible(name->string()) : ""));
        continue;
      }
      if (tools.size() > 1) tools += ',';
      tools.append(item.definition.text());
    }
  }
  return tools + "]";
}

/// The parts of a gateway that listing needs, for as long as it takes.
class Listing {
 public:
  Listing(const config::Config& config, const Progress& progress) : config_(config), progress_(progress) {}

  Result<std::vector<LiveList>> read() {
    if (const auto folder = take_data_folder(config_.data); !folder) return std::unexpected(folder.error());
    auto store = store::open_in_memory();
    if (!store) return std::unexpected(store.error());
    store_ = std::move(*store);
    auto key = audit::DigestKey::open((config_.data / "keys" / "args-digest.key").string());
    if (!key) return std::unexpected(key.error());
    digest_key_.emplace(std::move(*key));
    auto journal = audit::Journal::open(journal_options(config_), clock_, log_);
    if (!journal) return std::unexpected(journal.error());
    journal_ = std::move(*journal);
    loop_.at_turn_end([this] {
      if (journal_->has_unwritten()) [[maybe_unused]] const auto written = journal_->flush();
    });
    run();
    return std::move(lists_);
  }

 private:
  void run() {
    parts_.emplace(gateway::Parts{loop_, clock_, log_, metrics_, config_, *journal_, *digest_key_, counters_, questions_, sessions_, rounds_, *store_, policies_});
    for (const config::Server& server : config_.servers) lists_.push_back({server.name, server.address(), fail(ErrorKind::unavailable, "it was not asked")});
    tasks_.on_failure = [this](std::exception_ptr) { loop_.stop(); };
    for (std::size_t i = 0; i < config_.servers.size(); ++i) tasks_.spawn(list(i));
    if (done_ < lists_.size()) loop_.run();
    tasks_.cancel();
    [[maybe_unused]] const auto written = journal_->flush();
    net::await_reaped(std::chrono::seconds(5));
  }

  net::Task<void> list(std::size_t index) {
    gateway::Links links(*parts_, config_.servers[index], totals_);
    lists_[index].tools = co_await ask(links, lists_[index]);
    ++done_;
    progress_(done_, lists_.size(), lists_[index]);
    if (done_ == lists_.size()) loop_.stop();
  }

  /// By the handshake that almost all servers know, else without one.
  net::Task<Result<std::string>> ask(gateway::Links& links, LiveList& asked) {
    gateway::Lister legacy(*parts_, links, mcp::Era::legacy);
    auto list = co_await legacy.read(gateway::Lister::Probe::no);
    if (!list && list.error().kind != ErrorKind::timeout) {
      gateway::Lister modern(*parts_, links, mcp::Era::modern);
      auto again = co_await modern.read(gateway::Lister::Probe::no);
      if (again) list = std::move(again);
    }
    if (!list) co_return std::unexpected(list.error());
    asked.protocol = mcp::word(list->revision);
    asked.server_info = std::move(list->server_info);
    co_return definitions_of(*list, asked.left_out);
  }

  const config::Config& config_;
  const Progress& progress_;
  SystemClock clock_;
  NullLog log_;
  Metrics metrics_;
  net::Loop loop_;
  std::unique_ptr<store::Store> store_;
  gateway::Policies policies_{log_, metrics_};
  limits::MemoryCounters counters_;
  approval::Desk desk_{[](std::int64_t) { return random_hex(8); }};
  approval::MemoryQuestions questions_{desk_};
  session::NoSessionStore sessions_;
  session::MemoryRounds rounds_{clock_};
  std::optional<audit::DigestKey> digest_key_;
  std::unique_ptr<audit::Journal> journal_;
  std::optional<gateway::Parts> parts_;
  gateway::Totals totals_;
  std::vector<LiveList> lists_;
  std::size_t done_ = 0;
  net::TaskGroup tasks_;
};

}  // namespace

Result<std::vector<LiveList>> read_live_lists(const config::Config& config, const Progress& progress) { return Listing(config, progress).read(); }

}  // namespace callgate::cli
