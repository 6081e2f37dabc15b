#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.hpp"

namespace callgate::net {

/// Takes the chunked coding off a body (RFC 9112 section 7.1), piece by piece.
/// Strict: lines end with CRLF, sizes are up to 15 hexadecimal digits, extensions
/// and trailers are bounded, must be plain text, and are thrown away (7.1.1, 7.1.2).
/// Errors: `malformed`; nothing may be fed after one. A value; any thread.
class ChunkedBody {
 public:
  /// Appends the content in `bytes` to `out`; answers how many bytes it took.
  /// Those it left (an unfinished line) come first the next time.
  Result<std::size_t> feed(std::string_view bytes, std::string& out);
  bool done() const { return next_ == Next::nothing; }

 private:
  enum class Next : std::uint8_t { size, data, end_of_data, trailer, nothing };
  Result<void> take_line(std::string_view line);

  Next next_ = Next::size;
  std::uint64_t left_ = 0;          ///< of the current chunk
  std::size_t trailer_bytes_ = 0;
};

}  // namespace callgate::net
