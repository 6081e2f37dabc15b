#include "audit/search.hpp"

#include <algorithm>
#include <chrono>
#include <deque>
#include <filesystem>
#include <unordered_map>
#include <utility>

#include "audit/entry.hpp"
#include "audit/reader.hpp"
#include "base/clock.hpp"

namespace callgate::audit {
namespace {

/// Gathers what fits in one chain, with the outcomes that follow.
class Gathering {
 public:
  Gathering(const Query& query, Findings& findings) : query_(query), findings_(findings) {}

  void take(const Line& line) {
    if (line.too_long || !json::parse(line.bytes, entry_limits, document_) || !document_.root().is_object()) {
      // The last line of a journal that is being written may be unfinished.
      if (line.complete || line.too_long) ++findings_.unreadable;
      return;
    }
    const json::Value root = document_.root();
    if (const auto outcome = root.find("outcome")) return add_outcome(text_of(root, "id"), *outcome, line.bytes);
    Entry entry = read_entry(root, line.bytes);
    if (!fits(query_, entry, root)) return;
    if (!entry.id.empty()) places_[entry.id] = dropped_ + entries_.size();
    entries_.push_back(std::move(entry));
    if (entries_.size() <= query_.limit) return;
    places_.erase(entries_.front().id);
    entries_.pop_front();
    ++dropped_;
  }

  std::deque<Entry> entries() && { return std::move(entries_); }

 private:
  void add_outcome(const std::string& id, json::Value outcome, std::string_view line) {
    const auto place = places_.find(id);
    if (place == places_.end()) return;
    entries_[place->second - dropped_].outcome = read_outcome(outcome, line);
    places_.erase(place);
  }

  const Query& query_;
  Findings& findings_;
  json::Document document_;
  std::deque<Entry> entries_;
  std::unordered_map<std::string, std::size_t> places_;  ///< of entries without an outcome yet
  std::size_t dropped_ = 0;
};

/// Whether the file was last written before `since`: nothing in it can fit.
bool too_old(const SegmentFile& file, const std::string& since) {
  if (since.empty()) return false;
  std::error_code error;
  const auto written = std::filesystem::last_write_time(file.path, error);
  if (error) return false;
  const auto wall = std::chrono::file_clock::to_sys(written).time_since_epoch();
  // A minute's room, for a clock that was set meanwhile.
  return utc_text(std::chrono::duration_cast<std::chrono::milliseconds>(wall).count() + 60'000) < since;
}

Result<void> gather(const std::string& chain, Gathering& gathering, const std::string& since) {
  const Result<std::vector<SegmentFile>> segments = find_segments(chain);
  if (!segments) return std::unexpected(segments.error());
  for (const SegmentFile& file : *segments) {
    if (too_old(file, since)) continue;
    Result<LineReader> lines = LineReader::open(file.path);
    if (!lines && lines.error().kind == ErrorKind::not_found) continue;  // its time was over just now
    if (!lines) return std::unexpected(lines.error());
    for (;;) {
      const Result<std::optional<Line>> line = lines->next();
      if (!line) return std::unexpected(line.error());
      if (!*line) break;
      gathering.take(**line);
    }
  }
  return {};
}

}  // namespace

Result<Findings> search(const std::string& folder, const Query& query) {
  const Result<std::vector<std::string>> chains = find_chains(folder);
  if (!chains) return std::unexpected(chains.error());
  Findings findings{.chains = chains->size()};
  for (const std::string& chain : *chains) {
    Gathering gathering(query, findings);
    if (Result<void> gathered = gather(chain, gathering, query.since); !gathered) return std::unexpected(gathered.error());
    for (Entry& entry : std::move(gathering).entries()) findings.entries.push_back(std::move(entry));
    std::ranges::sort(findings.entries, [](const Entry& a, const Entry& b) {
      return std::pair(std::string_view(a.time), std::string_view(a.id)) < std::pair(std::string_view(b.time), std::string_view(b.id));
    });
    if (findings.entries.size() > query.limit) {
      findings.entries.erase(findings.entries.begin(), findings.entries.end() - static_cast<std::ptrdiff_t>(query.limit));
    }
  }
  return findings;
}

}  // namespace callgate::audit
