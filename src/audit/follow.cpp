#include "audit/follow.hpp"

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <tuple>
#include <unordered_map>

#include "audit/entry.hpp"
#include "audit/line.hpp"
#include "audit/reader.hpp"

namespace callgate::audit {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t most_open = 10'000;   // calls that are waited for
constexpr std::uint64_t looks_a_round = 5;  // new chains are looked for this seldom: it reads whole folders

/// The lines of a file from an offset on that are complete; moves the offset behind them.
template <class Take>
void read_lines(const std::string& path, std::uint64_t& offset, Take take) {
  std::ifstream file(path, std::ios::binary);
  if (!file.seekg(static_cast<std::streamoff>(offset))) return;
  std::string bytes;
  std::array<char, 64 * 1024> piece{};
  for (;;) {
    file.read(piece.data(), piece.size());
    if (file.gcount() <= 0) return;
    bytes.append(piece.data(), static_cast<std::size_t>(file.gcount()));
    std::size_t begin = 0;
    for (std::size_t end = bytes.find('\n'); end != std::string::npos; end = bytes.find('\n', begin)) {
      take(std::string_view(bytes).substr(begin, end - begin));
      begin = end + 1;
    }
    if (bytes.size() - begin > max_line) begin = bytes.size();  // no line of a journal
    bytes.erase(0, begin);
    offset += begin;
  }
}

}  // namespace

/// What one look has found.
struct Follower::News {
  std::vector<Entry> entries;
  std::unordered_map<std::string, std::size_t> places;  ///< by id
  std::vector<std::pair<std::string, Entry::Outcome>> outcomes;  ///< of calls of earlier looks
  json::Document document;
};

Result<void> Follower::start() { return find_new_chains(From::end); }

void Follower::know(std::span<const Entry> entries) {
  for (const Entry& entry : entries) {
    known_.insert(entry.id);
    remember(entry);
  }
}

Result<std::vector<Entry>> Follower::look() {
  if (looks_++ % looks_a_round == 0) {
    if (auto found = find_new_chains(From::beginning); !found) return std::unexpected(found.error());
  }
  News news;
  for (auto& [folder, chain] : chains_) read_chain(folder, chain, news);
  for (const Entry& entry : news.entries) remember(entry);
  for (auto& [id, outcome] : news.outcomes) {
    const auto call = open_.find(id);
    if (call == open_.end()) continue;
    news.entries.push_back(std::move(call->second));
    news.entries.back().line.clear();
    news.entries.back().outcome = std::move(outcome);
    open_.erase(call);
  }
  std::ranges::sort(news.entries, [](const Entry& a, const Entry& b) { return std::tie(a.time, a.id) < std::tie(b.time, b.id); });
  return std::move(news.entries);
}

Result<void> Follower::find_new_chains(From from) {
  const auto folders = find_chains(folder_);
  if (!folders) return std::unexpected(folders.error());
  for (const std::string& folder : *folders) {
    if (chains_.contains(folder)) continue;
    const auto segments = find_segments(folder);
    if (!segments) return std::unexpected(segments.error());
    if (segments->empty()) continue;
    Chain chain{.segment = segments->front().number};
    if (from == From::end) {
      chain.segment = segments->back().number;
      std::error_code gone;
      const auto size = fs::file_size(segments->back().path, gone);
      if (!gone) chain.offset = size;
    }
    chains_.emplace(folder, chain);
  }
  return {};
}

void Follower::read_chain(const std::string& folder, Chain& chain, News& news) const {
  for (;;) {
    std::error_code ignored;
    // Asked before the reading: nothing is added to a segment once the next one is there.
    const bool last = !fs::exists(fs::path(folder) / segment_name(chain.segment + 1), ignored);
    read_lines(fs::path(folder) / segment_name(chain.segment), chain.offset, [&](std::string_view line) { take(line, news); });
    if (last) return;
    ++chain.segment;
    chain.offset = 0;
  }
}

void Follower::take(std::string_view line, News& news) const {
  if (!json::parse(line, entry_limits, news.document) || !news.document.root().is_object()) return;
  const json::Value root = news.document.root();
  if (const auto outcome = root.find("outcome")) {
    std::string id = text_of(root, "id");
    if (const auto place = news.places.find(id); place != news.places.end()) {
      news.entries[place->second].outcome = read_outcome(*outcome, line);
    } else {
      news.outcomes.emplace_back(std::move(id), read_outcome(*outcome, line));
    }
    return;
  }
  Entry entry = read_entry(root, line);
  if (!fits(query_, entry, root) || (!entry.id.empty() && known_.contains(entry.id))) return;
  if (!entry.id.empty()) news.places[entry.id] = news.entries.size();
  news.entries.push_back(std::move(entry));
}

void Follower::remember(const Entry& entry) {
  if (entry.kind != Entry::Kind::call || entry.verdict != "allow" || entry.outcome) return;
  open_.emplace(entry.id, entry);
  if (open_.size() > most_open) open_.erase(open_.begin());
}

}  // namespace callgate::audit
