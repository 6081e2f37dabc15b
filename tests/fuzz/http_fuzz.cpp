#include <cstdint>
#include <cstdlib>
#include <string>

#include "net/chunked.hpp"
#include "net/http1.hpp"

/// The HTTP edge: heads of requests and answers, and chunked bodies. What the
/// strict pass and the parser both accept must leave no doubt about framing.
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
  for (const Header& header : head.headers.all) {
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
    int hosts = 0;
    for (const Header& header : request.headers.all) hosts += same_name(header.name, "host") ? 1 : 0;
    check(hosts == 1);
    if (request.chunked) check_chunks(rest);
  }
  ResponseHead response;
  if (read_response_head(head, {}, response)) {
    check_framing(response);
    if (response.chunked && response.status >= 200 && response.status != 204 && response.status != 304) check_chunks(rest);
  }
  return 0;
}
