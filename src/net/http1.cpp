#include "net/http1.hpp"

#include <algorithm>
#include <array>
#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include <fmt/format.h>

namespace callgate::net {

namespace {

/// What a byte may stand in: looked up, not computed, since every byte of every head passes here.
struct ByteClasses {
  std::array<bool, 256> token{};
  std::array<bool, 256> bad_value{};
  constexpr ByteClasses() {
    constexpr std::string_view marks = "!#$%&'*+-.^_`|~";  // RFC 9110 section 5.6.2
    for (unsigned c = 0; c < 256; ++c) {
      const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
      token[c] = letter || (c < 128 && marks.find(static_cast<char>(c)) != std::string_view::npos);
      bad_value[c] = (c < 0x20 && c != '\t') || c == 0x7f;
    }
  }
};
constexpr ByteClasses classes;

bool is_token_byte(char c) { return classes.token[static_cast<unsigned char>(c)]; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// The first byte in [p, end) that no token may hold; `end` where none is. Names of fields are letters, digits and `-`
/// but for a few: those are passed sixteen at a time.
const char* find_token_end(const char* p, const char* end) {
#if defined(__SSE2__)
  // Unsigned "at most n above first": SSE2 has no unsigned compare.
  const auto within = [](__m128i bytes, char first, char n) {
    const __m128i above = _mm_sub_epi8(bytes, _mm_set1_epi8(first));
    return _mm_cmpeq_epi8(_mm_min_epu8(above, _mm_set1_epi8(n)), above);
  };
  for (; end - p >= 16; p += 16) {
    const __m128i chunk = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
    const __m128i letter = within(_mm_or_si128(chunk, _mm_set1_epi8(0x20)), 'a', 25);
    const __m128i other = _mm_or_si128(within(chunk, '0', 9), _mm_cmpeq_epi8(chunk, _mm_set1_epi8('-')));
    const auto plain = static_cast<unsigned>(_mm_movemask_epi8(_mm_or_si128(letter, other)));
    if (plain != 0xffff) {
      p += __builtin_ctz(~plain);
      break;
    }
  }
#endif
  while (p != end && is_token_byte(*p)) ++p;
  return p;
}

/// The first byte in [p, end) that no field value may hold, CR and LF among them; `end` where none is.
const char* find_value_stop(const char* p, const char* end) {
#if defined(__SSE2__)
  const __m128i last_control = _mm_set1_epi8(0x1f);
  const __m128i tab = _mm_set1_epi8('\t');
  const __m128i del = _mm_set1_epi8(0x7f);
  while (end - p >= 16) {
    const __m128i chunk = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
    // Unsigned "at most 0x1f" as max(chunk, 0x1f) == 0x1f: SSE2 has no unsigned compare.
    const __m128i control = _mm_andnot_si128(_mm_cmpeq_epi8(chunk, tab),
                                             _mm_cmpeq_epi8(_mm_max_epu8(chunk, last_control), last_control));
    const auto mask = static_cast<unsigned>(_mm_movemask_epi8(_mm_or_si128(control, _mm_cmpeq_epi8(chunk, del))));
    if (mask != 0) return p + __builtin_ctz(mask);
    p += 16;
  }
#endif
  while (p != end && !classes.bad_value[static_cast<unsigned char>(*p)]) ++p;
  return p;
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

std::unexpected<Error> bad(std::string message) { return fail(ErrorKind::malformed, std::move(message)); }

struct Connection {
  bool well_formed = true;
  bool close = false;
};

/// A list of tokens, of which `close` means something here (RFC 9110 section 7.6.1).
Connection read_connection(std::string_view value) {
  Connection connection;
  for (std::size_t at = 0; at <= value.size();) {
    const std::size_t comma = std::min(value.find(',', at), value.size());
    const std::string_view option = trim(value.substr(at, comma - at));
    connection.well_formed = connection.well_formed && std::ranges::all_of(option, is_token_byte);
    connection.close = connection.close || same_name(option, "close");
    at = comma + 1;
  }
  return connection;
}

/// Goes over a head once.
class HeadReader {
 public:
  HeadReader(std::string_view head, const HeadLimits& limits)
      : p_(head.data()), end_(p_ + head.size()), limits_(limits) {}

  /// `POST /mcp HTTP/1.1` (RFC 9112 section 3).
  Result<void> request_line(RequestHead& out) {
    const char* first = p_;
    p_ = find_token_end(p_, end_);
    out.method = {first, p_};
    if (out.method.empty() || !take(" ")) return bad("the method is malformed");
    first = p_;
    while (p_ != end_ && *p_ > ' ' && *p_ < 0x7f) ++p_;  // RFC 3986: visible ASCII
    out.target = {first, p_};
    if (out.target.size() > limits_.target) return fail(ErrorKind::too_large, fmt::format("the address is over {} bytes", limits_.target));
    if (out.target.empty() || !take(" ") || !version() || !take("\r\n")) return bad("the first line is malformed");
    return {};
  }

  /// `HTTP/1.1 200 OK` (RFC 9112 section 4).
  Result<void> status_line(ResponseHead& out) {
    const bool starts = version() && take(" ") && end_ - p_ > 4 && is_digit(p_[0]) && is_digit(p_[1]) && is_digit(p_[2]) && p_[3] == ' ';
    if (!starts) return bad("the first line is malformed");
    out.status = (p_[0] - '0') * 100 + (p_[1] - '0') * 10 + (p_[2] - '0');
    p_ = find_value_stop(p_ + 4, end_);
    if (!take("\r\n") || out.status < 100) return bad("the first line is malformed");
    return {};
  }

  Result<void> fields(Headers& out) {
    while (!take("\r\n")) {
      const char* name = p_;
      p_ = find_token_end(p_, end_);
      const std::string_view name_text(name, p_);
      if (name_text.empty() || !take(":")) return bad("a header line is malformed");
      const char* value = p_;
      p_ = find_value_stop(p_, end_);
      const std::string_view value_text = trim({value, p_});
      if (!take("\r\n")) return bad("a header value holds a control character");
      if (out.all().size() == limits_.headers) return fail(ErrorKind::too_large, fmt::format("more than {} headers", limits_.headers));
      if (auto taken = note(out.add({name_text, value_text}), value_text); !taken) return taken;
    }
    if (p_ != end_) return bad("the head does not end with its blank line");
    return {};
  }

  template <class Head>
  Result<void> finish(Head& out) const {
    if (out.headers.repeats(HeaderName::content_length)) return bad("`Content-Length` stands twice");
    if (out.headers.repeats(HeaderName::transfer_encoding)) return bad("`Transfer-Encoding` stands twice");
    if (length_ && chunked_) return bad("`Content-Length` and `Transfer-Encoding` stand together");
    if (chunked_ && version_ == 0) return bad("HTTP/1.0 has no transfer codings");
    out.content_length = length_;
    out.chunked = chunked_;
    out.keep_alive = version_ == 1 && !close_;
    return {};
  }

 private:
  bool take(std::string_view text) {
    if (!std::string_view(p_, end_).starts_with(text)) return false;
    p_ += text.size();
    return true;
  }

  bool version() {
    if (!take("HTTP/1.") || p_ == end_ || (*p_ != '0' && *p_ != '1')) return false;
    version_ = *p_++ - '0';
    return true;
  }

  /// What the fields that frame the message say.
  Result<void> note(HeaderName name, std::string_view value) {
    switch (name) {
      case HeaderName::content_length: return note_length(value);
      case HeaderName::transfer_encoding:
        if (!same_name(value, "chunked")) return bad("no transfer coding but `chunked` is taken");
        chunked_ = true;
        return {};
      case HeaderName::connection:
      case HeaderName::proxy_connection: {
        const Connection connection = read_connection(value);
        if (!connection.well_formed) return bad("`Connection` is malformed");
        close_ = close_ || connection.close;
        return {};
      }
      default: return {};
    }
  }

  Result<void> note_length(std::string_view value) {
    const bool digits = !value.empty() && value.size() <= 18 && std::ranges::all_of(value, is_digit);
    if (!digits) return bad("`Content-Length` is not a number");
    std::uint64_t length = 0;
    for (const char c : value) length = length * 10 + static_cast<std::uint64_t>(c - '0');
    length_ = length;
    return {};
  }

  const char* p_;
  const char* end_;
  const HeadLimits& limits_;
  int version_ = 1;
  std::optional<std::uint64_t> length_;
  bool chunked_ = false;
  bool close_ = false;
};

}  // namespace

std::size_t head_size(std::string_view bytes, std::size_t from) {
  const std::size_t end = bytes.find("\r\n\r\n", from < 3 ? 0 : from - 3);
  return end == std::string_view::npos ? 0 : end + 4;
}

bool has_bare_line_feed(std::string_view head, std::size_t from) {
  for (std::size_t at = head.find('\n', from); at != std::string_view::npos; at = head.find('\n', at + 1)) {
    if (at == 0 || head[at - 1] != '\r') return true;
  }
  return false;
}

namespace {

/// `http://host/path` (RFC 9112 section 3.2.2). The host there counts, and has to be the one in `Host`: what others on the
/// way read must not be another one.
Result<void> read_absolute_form(RequestHead& out) {
  const std::size_t scheme = out.target.find("://");
  const std::string_view name = out.target.substr(0, scheme);
  if (scheme == std::string_view::npos || !(same_name(name, "http") || same_name(name, "https"))) return {};
  const std::string_view rest = out.target.substr(scheme + 3);
  const std::size_t slash = std::min(rest.find_first_of("/?#"), rest.size());
  if (!same_name(rest.substr(0, slash), out.headers.find(HeaderName::host))) return bad("the address and `Host` name different hosts");
  out.target = slash == rest.size() ? std::string_view("/") : rest.substr(slash);
  return out.target.starts_with('/') ? Result<void>{} : bad("the address has no path");
}

}  // namespace

Result<void> read_request_head(std::string_view head, const HeadLimits& limits, RequestHead& out) {
  if (head.size() > limits.bytes) return fail(ErrorKind::too_large, fmt::format("the headers are over {} bytes", limits.bytes));
  HeadReader reader(head, limits);
  out.headers.clear();
  if (auto line = reader.request_line(out); !line) return line;
  if (auto fields = reader.fields(out.headers); !fields) return fields;
  if (!out.headers.has(HeaderName::host) || out.headers.repeats(HeaderName::host)) return bad("exactly one `Host` is needed");
  if (auto absolute = read_absolute_form(out); !absolute) return absolute;
  return reader.finish(out);
}

Result<void> read_response_head(std::string_view head, const HeadLimits& limits, ResponseHead& out) {
  if (head.size() > limits.bytes) return fail(ErrorKind::too_large, fmt::format("the headers are over {} bytes", limits.bytes));
  HeadReader reader(head, limits);
  out.headers.clear();
  if (auto line = reader.status_line(out); !line) return line;
  if (auto fields = reader.fields(out.headers); !fields) return fields;
  return reader.finish(out);
}

std::string_view reason_phrase(int status) {
  switch (status) {
    case 200: return "OK";
    case 202: return "Accepted";
    case 204: return "No Content";
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 406: return "Not Acceptable";
    case 408: return "Request Timeout";
    case 409: return "Conflict";
    case 411: return "Length Required";
    case 413: return "Content Too Large";
    case 415: return "Unsupported Media Type";
    case 421: return "Misdirected Request";
    case 429: return "Too Many Requests";
    case 431: return "Request Header Fields Too Large";
    case 500: return "Internal Server Error";
    case 503: return "Service Unavailable";
    default: return "Status";
  }
}

}  // namespace callgate::net
