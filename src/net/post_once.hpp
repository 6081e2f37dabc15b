#pragma once

#include <chrono>
#include <cstddef>
#include <stop_token>
#include <string>

#include "net/address.hpp"

namespace callgate::net {

/// One POST to somebody who is no server behind the gate: those are reached through
/// a permit alone.
struct Post {
  Url url;              ///< TLS is checked against the system's certificates
  std::string headers;  ///< ready lines, each with its CRLF
  std::string body;
  std::size_t max_answer = 0;         ///< bytes of the body that is read
  std::chrono::milliseconds patience{0};  ///< from connecting to the answer's last byte
};

struct Posted {
  int status = 0;
  std::string body;  ///< read with status 200 only
};

/// Sends it and reads the answer, on a loop of its own. No redirect is followed, nothing
/// is sent twice. Errors: `unavailable`, `timeout`, `too_large`, `malformed`; `closed`
/// where `stop` ended it early. Threads: any; blocks the calling one.
Result<Posted> post_once(const Post& post, const std::stop_token& stop = {});

}  // namespace callgate::net
