#include "cli/counters_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <fstream>
#include <iterator>
#include <optional>
#include <span>

#include "audit/replay.hpp"
#include "base/ids.hpp"
#include "limits/recount.hpp"

namespace callgate::cli {
namespace {

namespace fs = std::filesystem;

Result<void> write_all(const fs::path& path, std::string_view bytes) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  ssize_t written = fd < 0 ? -1 : 0;
  while (fd >= 0 && !bytes.empty()) {
    written = ::write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) break;
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  const int error = errno;
  if (fd >= 0) ::close(fd);
  if (fd >= 0 && bytes.empty()) return {};
  if (fd >= 0) ::unlink(path.c_str());  // a disk that is full needs the room
  return fail(ErrorKind::unavailable, fmt::format("cannot write `{}`: {}", path.string(), std::strerror(error)));
}

/// The first line: `<instance> <seq>`. An instance names a folder, so nothing
/// but a plain name is taken.
std::optional<JournalPlace> read_place(std::string_view line) {
  const std::size_t space = line.find(' ');
  if (space == std::string_view::npos) return std::nullopt;
  JournalPlace place{.instance = std::string(line.substr(0, space))};
  const std::string_view digits = line.substr(space + 1);
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), place.seq);
  if (error != std::errc() || end != digits.data() + digits.size() || !is_ulid(place.instance)) return std::nullopt;
  return place;
}

std::optional<JournalPlace> place_in(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  std::string line(128, '\0');
  in.read(line.data(), static_cast<std::streamsize>(line.size()));
  line.resize(static_cast<std::size_t>(in.gcount()));
  const std::size_t end = line.find('\n');
  return end == std::string::npos ? std::nullopt : read_place(std::string_view(line).substr(0, end));
}

void count_again(const fs::path& chain, std::uint64_t after, limits::MemoryCounters& counters, const limits::Moment& moment,
                 TakenUp& found) {
  limits::Recount recount(counters, moment);
  const Result<std::uint64_t> replayed = audit::replay(chain.string(), after, [&](const audit::RecordedCall& call) {
    for (std::size_t i = 0; i < call.uses.size(); ++i) {
      const audit::RecordedCall::Use& use = call.uses[i];
      const bool counted = std::ranges::any_of(std::span(call.uses).first(i), [&](const audit::RecordedCall::Use& earlier) {
        return earlier.scope == use.scope && recount.same_counter(earlier.limit, use.limit);
      });
      if (counted) continue;
      const bool read = recount.add({.server = call.server,
                                     .grant = call.grant,
                                     .session = call.session,
                                     .scope = use.scope,
                                     .limit = use.limit,
                                     .at = call.at,
                                     .wall_ms = call.wall_ms,
                                     .boot_id = call.boot_id});
      if (!read) ++found.unreadable;
    }
  });
  found.journal_found = replayed.has_value();
  found.unreadable += replayed.value_or(0);
  found.counted = recount.counted();
}

}  // namespace

Result<std::map<std::string, std::uint64_t, std::less<>>> kept_places(const fs::path& folder) {
  std::map<std::string, std::uint64_t, std::less<>> places;
  std::error_code error;
  std::error_code ignored;
  if (!fs::exists(folder, ignored)) return places;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder, error)) {
    if (entry.path().extension() != ".bin") continue;
    if (::access(entry.path().c_str(), R_OK) != 0 && errno != ENOENT)
      return fail(ErrorKind::unavailable, fmt::format("cannot read `{}`: {}", entry.path().string(), std::strerror(errno)));
    const auto place = place_in(entry.path());
    if (!place) continue;
    const auto [known, fresh] = places.emplace(place->instance, place->seq);
    if (!fresh) known->second = std::min(known->second, place->seq);
  }
  if (error) return fail(ErrorKind::unavailable, fmt::format("cannot list `{}`: {}", folder.string(), error.message()));
  return places;
}

TakenUp count_journals(const fs::path& journals, limits::MemoryCounters& counters, const limits::Moment& moment) {
  TakenUp all;
  std::error_code error;
  for (const fs::directory_entry& chain : fs::directory_iterator(journals, error)) {
    if (!is_ulid(chain.path().filename().string())) continue;
    TakenUp found;
    count_again(chain.path(), 0, counters, moment, found);
    all.counted += found.counted;
    all.unreadable += found.unreadable;
    all.journal_found = all.journal_found && found.journal_found;
  }
  return all;
}

Result<void> keep_counters(const fs::path& file, const limits::MemoryCounters& counters, const JournalPlace& place,
                           const limits::Moment& moment) {
  const fs::path fresh = file.string() + fmt::format(".{}", ::getpid());
  const std::string bytes = fmt::format("{} {}\n", place.instance, place.seq) + counters.snapshot(moment);
  if (Result<void> written = write_all(fresh, bytes); !written) return written;
  if (::rename(fresh.c_str(), file.c_str()) == 0) return {};
  return fail(ErrorKind::unavailable, fmt::format("cannot put `{}` in place: {}", file.string(), std::strerror(errno)));
}

Result<TakenUp> take_up_counters(const fs::path& file, const fs::path& journals, limits::MemoryCounters& counters,
                                 const limits::Moment& moment, How how) {
  std::error_code error;
  if (!fs::exists(file, error)) return TakenUp{};
  std::ifstream in(file, std::ios::binary);
  if (!in) return fail(ErrorKind::unavailable, fmt::format("cannot open `{}`", file.string()));
  const std::string bytes{std::istreambuf_iterator<char>(in), {}};
  const std::size_t line = bytes.find('\n');
  const auto place = line == std::string::npos ? std::nullopt : read_place(std::string_view(bytes).substr(0, line));
  if (!place) return fail(ErrorKind::malformed, fmt::format("`{}` holds no counters", file.string()));
  const std::string_view snapshot = std::string_view(bytes).substr(line + 1);
  Result<void> restored = how == How::instead ? counters.restore(snapshot, moment) : counters.absorb(snapshot, moment);
  if (!restored) return std::unexpected(std::move(restored).error());
  TakenUp found;
  count_again(journals / place->instance, place->seq, counters, moment, found);
  return found;
}

}  // namespace callgate::cli
