#include "audit/replay.hpp"

#include <charconv>
#include <chrono>
#include <cstring>
#include <optional>

#include "audit/reader.hpp"

namespace callgate::audit {
namespace {

constexpr json::Limits replayed_limits{.max_depth = 8, .max_keys = 1024};

std::optional<RecordedCall> read_call(json::Value root) {
  const std::optional<json::Value> limits = root.find("limits");
  if (!limits || !limits->is_array()) return std::nullopt;
  const std::optional<json::Value> verdict = root.find("verdict");
  const std::optional<std::int64_t> wall = wall_ms_of(text_of(root, "time"));
  if (!verdict || !verdict->equals("allow") || !wall) return std::nullopt;
  RecordedCall call{.server = text_of(root, "server"),
                    .grant = text_of(root, "grant"),
                    .session = text_of(root, "session"),
                    .boot_id = text_of(root, "boot"),
                    .wall_ms = *wall,
                    .at = BootTime(Nanos(static_cast<std::int64_t>(number_of(root, "boot_ns"))))};
  for (const json::Value use : limits->elements()) {
    call.uses.push_back({.limit = text_of(use, "limit"), .scope = text_of(use, "scope")});
  }
  return call;
}

/// The number of a line that looks like the journal's own; nothing for any other.
std::optional<std::uint64_t> seq_of(std::string_view line) {
  constexpr std::string_view before = R"({"v":1,"seq":)";
  if (!line.starts_with(before) || !line.ends_with("\"}")) return std::nullopt;
  std::uint64_t seq = 0;
  const auto [end, error] = std::from_chars(line.data() + before.size(), line.data() + line.size(), seq);
  if (error != std::errc() || *end != ',') return std::nullopt;
  return seq;
}

/// The tail of a journal is long and a start is short: only lines that may hold
/// what is looked for are parsed.
bool is_of_interest(std::string_view line, std::uint64_t after_seq) {
  const std::optional<std::uint64_t> seq = seq_of(line);
  if (!seq) return true;
  constexpr std::string_view limits = R"(,"limits":[)";
  return *seq > after_seq && ::memmem(line.data(), line.size(), limits.data(), limits.size()) != nullptr;
}

/// The number of a segment's first record; 0 where it has none.
std::uint64_t first_seq(const SegmentFile& file) {
  Result<LineReader> lines = LineReader::open(file.path);
  if (!lines) return 0;
  const Result<std::optional<Line>> line = lines->next();
  json::Document document;
  if (!line || !*line || !json::parse((*line)->bytes, replayed_limits, document)) return 0;
  return document.root().is_object() ? number_of(document.root(), "seq") : 0;
}

/// The segment that holds the record after `after_seq`, or may.
std::size_t first_needed(const std::vector<SegmentFile>& segments, std::uint64_t after_seq) {
  for (std::size_t i = segments.size(); i > 1; --i) {
    const std::uint64_t first = first_seq(segments[i - 1]);
    if (first != 0 && first <= after_seq + 1) return i - 1;
  }
  return 0;
}

}  // namespace

Result<std::uint64_t> replay(const std::string& folder, std::uint64_t after_seq,
                             const std::function<void(const RecordedCall&)>& take) {
  const Result<std::vector<SegmentFile>> segments = find_segments(folder);
  if (!segments) return std::unexpected(segments.error());
  std::uint64_t unreadable = 0;
  json::Document document;
  for (std::size_t i = first_needed(*segments, after_seq); i < segments->size(); ++i) {
    Result<LineReader> lines = LineReader::open((*segments)[i].path);
    if (!lines) return std::unexpected(lines.error());
    for (;;) {
      const Result<std::optional<Line>> line = lines->next();
      if (!line) return std::unexpected(line.error());
      if (!*line || (!(*line)->complete && !(*line)->too_long)) break;
      if (!(*line)->too_long && !is_of_interest((*line)->bytes, after_seq)) continue;
      if ((*line)->too_long || !json::parse((*line)->bytes, replayed_limits, document) || !document.root().is_object()) {
        ++unreadable;
        continue;
      }
      if (number_of(document.root(), "seq") <= after_seq) continue;
      if (const std::optional<RecordedCall> call = read_call(document.root())) take(*call);
    }
  }
  return unreadable;
}

}  // namespace callgate::audit
