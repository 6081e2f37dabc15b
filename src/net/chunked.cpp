#include "net/chunked.hpp"

#include <algorithm>
#include <charconv>

namespace callgate::net {
namespace {

constexpr std::size_t max_chunk_line = 1024;          ///< of a size with its extensions, and of a trailer
constexpr std::size_t max_trailers = 8 * 1024;  ///< all trailers of one body
constexpr std::size_t max_digits = 15;          ///< more could overflow what is counted in 64 bits

std::unexpected<Error> bad_chunk(const char* why) { return fail(ErrorKind::malformed, why); }

bool is_plain(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return (static_cast<unsigned char>(c) >= 0x20 && c != 0x7f) || c == '\t'; });
}

/// The size in front of a chunk line; its extension begins with a semicolon.
Result<std::uint64_t> read_size(std::string_view line) {
  const std::string_view digits = line.substr(0, line.find_first_of("; \t"));
  std::uint64_t size = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), size, 16);
  if (digits.empty() || digits.size() > max_digits || error != std::errc() || end != digits.data() + digits.size())
    return bad_chunk("a chunk's size is no number");
  std::string_view rest = line.substr(digits.size());
  rest.remove_prefix(std::min(rest.find_first_not_of(" \t"), rest.size()));
  if (!rest.empty() && rest.front() != ';') return bad_chunk("a chunk's size is no number");
  return size;
}

}  // namespace

Result<void> ChunkedBody::take_line(std::string_view line) {
  if (!is_plain(line)) return bad_chunk("a chunk line holds a control character");
  if (next_ == Next::end_of_data) {
    if (!line.empty()) return bad_chunk("a chunk is longer than it says");
    next_ = Next::size;
    return {};
  }
  if (next_ == Next::size) {
    const auto size = read_size(line);
    if (!size) return std::unexpected(size.error());
    left_ = *size;
    next_ = left_ == 0 ? Next::trailer : Next::data;
    return {};
  }
  if (line.empty()) {
    next_ = Next::nothing;
    return {};
  }
  trailer_bytes_ += line.size();
  if (trailer_bytes_ > max_trailers) return bad_chunk("the trailers are too large");
  const std::size_t colon = line.find(':');
  if (colon == 0 || colon == std::string_view::npos || line.substr(0, colon).find_first_of(" \t") != std::string_view::npos)
    return bad_chunk("a trailer line is malformed");
  return {};
}

Result<std::size_t> ChunkedBody::feed(std::string_view bytes, std::string& out) {
  std::size_t taken = 0;
  while (taken < bytes.size() && !done()) {
    const std::string_view rest = bytes.substr(taken);
    if (next_ == Next::data) {
      const auto part = static_cast<std::size_t>(std::min<std::uint64_t>(left_, rest.size()));
      out += rest.substr(0, part);
      taken += part;
      left_ -= part;
      if (left_ == 0) next_ = Next::end_of_data;
      continue;
    }
    const std::size_t end = rest.substr(0, max_chunk_line + 2).find('\n');
    if (end == std::string_view::npos) {
      if (rest.size() > max_chunk_line + 1) return bad_chunk("a chunk line is too long");
      // What follows a chunk's content is two bytes, known before the line is whole.
      if (next_ == Next::end_of_data && rest.front() != '\r') return bad_chunk("a chunk is longer than it says");
      break;
    }
    if (end == 0 || rest[end - 1] != '\r') return bad_chunk("a chunk line does not end with CRLF");
    if (auto line = take_line(rest.substr(0, end - 1)); !line) return std::unexpected(line.error());
    taken += end + 1;
  }
  return taken;
}

}  // namespace callgate::net
