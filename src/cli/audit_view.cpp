#include "cli/audit_view.hpp"

#include <algorithm>
#include <array>
#include <string_view>
#include <vector>

#include <fmt/format.h>
#include <fmt/ostream.h>

#include "approval/display.hpp"
#include "base/json.hpp"

namespace callgate::cli {
namespace {

using audit::ChainReport;
using audit::Entry;

constexpr std::size_t columns = RecordTable::columns;
constexpr std::size_t widest = 48;  // of all but the last column
using Row = std::array<std::string, columns>;

bool begins_character(char c) { return (static_cast<unsigned char>(c) & 0xc0U) != 0x80U; }

std::size_t characters(std::string_view text) { return static_cast<std::size_t>(std::ranges::count_if(text, begins_character)); }

/// At most `widest` characters; what was cut is marked.
std::string cut(std::string text) {
  if (characters(text) <= widest) return text;
  std::size_t end = 0;
  for (std::size_t seen = 0; end < text.size(); ++end) {
    if (begins_character(text[end]) && ++seen == widest) break;
  }
  return text.substr(0, end) + "…";
}

std::string_view colour(const Entry& entry) {
  if (entry.kind != Entry::Kind::call) return "2";  // faint
  if (entry.verdict != "allow") return "31";
  return entry.outcome && entry.outcome->is_error ? "33" : "32";
}

std::string highlighted(std::string text, std::string_view code, const Showing& showing) {
  if (showing.colours == Showing::Colours::off) return text;
  return fmt::format("\x1b[{}m{}\x1b[0m", code, text);
}

/// What happened after the decision.
std::string ending(const Entry& entry, std::string_view open) {
  if (!entry.outcome) return entry.verdict == "allow" ? std::string(open) : "";
  return fmt::format("{} {}", approval::visible(entry.outcome->status),
                     entry.outcome->latency_us < 10'000 ? fmt::format("{} us", entry.outcome->latency_us)
                                                        : fmt::format("{} ms", entry.outcome->latency_us / 1000));
}

std::string verdict(const Entry& entry) {
  switch (entry.kind) {
    case Entry::Kind::call: return approval::visible(entry.verdict);
    case Entry::Kind::refused: return "refused";
    case Entry::Kind::internal: return "internal";
    case Entry::Kind::gap: return "gap";
    case Entry::Kind::removed: return "removed";
    case Entry::Kind::checkpoint: return "checkpoint";
  }
  return {};
}

Row row_of(const Entry& entry, std::string_view open) {
  std::string time = entry.time.substr(0, 19);  // to the second
  std::ranges::replace(time, 'T', ' ');
  const std::string& why = entry.rule.empty() ? entry.reason : entry.rule;
  const std::string& what = entry.tool.empty() ? entry.method : entry.tool;  // lists and handshakes name no tool
  return {approval::visible(time), verdict(entry), approval::visible(entry.server), approval::visible(what), ending(entry, open), approval::visible(why), approval::visible(entry.id)};
}

std::string joined(const std::vector<std::string>& parts, std::string_view between) {
  return fmt::format("{}", fmt::join(parts, between));
}

/// What is worth knowing of a sound chain.
std::string chain_state(const ChainReport& chain) {
  std::vector<std::string> parts{fmt::format("{} records in {} segment{}", chain.records, chain.segments, chain.segments == 1 ? "" : "s")};
  if (chain.first_seq > 1) parts.push_back(fmt::format("starts at record {} (older ones were removed for their age)", chain.first_seq));
  if (chain.signed_seq > 0) parts.push_back(fmt::format("signed up to record {}", chain.signed_seq));
  if (chain.signed_seq > 0 && chain.last_seq > chain.signed_seq) parts.push_back(fmt::format("{} after it could still be changed unseen", chain.last_seq - chain.signed_seq));
  parts.emplace_back(chain.closed ? "closed" : "still open, or ended by a crash");
  if (!chain.torn.empty()) parts.push_back(fmt::format("torn tail at {}", approval::visible(joined(chain.torn, ", "))));
  return joined(parts, ", ");
}

/// Sound chains that do not end with their closing record.
std::size_t not_closed(std::span<const ChainReport> chains) {
  return static_cast<std::size_t>(std::ranges::count_if(chains, [](const ChainReport& chain) { return !chain.fault && !chain.closed; }));
}

/// What sound chains leave open, a line each.
void write_not_proved(std::ostream& out, std::span<const ChainReport> chains, std::string_view missing_key) {
  if (const std::size_t open = not_closed(chains); open > 0)
    fmt::print(out, "not proved: the end of {} chain{} without a closing record: still open, ended by a crash, or cut off behind the last signature\n", open, open == 1 ? "" : "s");
  if (!missing_key.empty())
    fmt::print(out, "not proved: who signed. There is no public key at `{}`, so signatures were checked against none; name one with `--key`\n", approval::visible(missing_key));
}

}  // namespace

void RecordTable::write(std::span<const Entry> entries) {
  std::vector<Row> rows;
  for (const Entry& entry : entries) rows.push_back(row_of(entry, open_));
  const bool first = widths_[0] == 0;
  if (first) rows.insert(rows.begin(), Row{"TIME (UTC)", "VERDICT", "SERVER", "TOOL OR METHOD", "ENDED", "RULE OR REASON", "ID"});
  for (Row& row : rows) {
    for (std::size_t i = 0; i + 1 < columns; ++i) {
      row[i] = cut(std::move(row[i]));
      widths_[i] = std::max(widths_[i], characters(row[i]));
    }
  }
  for (std::size_t at = 0; at < rows.size(); ++at) {
    for (std::size_t i = 0; i < columns; ++i) {
      std::string cell = rows[at][i];
      if (i + 1 < columns) cell.append(widths_[i] - characters(cell) + 2, ' ');
      const bool header = first && at == 0;
      out_ << (!header && i == 1 ? highlighted(std::move(cell), colour(entries[at - (first ? 1 : 0)]), showing_) : cell);
    }
    out_ << '\n';
  }
}

void write_record_lines(std::ostream& out, std::span<const Entry> entries) {
  for (const Entry& entry : entries) {
    if (!entry.line.empty()) out << entry.line << '\n';
    if (entry.outcome) out << entry.outcome->line << '\n';
  }
}

void write_record(std::ostream& out, const Entry& entry) {
  json::Document document;
  for (const std::string* line : {&entry.line, entry.outcome ? &entry.outcome->line : nullptr}) {
    if (line == nullptr || !json::parse(*line, {}, document)) continue;
    for (const json::Member member : document.root().members()) {
      const json::Value value = member.value;
      fmt::print(out, "{:<12} {}\n", approval::visible(member.key.string()), approval::visible(value.is_string() ? value.string() : std::string(value.text())));
    }
    out << '\n';
  }
}

void write_proofs(std::ostream& out, std::span<const ChainReport> chains, std::string_view missing_key, const Showing& showing) {
  std::uint64_t records = 0;
  std::size_t damaged = 0;
  for (const ChainReport& chain : chains) {
    records += chain.records;
    if (chain.fault) {
      ++damaged;
      fmt::print(out, "{}: {}: {}\n", approval::visible(chain.fault->where), highlighted("damaged", "31", showing), approval::visible(chain.fault->what));
    } else {
      fmt::print(out, "{}: {}: {}\n", approval::visible(chain.folder), highlighted("ok", "32", showing), chain_state(chain));
    }
  }
  if (damaged == 0) {
    fmt::print(out, "{} chain{}, {} records: nothing was changed, taken out or put in\n", chains.size(), chains.size() == 1 ? "" : "s", records);
  } else {
    fmt::print(out, "{} of {} chain{} damaged\n", damaged, chains.size(), chains.size() == 1 ? " is" : "s are");
  }
  write_not_proved(out, chains, missing_key);
}

std::string proofs_json(std::span<const ChainReport> chains, std::string_view missing_key) {
  std::string out = "{\"chains\":[";
  bool sound = true;
  for (const ChainReport& chain : chains) {
    if (&chain != chains.data()) out += ',';
    std::vector<std::string> torn;
    for (const std::string& where : chain.torn) torn.push_back(json::quoted(where));
    std::string fault = "null";
    if (chain.fault) {
      sound = false;
      fault = fmt::format(R"({{"where":{},"what":{}}})", json::quoted(chain.fault->where), json::quoted(chain.fault->what));
    }
    out += fmt::format(R"({{"folder":{},"records":{},"segments":{},"first_seq":{},"last_seq":{},"signed_seq":{},"key":{},)"
                       R"("closed":{},"torn":[{}],"fault":{}}})",
                       json::quoted(chain.folder), chain.records, chain.segments, chain.first_seq, chain.last_seq,
                       chain.signed_seq, json::quoted(chain.key), chain.closed, joined(torn, ","), fault);
  }
  out += fmt::format("],\"ok\":{},\"not_closed\":{},\"key_checked\":{}}}\n", sound, not_closed(chains), missing_key.empty());
  return out;
}

}  // namespace callgate::cli
