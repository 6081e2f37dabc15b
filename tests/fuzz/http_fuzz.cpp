#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/basic_parser.hpp>

#include "net/chunked.hpp"
#include "net/http1.hpp"

/// The HTTP edge: heads of requests and answers, and chunked bodies. What is
/// accepted must leave no doubt about framing, and a reader that others wrote
/// (Boost.Beast's) must accept it too and find the same parts.
namespace {

using namespace callgate::net;

void check(bool holds) {
  if (!holds) std::abort();
}

template <class Head>
void check_framing(const Head& head) {
  check(!(head.chunked && head.content_length));
  int lengths = 0;
  int codings = 0;
  for (const Header& header : head.headers.all()) {
    lengths += same_name(header.name, "content-length") ? 1 : 0;
    codings += same_name(header.name, "transfer-encoding") ? 1 : 0;
    check(!header.name.empty());
    check(header.name.find_first_of(" \t\r\n:") == std::string_view::npos);
    check(header.value.find_first_of("\r\n") == std::string_view::npos);
    check(header.value.find('\0') == std::string_view::npos);
  }
  check(lengths <= 1 && codings <= 1);
  check((lengths == 1) == head.content_length.has_value());
  check((codings == 1) == head.chunked);
}

namespace http = boost::beast::http;
using BeastError = boost::beast::error_code;
using BeastText = boost::beast::string_view;

/// What Beast's parser finds in a head.
template <bool request>
class OtherReader final : public http::basic_parser<request> {
 public:
  std::vector<Header> headers;
  std::string_view method;
  std::string_view target;
  int status = 0;
  int version = 0;

  explicit OtherReader(std::string_view head) {
    BeastError code;
    this->header_limit(static_cast<std::uint32_t>(head.size()) + 1);
    this->body_limit(boost::none);
    this->put(boost::asio::buffer(head.data(), head.size()), code);
    check(!code || code == http::error::need_more);
    check(this->is_header_done());
  }

 private:
  static std::string_view view(BeastText text) { return {text.data(), text.size()}; }
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
    headers.push_back({view(name), view(value)});
  }
  void on_header_impl(BeastError&) override {}
  void on_body_init_impl(boost::optional<std::uint64_t> const&, BeastError&) override {}
  std::size_t on_body_impl(BeastText text, BeastError&) override { return text.size(); }
  void on_chunk_header_impl(std::uint64_t, BeastText, BeastError&) override {}
  std::size_t on_chunk_body_impl(std::uint64_t, BeastText text, BeastError&) override { return text.size(); }
  void on_finish_impl(BeastError&) override {}
};

template <bool request, class Head>
void check_fields(const OtherReader<request>& other, const Head& head) {
  check(other.headers.size() == head.headers.all().size());
  for (std::size_t i = 0; i < other.headers.size(); ++i) {
    check(other.headers[i].name == head.headers.all()[i].name);
    check(other.headers[i].value == head.headers.all()[i].value);
    const HeaderName name = header_name(other.headers[i].name);
    check(name == HeaderName::other || head.headers.find(name) == head.headers.find(other.headers[i].name));
  }
  check(!head.keep_alive || other.version == 11);
  check(head.chunked == other.chunked());
  // An answer without a length ends with its connection: there the other reader says so, and ours when the body begins.
  const bool framed = request || head.chunked || head.content_length;
  if (framed && other.keep_alive() != head.keep_alive) check(other.version == 10);  // 1.0 is never kept here
}

/// The same body in one piece and byte by byte comes to the same end.
void check_chunks(std::string_view body) {
  ChunkedBody whole;
  ChunkedBody pieces;
  std::string out_whole;
  std::string out_pieces;
  const auto taken = whole.feed(body, out_whole);
  std::string waiting;
  bool failed = false;
  for (const char c : body) {
    if (pieces.done() || failed) break;
    waiting += c;
    const auto step = pieces.feed(waiting, out_pieces);
    failed = !step.has_value();
    if (step) waiting.erase(0, *step);
  }
  if (!taken) return check(failed);
  check(!failed && whole.done() == pieces.done() && out_whole == out_pieces);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const std::size_t head_bytes = head_size(bytes, 0);
  if (head_bytes == 0) return 0;
  const std::string_view head = bytes.substr(0, head_bytes);
  const std::string_view rest = bytes.substr(head_bytes);
  RequestHead request;
  if (read_request_head(head, {}, request)) {
    check_framing(request);
    const OtherReader<true> other(head);
    check(other.method == request.method && other.target == request.target);
    check_fields(other, request);
    int hosts = 0;
    for (const Header& header : request.headers.all()) hosts += same_name(header.name, "host") ? 1 : 0;
    check(hosts == 1);
    if (request.chunked) check_chunks(rest);
  }
  ResponseHead response;
  if (read_response_head(head, {}, response)) {
    check_framing(response);
    const OtherReader<false> other(head);
    check(other.status == response.status);
    check_fields(other, response);
    if (response.chunked && response.status >= 200 && response.status != 204 && response.status != 304) check_chunks(rest);
  }
  return 0;
}
