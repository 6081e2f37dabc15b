#include "audit/reader.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>

namespace callgate::audit {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t piece = 128 * 1024;
constexpr json::Limits line_limits{.max_depth = 8, .max_keys = 1024};

std::unexpected<Error> bad(std::string message) { return fail(ErrorKind::invalid, std::move(message)); }

/// A member that a record cannot be without, as text.
Result<std::string_view> member(json::Value root, std::string_view key) {
  const std::optional<json::Value> value = root.find(key);
  if (!value) return bad(fmt::format("the record has no `{}`", key));
  if (!value->is_string() || value->has_escapes()) return bad(fmt::format("`{}` is not a plain text", key));
  return value->raw_string();
}

/// The digits of the hash at the line's end; empty where it does not end so.
std::string_view hash_at_end(std::string_view line) {
  if (line.size() <= hash_tail_size || !line.ends_with("\"}")) return {};
  const std::string_view tail = line.substr(line.size() - hash_tail_size);
  if (!tail.starts_with(hash_key)) return {};
  return tail.substr(hash_key.size(), 64);
}

bool has_segments(const fs::path& folder) {
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    if (segment_number(entry.path().filename().string()) != 0) return true;
  }
  return false;
}

}  // namespace

LineReader::Descriptor::~Descriptor() {
  if (fd_ >= 0) ::close(fd_);
}

Result<LineReader> LineReader::open(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) {
    return fail(errno == ENOENT ? ErrorKind::not_found : ErrorKind::unavailable,
                fmt::format("cannot open `{}`: {}", path, std::strerror(errno)));
  }
  return LineReader(Descriptor(fd), path);
}

/// Reads one more piece; false at the end of the file.
Result<bool> LineReader::fill() {
  bytes_.erase(0, at_);
  at_ = 0;
  const std::size_t held = bytes_.size();
  bytes_.resize(held + piece);
  ssize_t got = 0;
  do {
    got = ::read(file_.get(), bytes_.data() + held, piece);
  } while (got < 0 && errno == EINTR);
  const int error = errno;
  bytes_.resize(held + static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
  if (got < 0) return fail(ErrorKind::unavailable, fmt::format("cannot read `{}`: {}", path_, std::strerror(error)));
  return got > 0;
}

Result<std::optional<Line>> LineReader::next() {
  if (ended_) return std::nullopt;
  std::size_t looked = 0;
  for (;;) {
    const std::size_t end = bytes_.find('\n', at_ + looked);
    if (end != std::string::npos) {
      const std::string_view line = std::string_view(bytes_).substr(at_, end - at_);
      at_ = end + 1;
      ended_ = line.size() > max_line;
      return Line{line, ++number_, true, ended_};
    }
    looked = bytes_.size() - at_;
    if (looked > max_line) {
      ended_ = true;
      return Line{std::string_view(bytes_).substr(at_, max_line), ++number_, false, true};
    }
    const Result<bool> more = fill();
    if (!more) return std::unexpected(more.error());
    if (*more) continue;
    ended_ = true;
    if (looked == 0) return std::nullopt;
    return Line{std::string_view(bytes_).substr(at_), ++number_, false, false};
  }
}

Result<Link> LinkReader::read(std::string_view line) {
  if (Result<void> parsed = json::parse(line, line_limits, document_); !parsed) {
    return bad(fmt::format("the line is not JSON: {}", parsed.error().message));
  }
  const json::Value root = document_.root();
  if (!root.is_object()) return bad("the line is not a record");
  const std::optional<json::Value> version = root.find("v");
  if (!version || version->text() != "1") return bad("the record is not of version 1");
  const std::optional<json::Value> seq = root.find("seq");
  const std::optional<std::int64_t> number = seq ? seq->as_int64() : std::nullopt;
  if (!number || *number < 1) return bad("the record has no `seq`");

  Link link{.seq = static_cast<std::uint64_t>(*number)};
  for (const auto& [key, text] : {std::pair{"instance", &link.instance}, std::pair{"prev", &link.prev},
                                  std::pair{"time", &link.time}}) {
    const Result<std::string_view> found = member(root, key);
    if (!found) return std::unexpected(found.error());
    *text = *found;
  }
  link.hash = hash_at_end(line);
  if (link.hash.empty()) return bad("the record does not end with its `hash`");

  hash_.update(line.substr(0, line.size() - hash_tail_size));
  if (hex(hash_.update("}").finish()) != link.hash) return bad("the record was changed: its `hash` is of other bytes");
  return link;
}

Result<std::vector<std::string>> find_chains(const std::string& path) {
  std::error_code error;
  fs::path top(path);
  if (!fs::is_directory(top, error)) {
    return fail(ErrorKind::not_found, fmt::format("there is no folder `{}`; name one with a journal, or `--data`", path));
  }
  if (has_segments(top)) return std::vector{top.string()};
  if (fs::is_directory(top / "journal", error)) top /= "journal";
  std::vector<std::string> found;
  for (const auto& entry : fs::directory_iterator(top, error)) {
    if (entry.is_directory(error) && has_segments(entry.path())) found.push_back(entry.path().string());
  }
  if (error) return fail(ErrorKind::unavailable, fmt::format("cannot list `{}`: {}", path, error.message()));
  std::ranges::sort(found);
  return found;
}

Result<std::vector<SegmentFile>> find_segments(const std::string& folder) {
  std::error_code error;
  std::vector<SegmentFile> found;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    const std::uint64_t number = segment_number(entry.path().filename().string());
    if (number != 0) found.push_back({number, entry.path().string()});
  }
  if (error) return fail(ErrorKind::unavailable, fmt::format("cannot list `{}`: {}", folder, error.message()));
  std::ranges::sort(found, {}, &SegmentFile::number);
  return found;
}

std::string text_of(json::Value record, std::string_view key) {
  const std::optional<json::Value> value = record.find(key);
  return value && value->is_string() ? value->string() : std::string();
}

std::uint64_t number_of(json::Value record, std::string_view key) {
  const std::optional<json::Value> value = record.find(key);
  const std::optional<std::int64_t> number = value ? value->as_int64() : std::nullopt;
  return number && *number > 0 ? static_cast<std::uint64_t>(*number) : 0;
}

}  // namespace callgate::audit
