#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

#include "flags.hpp"
#include "workload.hpp"

namespace callgate::bench {

/// `http://127.0.0.1:PORT/path`, taken apart; IPv4 addresses only.
struct Url {
  std::string host;  ///< as it goes into the Host header
  std::string address;
  std::uint16_t port = 80;
  std::string path;

  static Url parse(const std::string& text);
  /// A connected TCP socket without Nagle's delay, or -1.
  [[nodiscard]] int dial() const;
};

/// What every HTTP request of one session begins with, up to and including
/// `Content-Length: `. An empty `session` is the one before initialize.
std::string request_start(const Url& url, const Flags& flags, const std::string& session);

/// Calls `event(data)` for each Server-Sent Event in a finished body.
template <class Event>
void for_each_event(std::string_view body, Event&& event) {
  for (std::size_t at = 0; at < body.size();) {
    const std::size_t end = std::min(body.find('\n', at), body.size());
    std::string_view line = body.substr(at, end - at);
    at = end + 1;
    // MCP puts a message into one data line; JSON has no line ends of its own.
    if (!line.starts_with("data:")) continue;
    line.remove_prefix(line.starts_with("data: ") ? 6 : 5);
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (!line.empty()) event(line);
  }
}

/// Each prints one JSON object and returns the exit status: 0 measured, 2 could
/// not be measured (the object then has a member `failed`). Wrong answers are
/// counted in the object; judging them is the caller's part.
int run_http(const Flags& flags);
int run_stdio(const Flags& flags);
int run_start_up(const Flags& flags);

}  // namespace callgate::bench
