#include "cli/audit_command.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <csignal>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "audit/follow.hpp"
#include "audit/reader.hpp"
#include "base/clock.hpp"
#include "cli/audit_view.hpp"
#include "cli/words.hpp"
#include "net/signals.hpp"

namespace callgate::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view audit_help =
    R"(callgate audit – what was decided, and the proof that nobody changed it

  callgate audit tail [DIR] [--lines N] [--all] [--follow]
                                                          the newest calls (20); --follow (-f): and every further
                                                          one as it is made, until Ctrl-C
  callgate audit search [DIR] [--tool T] [--server S] [--grant G] [--verdict V]
                              [--since 10m] [--id I] [--trace T] [--lines N] [--all]
                                                          the calls that fit; --id shows one in full,
                                                          G is a grant's name or id, T the trace-id of a
                                                          caller's `traceparent`
  callgate audit verify [DIR] [--key KEY]                 proves every chain and names the first bad record

  DIR           a data folder, its `journal` folder, or one chain (default: the data folder)
  --since       a span (30s, 10m, 2h, 7d) or a time in UTC (2026-11-23T05:35)
  --all         also the gateway's own traffic, checkpoints and gaps
  --key KEY     the public key, or a file with it, that must have signed the checkpoints
                (default: keys/journal.key.pub of the data folder; keep a copy elsewhere)
  --data DIR    the data folder (default $XDG_DATA_HOME/callgate)
  --json        the records themselves, one JSON line each; `verify`: one JSON object

Verdicts: allow deny hide rate_limited require_approval invalid_arguments unknown_tool quarantined fault
Exit status: 0 fine, 1 a chain is damaged or no record has that id, 2 usage, 3 no journal there.

Example:
  callgate audit search --tool valkey_write --verdict deny --since 1h
)";

/// One run of a verb.
struct AuditRun {
  const Words& words;
  const AuditSetting& setting;
  std::string folder;
  std::ostream& out;
  std::ostream& err;

  Exit fault(Exit exit, std::string_view message) const {
    err << "callgate: " << message << '\n';
    return exit;
  }
  Exit fault(const Error& error) const { return fault(error.kind == ErrorKind::invalid ? Exit::usage : Exit::unavailable, error.message); }
  bool json() const { return words.has("--json"); }
};

std::optional<std::int64_t> number_in(std::string_view text) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || number < 1) return std::nullopt;
  return number;
}

std::optional<std::int64_t> unit_ms(char unit) {
  switch (unit) {
    case 's': return 1000;
    case 'm': return 60'000;
    case 'h': return 3'600'000;
    case 'd': return 86'400'000;
    default: return std::nullopt;
  }
}

/// A span before now or a time, as records write times.
Result<std::string> read_since(std::string_view text, std::int64_t now_ms) {
  if (text.size() >= 10 && text.size() <= 24 && text[4] == '-' && text[7] == '-' &&
      text.find_first_not_of("0123456789-:.TZ") == std::string_view::npos) {
    return std::string(text.ends_with('Z') ? text.substr(0, text.size() - 1) : text);
  }
  const auto unit = text.empty() ? std::nullopt : unit_ms(text.back());
  const auto number = unit ? number_in(text.substr(0, text.size() - 1)) : std::nullopt;
  if (!number || *number > now_ms / *unit) {
    return fail(ErrorKind::invalid, fmt::format("`--since {}`: say a span such as 10m or a time such as 2026-11-23T05:35", text));
  }
  return utc_text(now_ms - *number * *unit);
}

std::string text_or(const Words& words, std::string_view flag) { return std::string(words.value(flag).value_or("")); }

Result<audit::Query> read_query(const AuditRun& run, std::size_t newest) {
  audit::Query query{.tool = text_or(run.words, "--tool"),
                     .server = text_or(run.words, "--server"),
                     .grant = text_or(run.words, "--grant"),
                     .id = text_or(run.words, "--id"),
                     .trace = text_or(run.words, "--trace"),
                     .everything = run.words.has("--all") || run.words.value("--id"),
                     .limit = newest};
  if (const auto word = run.words.value("--verdict")) {
    query.verdict = policy::verdict_of(*word);
    if (!query.verdict) return fail(ErrorKind::invalid, fmt::format("`{}` is no verdict; see `callgate audit --help`", *word));
  }
  if (const auto since = run.words.value("--since")) {
    Result<std::string> time = read_since(*since, run.setting.showing.now_ms);
    if (!time) return std::unexpected(std::move(time).error());
    query.since = std::move(*time);
  }
  if (const auto lines = run.words.value("--lines")) {
    const auto number = number_in(*lines);
    if (!number) return fail(ErrorKind::invalid, fmt::format("`--lines {}`: say how many, such as 50", *lines));
    query.limit = static_cast<std::size_t>(*number);
  }
  return query;
}

Exit show_records(const AuditRun& run, std::size_t newest) {
  const Result<audit::Query> query = read_query(run, newest);
  if (!query) return run.fault(query.error());
  const Result<audit::Findings> found = audit::search(run.folder, *query);
  if (!found) return run.fault(found.error());
  if (found->chains == 0) return run.fault(Exit::unavailable, fmt::format("there is no journal in `{}`", run.folder));
  if (found->unreadable > 0) {
    run.err << fmt::format("callgate: {} lines cannot be read; `callgate audit verify` says where\n", found->unreadable);
  }
  if (run.json()) {
    write_record_lines(run.out, found->entries);
  } else if (found->entries.empty()) {
    run.err << "no record fits\n";
  } else if (run.words.value("--id")) {
    write_record(run.out, found->entries.front());
  } else {
    RecordTable(run.out, run.setting.showing).write(found->entries);
  }
  return run.words.value("--id") && found->entries.empty() ? Exit::refused : Exit::ok;
}

void print(const AuditRun& run, RecordTable& table, std::span<const audit::Entry> entries) {
  if (run.json()) {
    write_record_lines(run.out, entries);
  } else {
    table.write(entries);
  }
  run.out << std::flush;
}

/// The newest calls, then all that come. A call that was still running is shown
/// again when it has ended.
Exit follow(const AuditRun& run, std::size_t newest) {
  Result<audit::Query> query = read_query(run, newest);
  if (!query) return run.fault(query.error());
  audit::Follower follower(run.folder, *query);
  // In this order nothing is missed; what is written in between is found twice.
  if (const auto started = follower.start(); !started) return run.fault(started.error());
  const Result<audit::Findings> found = audit::search(run.folder, *query);
  if (!found) return run.fault(found.error());
  follower.know(found->entries);
  RecordTable table(run.out, run.setting.showing, "running");
  print(run, table, found->entries);
  while (run.out && run.setting.wait()) {
    const auto news = follower.look();
    if (!news) return run.fault(news.error());
    print(run, table, *news);
  }
  return Exit::ok;
}

/// Until SIGINT or SIGTERM came; they end the following, not the process.
bool wait_a_moment() {
  net::block_signals();
  sigset_t ending;
  sigemptyset(&ending);
  for (const int each : {SIGINT, SIGTERM}) sigaddset(&ending, each);
  constexpr timespec moment{.tv_sec = 0, .tv_nsec = 200'000'000};
  return sigtimedwait(&ending, nullptr, &moment) < 0;
}

/// The key that must have signed.
struct VerifyKey {
  std::string key;      ///< empty: there is none
  std::string missing;  ///< where it was looked for then
};

Result<VerifyKey> read_key(const AuditRun& run, const fs::path& data) {
  const fs::path home = run.words.words.empty() ? data : fs::path(run.folder);
  std::string path = (home / "keys" / "journal.key.pub").string();
  std::error_code error;
  if (const auto key = run.words.value("--key")) {
    if (key->size() == 43 && key->find('/') == std::string_view::npos) return VerifyKey{.key = std::string(*key), .missing = {}};
    path = *key;
  } else if (!fs::exists(path, error) && (!error || error == std::errc::no_such_file_or_directory || error == std::errc::not_a_directory)) {
    return VerifyKey{.key = {}, .missing = path};
  }
  Result<std::string> text = run.setting.environment.file(path);
  if (!text) return std::unexpected(text.error());
  while (!text->empty() && text->back() == '\n') text->pop_back();
  if (text->size() != 43) return fail(ErrorKind::invalid, fmt::format("`{}` holds no public key", path));
  return VerifyKey{.key = std::move(*text), .missing = {}};
}

Exit verify(const AuditRun& run, const fs::path& data) {
  const Result<VerifyKey> key = read_key(run, data);
  if (!key) return run.fault(key.error());
  const Result<std::vector<std::string>> folders = audit::find_chains(run.folder);
  if (!folders) return run.fault(folders.error());
  if (folders->empty()) return run.fault(Exit::unavailable, fmt::format("there is no journal in `{}`", run.folder));
  Result<std::vector<audit::ChainReport>> proved = audit::verify_chains(*folders, key->key);
  if (!proved) return run.fault(proved.error());
  std::vector<audit::ChainReport>& chains = *proved;
  // One that was named by itself may be a copy under another name.
  if (chains.front().folder != run.folder) audit::check_names(chains);
  const bool sound = std::ranges::none_of(chains, [](const audit::ChainReport& chain) { return chain.fault.has_value(); });
  if (run.json()) {
    run.out << proofs_json(chains, key->missing);
  } else {
    write_proofs(run.out, chains, key->missing, run.setting.showing);
  }
  return sound ? Exit::ok : Exit::refused;
}

Grammar grammar_of(std::string_view verb) {
  Grammar grammar{.verb = verb, .words = {"DIR"}, .optional = 1};
  if (verb == "audit verify") {
    grammar.values = {"--key"};
  } else {
    grammar.values = {"--lines"};
    grammar.switches = {"--all"};
  }
  if (verb == "audit tail") grammar.switches = {"--all", "--follow", "-f"};
  if (verb == "audit search") {
    for (const std::string_view flag : {"--tool", "--server", "--grant", "--verdict", "--since", "--id", "--trace"}) grammar.values.push_back(flag);
  }
  return grammar;
}

}  // namespace

Exit audit(std::span<const std::string_view> args, const AuditSetting& setting, std::ostream& out, std::ostream& err) {
  static constexpr std::array<std::string_view, 3> verbs{"tail", "search", "verify"};
  if (wants_help(args, verbs)) {
    out << audit_help;
    return Exit::ok;
  }
  const auto usage = [&](std::string_view message) {
    err << "callgate: " << message << "; see `callgate audit --help`\n";
    return Exit::usage;
  };
  if (args.empty() || std::ranges::find(verbs, args[0]) == verbs.end()) {
    return usage("say `audit tail`, `audit search` or `audit verify`");
  }
  const std::string verb = fmt::format("audit {}", args[0]);
  const Result<Words> words = read_words(grammar_of(verb), args.subspan(1));
  if (!words) return usage(words.error().message);

  const auto given = words->value("--data");
  const Result<fs::path> data = given ? Result<fs::path>(*given) : config::default_data_folder(setting.environment);
  const bool named = !words->words.empty();
  if (!named && !data) {
    err << "callgate: " << data.error().message << '\n';
    return Exit::unavailable;
  }
  const AuditRun run{.words = *words,
                .setting = setting,
                .folder = named ? std::string(words->words[0]) : data->string(),
                .out = out,
                .err = err};
  constexpr std::size_t newest = 20;
  if (args[0] == "tail") return words->has("--follow") || words->has("-f") ? follow(run, newest) : show_records(run, newest);
  if (args[0] == "search") return show_records(run, SIZE_MAX);
  return verify(run, data.value_or(fs::path()));
}

Exit audit(std::span<const std::string_view> args, std::ostream& out, std::ostream& err) {
  const config::ProcessEnvironment environment;
  const bool colours = ::isatty(STDOUT_FILENO) == 1 && !environment.variable("NO_COLOR");
  const AuditSetting setting{
      .showing = {.colours = colours ? Showing::Colours::on : Showing::Colours::off, .now_ms = SystemClock().wall_ms()},
      .environment = environment,
      .wait = wait_a_moment};
  return audit(args, setting, out, err);
}

}  // namespace callgate::cli
