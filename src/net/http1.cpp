#include "net/http1.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include <fmt/format.h>

// Beast's parser is all that is used of Boost here.
#include <boost/asio/buffer.hpp>
#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>

namespace callgate::net {

namespace http = boost::beast::http;
using BeastError = boost::beast::error_code;
using BeastText = boost::beast::string_view;

namespace {

std::string_view view(BeastText text) { return {text.data(), text.size()}; }

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

bool is_token(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return classes.token[static_cast<unsigned char>(c)]; });
}

bool is_field_value(std::string_view text) {
  return std::ranges::none_of(text, [](char c) { return classes.bad_value[static_cast<unsigned char>(c)]; });
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

std::unexpected<Error> bad(std::string message) { return fail(ErrorKind::malformed, std::move(message)); }

/// What the framing headers of one head say, each allowed once.
struct Framing {
  std::optional<std::string_view> length;
  std::optional<std::string_view> coding;
  int hosts = 0;

  Result<void> take(std::string_view name, std::string_view value) {
    if (same_name(name, "content-length")) {
      if (length) return bad("`Content-Length` stands twice");
      const bool digits = !value.empty() && value.size() <= 18 && std::ranges::all_of(value, [](char c) { return c >= '0' && c <= '9'; });
      if (!digits) return bad("`Content-Length` is not a number");
      length = value;
    } else if (same_name(name, "transfer-encoding")) {
      if (coding) return bad("`Transfer-Encoding` stands twice");
      if (!same_name(value, "chunked")) return bad("no transfer coding but `chunked` is taken");
      coding = value;
    } else if (same_name(name, "host")) {
      ++hosts;
    }
    return {};
  }
};

/// The raw pass over the lines of a head; `lines` starts behind the first line.
Result<Framing> check_lines(std::string_view lines, const HeadLimits& limits) {
  Framing framing;
  std::size_t count = 0;
  while (lines != "\r\n") {
    const std::size_t end = lines.find("\r\n");
    if (end == std::string_view::npos) return bad("the head does not end with a blank line");
    const std::string_view line = lines.substr(0, end);
    lines.remove_prefix(end + 2);
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos || !is_token(line.substr(0, colon)))
      return bad("a header line is malformed");
    const std::string_view value = trim(line.substr(colon + 1));
    if (!is_field_value(value)) return bad("a header value holds a control character");
    if (++count > limits.headers) return fail(ErrorKind::too_large, fmt::format("more than {} headers", limits.headers));
    if (auto taken = framing.take(line.substr(0, colon), value); !taken) return std::unexpected(taken.error());
  }
  if (framing.length && framing.coding) return bad("`Content-Length` and `Transfer-Encoding` stand together");
  return framing;
}

/// Collects what Beast's parser reports of a head; bodies are ours.
template <bool request>
class HeadParser final : public http::basic_parser<request> {
 public:
  std::vector<Header>* headers = nullptr;
  std::string_view method;
  std::string_view target;
  int status = 0;
  int version = 11;

 private:
  void on_request_impl(http::verb, BeastText verb, BeastText path, int http_version, BeastError&) override {
    method = view(verb);
    target = view(path);
    version = http_version;
  }
  void on_response_impl(int code, BeastText, int http_version, BeastError&) override {
    status = code;
    version = http_version;
  }
  void on_field_impl(http::field, BeastText name, BeastText value, BeastError&) override {
    if (headers != nullptr) headers->push_back({view(name), view(value)});
  }
  void on_header_impl(BeastError&) override {}
  void on_body_init_impl(boost::optional<std::uint64_t> const&, BeastError&) override {}
  std::size_t on_body_impl(BeastText text, BeastError&) override { return text.size(); }
  void on_chunk_header_impl(std::uint64_t, BeastText, BeastError&) override {}
  std::size_t on_chunk_body_impl(std::uint64_t, BeastText text, BeastError&) override { return text.size(); }
  void on_finish_impl(BeastError&) override {}
};

template <bool request>
Result<void> take_apart(std::string_view head, HeadParser<request>& parser) {
  BeastError code;
  parser.header_limit(static_cast<std::uint32_t>(head.size()) + 1);
  parser.body_limit(boost::none);
  parser.put(boost::asio::buffer(head.data(), head.size()), code);
  if (code && code != http::error::need_more) return bad(fmt::format("malformed head: {}", code.message()));
  if (!parser.is_header_done()) return bad("malformed head");
  return {};
}

Result<std::string_view> lines_behind_first(std::string_view head, const HeadLimits& limits) {
  if (head.size() > limits.bytes) return fail(ErrorKind::too_large, fmt::format("the headers are over {} bytes", limits.bytes));
  const std::size_t first = head.find("\r\n");
  const std::string_view line = head.substr(0, first);
  if (!is_field_value(line) || line.empty() || line.front() == ' ') return bad("the first line is malformed");
  return head.substr(first + 2);
}

template <class Head>
void apply_framing(const Framing& framing, Head& out) {
  out.chunked = framing.coding.has_value();
  out.content_length.reset();
  if (!framing.length) return;
  std::uint64_t length = 0;
  std::from_chars(framing.length->data(), framing.length->data() + framing.length->size(), length);
  out.content_length = length;
}

bool wants_close(const Headers& headers) {
  const std::string_view connection = headers.find("connection");
  for (std::size_t at = 0; at <= connection.size();) {
    const std::size_t comma = std::min(connection.find(',', at), connection.size());
    if (same_name(trim(connection.substr(at, comma - at)), "close")) return true;
    at = comma + 1;
  }
  return false;
}

}  // namespace

bool same_name(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
    if (lower(a[i]) != lower(b[i])) return false;
  }
  return true;
}

std::string_view Headers::find(std::string_view name) const {
  for (const Header& header : all) {
    if (same_name(header.name, name)) return header.value.data() != nullptr ? header.value : std::string_view("");
  }
  return {};
}

std::size_t head_size(std::string_view bytes, std::size_t from) {
  const std::size_t end = bytes.find("\r\n\r\n", from < 3 ? 0 : from - 3);
  return end == std::string_view::npos ? 0 : end + 4;
}

Result<void> read_request_head(std::string_view head, const HeadLimits& limits, RequestHead& out) {
  const auto lines = lines_behind_first(head, limits);
  if (!lines) return std::unexpected(lines.error());
  const auto framing = check_lines(*lines, limits);
  if (!framing) return std::unexpected(framing.error());
  out.headers.all.clear();
  HeadParser<true> parser;
  parser.headers = &out.headers.all;
  if (auto parsed = take_apart(head, parser); !parsed) return parsed;
  if (parser.target.size() > limits.target) return fail(ErrorKind::too_large, fmt::format("the address is over {} bytes", limits.target));
  if (!is_token(parser.method)) return bad("the method is malformed");
  if (framing->hosts != 1) return bad("exactly one `Host` is needed");
  if (parser.version != 11 && framing->coding) return bad("HTTP/1.0 has no transfer codings");
  out.method = parser.method;
  out.target = parser.target;
  apply_framing(*framing, out);
  out.keep_alive = parser.version == 11 && !wants_close(out.headers);
  return {};
}

Result<void> read_response_head(std::string_view head, const HeadLimits& limits, ResponseHead& out) {
  const auto lines = lines_behind_first(head, limits);
  if (!lines) return std::unexpected(lines.error());
  const auto framing = check_lines(*lines, limits);
  if (!framing) return std::unexpected(framing.error());
  out.headers.all.clear();
  HeadParser<false> parser;
  parser.headers = &out.headers.all;
  if (auto parsed = take_apart(head, parser); !parsed) return parsed;
  out.status = parser.status;
  apply_framing(*framing, out);
  out.keep_alive = parser.version == 11 && !wants_close(out.headers);
  return {};
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
