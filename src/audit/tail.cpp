#include "audit/tail.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>

#include "audit/line.hpp"
#include "audit/reader.hpp"

namespace callgate::audit {
namespace {

/// The end of the file: long enough for a torn line and the whole one before it.
Result<std::string> end_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary | std::ios::ate);
  if (!file) return fail(ErrorKind::unavailable, fmt::format("cannot open `{}`", path));
  const auto size = static_cast<std::uint64_t>(file.tellg());
  std::string bytes(std::min<std::uint64_t>(size, 2 * (max_line + 1)), '\0');
  file.seekg(static_cast<std::streamoff>(size - bytes.size()));
  if (!file.read(bytes.data(), static_cast<std::streamsize>(bytes.size())))
    return fail(ErrorKind::unavailable, fmt::format("cannot read `{}`", path));
  return bytes;
}

}  // namespace

Result<std::optional<LastRecord>> last_record(const std::string& path) {
  const Result<std::string> bytes = end_of(path);
  if (!bytes) return std::unexpected(bytes.error());
  const std::size_t end = bytes->rfind('\n');
  if (end == std::string::npos) return std::nullopt;
  const std::size_t before = end == 0 ? std::string::npos : bytes->rfind('\n', end - 1);
  const std::size_t begin = before == std::string::npos ? 0 : before + 1;
  LinkReader reader;
  const Result<Link> link = reader.read(std::string_view(*bytes).substr(begin, end - begin));
  if (!link) return std::unexpected(link.error());
  return LastRecord{.seq = link->seq, .instance = std::string(link->instance), .hash = std::string(link->hash), .time = std::string(link->time)};
}

}  // namespace callgate::audit
