#include "audit/verify.hpp"

#include <filesystem>

#include <fmt/format.h>

#include "audit/line.hpp"
#include "audit/reader.hpp"
#include "audit/signer.hpp"
#include "base/clock.hpp"

namespace callgate::audit {
namespace {

/// Walks one chain record by record.
class ChainWalk {
 public:
  ChainWalk(ChainReport& report, std::string_view public_key) : report_(report), public_key_(public_key) {}

  Result<void> segment(const SegmentFile& file) {
    Result<LineReader> lines = LineReader::open(file.path);
    if (!lines && lines.error().kind == ErrorKind::not_found && segment_ == 0) return {};  // its time was over just now
    if (!lines) return std::unexpected(lines.error());
    if (!check_number(file)) return {};
    while (!report_.fault) {
      const Result<std::optional<Line>> line = lines->next();
      if (!line) return std::unexpected(line.error());
      if (!*line) break;
      where_ = fmt::format("{}:{}", file.path, (*line)->number);
      take(**line);
    }
    if (report_.records > 0) report_.ends.push_back({.seq = report_.last_seq, .hash = last_hash_});
    ++report_.segments;
    return {};
  }

  /// A journal signs the first batch that it writes.
  void end() {
    if (!report_.fault && !public_key_.empty() && report_.records > 0 && report_.signed_seq == 0) fault("no record is under a signature of this key");
  }

 private:
  void fault(std::string what) { report_.fault = ChainReport::Fault{where_, std::move(what)}; }

  bool check_number(const SegmentFile& file) {
    where_ = file.path + ":1";
    if (segment_ != 0 && file.number != segment_ + 1) {
      fault(fmt::format("segment {} is missing before this one", segment_ + 1));
    }
    segment_ = file.number;
    return !report_.fault;
  }

  void take(const Line& line) {
    if (line.too_long) return fault("the line is longer than any record");
    if (!line.complete) {
      report_.torn.push_back(where_);
      return;
    }
    const Result<Link> link = reader_.read(line.bytes);
    if (!link) return fault(link.error().message);
    check_link(*link);
    if (report_.fault) return;
    if (const auto checkpoint = reader_.root().find("checkpoint")) check_signature(*link, *checkpoint);
    if (report_.fault) return;
    check_signed_in_time(*link);
    if (report_.fault) return;
    if (const auto removed = reader_.root().find("removed")) note_removal(*link, *removed);
    accept(*link);
  }

  void check_link(const Link& link) {
    if (report_.closed) return fault("a record follows the one that closed the chain");
    if (report_.records == 0) return check_first(link);
    if (link.instance != instance_) {
      return fault(fmt::format("the record is of instance `{}`, the chain of `{}`", link.instance, instance_));
    }
    if (link.seq != report_.last_seq + 1) {
      return fault(fmt::format("record {} follows record {}: records were taken out, put in or moved", link.seq,
                               report_.last_seq));
    }
    if (link.prev != last_hash_) fault("`prev` is not the hash of the record before");
  }

  void check_first(const Link& link) {
    report_.beginning = {.where = where_, .instance = std::string(link.instance), .segment = segment_, .prev = std::string(link.prev)};
    if (segment_ > 1) return;  // whether it may start here is known once all chains are read
    if (link.seq != 1) return fault(fmt::format("the chain starts with record {}: earlier ones were taken out", link.seq));
    if (link.prev != first_prev) fault("`prev` of the first record is not zero");
  }

  void note_removal(const Link& link, json::Value removed) {
    report_.removals.push_back({.removal = {.instance = text_of(removed, "instance"),
                                            .segment = number_of(removed, "segment"),
                                            .seq = number_of(removed, "seq"),
                                            .hash = text_of(removed, "last")},
                                .seq = link.seq});
  }

  void check_signature(const Link& link, json::Value checkpoint) {
    const std::string key = text_of(checkpoint, "key");
    const std::string reason = text_of(checkpoint, "reason");
    closing_ = reason == "close";
    if (key.empty()) {
      if (!public_key_.empty() || !report_.key.empty()) fault("the checkpoint is not signed");
      return;
    }
    if ((!public_key_.empty() && key != public_key_) || (!report_.key.empty() && key != report_.key)) {
      return fault(fmt::format("the checkpoint is signed with another key, `{}`", key));
    }
    if (!signature_holds({link.instance, link.seq, link.time, link.prev, reason}, key, text_of(checkpoint, "signature"))) {
      return fault("the signature of the checkpoint does not hold");
    }
    report_.key = key;
    report_.signed_seq = link.seq;
  }

  /// With a key nothing may stand under no signature for longer than a journal
  /// takes to sign: else a chain that was written anew would only have to leave the checkpoints out.
  void check_signed_in_time(const Link& link) {
    if (public_key_.empty() || report_.signed_seq == link.seq) return unsigned_since_.reset();
    const auto time = wall_ms_of(link.time);
    if (!time) return fault("the time of the record cannot be read");
    if (!unsigned_since_) {
      unsigned_since_ = time;
    } else if (*time - *unsigned_since_ > signed_within.count()) {
      fault(fmt::format("the records from {} on are under no signature, and a journal signs every minute: they were put in, or the checkpoints taken out", utc_text(*unsigned_since_)));
    }
  }

  void accept(const Link& link) {
    if (report_.records++ == 0) {
      report_.first_seq = link.seq;
      instance_ = link.instance;
    }
    report_.last_seq = link.seq;
    last_hash_ = link.hash;
    report_.closed = std::exchange(closing_, false);
  }

  ChainReport& report_;
  std::string_view public_key_;
  LinkReader reader_;
  std::uint64_t segment_ = 0;
  std::string where_;
  std::string instance_;
  std::string last_hash_;
  bool closing_ = false;
  std::optional<std::int64_t> unsigned_since_;  ///< time of the first record after the last signature
};

Result<ChainReport> walk_chain(const std::string& folder, std::string_view public_key) {
  const Result<std::vector<SegmentFile>> segments = find_segments(folder);
  if (!segments) return std::unexpected(segments.error());
  ChainReport report{.folder = folder};
  ChainWalk walk(report, public_key);
  for (const SegmentFile& file : *segments) {
    if (Result<void> walked = walk.segment(file); !walked) return std::unexpected(walked.error());
    if (report.fault) break;
  }
  walk.end();
  return report;
}

/// Whether this removal is why the chain starts where it does.
bool explains(const Removal& removal, const ChainReport& chain) {
  const ChainReport::Beginning& first = chain.beginning;
  if (removal.instance != first.instance || removal.segment + 1 < first.segment) return false;
  if (removal.segment < first.segment) return removal.seq + 1 == chain.first_seq && removal.hash == first.prev;
  // A crash may have left some of the files that were to go, from the oldest on: the last of them is there then.
  return std::ranges::find(chain.ends, ChainReport::End{.seq = removal.seq, .hash = removal.hash}) != chain.ends.end();
}

void judge_beginning(ChainReport& chain, std::span<const ChainReport> all, std::string_view public_key) {
  if (chain.beginning.segment <= 1 || chain.fault) return;
  // Segments before the first record may have held none, after writes that failed.
  if (chain.first_seq == 1 && chain.beginning.prev == first_prev) return;
  for (const ChainReport& other : all) {
    for (const ChainReport::Told& told : other.removals) {
      const bool holds = public_key.empty() || told.seq <= other.signed_seq;
      if (holds && explains(told.removal, chain)) return;
    }
  }
  chain.fault = ChainReport::Fault{
      chain.beginning.where,
      fmt::format("the chain starts with record {} of segment {}, and no chain looked at says that what was before it went for its age",
                  chain.first_seq, chain.beginning.segment)};
}

}  // namespace

Result<std::vector<ChainReport>> verify_chains(std::span<const std::string> folders, std::string_view public_key) {
  std::vector<ChainReport> chains;
  for (const std::string& folder : folders) {
    Result<ChainReport> chain = walk_chain(folder, public_key);
    if (!chain) return std::unexpected(std::move(chain).error());
    chains.push_back(std::move(*chain));
  }
  for (ChainReport& chain : chains) judge_beginning(chain, chains, public_key);
  return chains;
}

void check_names(std::span<ChainReport> chains) {
  for (ChainReport& chain : chains) {
    if (chain.fault || chain.records == 0) continue;
    const std::filesystem::path folder = std::filesystem::path(chain.folder).lexically_normal();
    const std::string name = (folder.has_filename() ? folder : folder.parent_path()).filename().string();
    if (name != chain.beginning.instance)
      chain.fault = ChainReport::Fault{chain.beginning.where, fmt::format("the chain of instance `{}` stands in a folder of another name: it was moved or exchanged", chain.beginning.instance)};
  }
}

Result<ChainReport> verify_chain(const std::string& folder, std::string_view public_key) {
  Result<std::vector<ChainReport>> chains = verify_chains(std::span(&folder, 1), public_key);
  if (!chains) return std::unexpected(std::move(chains).error());
  return std::move(chains->front());
}

}  // namespace callgate::audit
