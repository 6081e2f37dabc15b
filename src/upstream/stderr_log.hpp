#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/log.hpp"
#include "net/loop.hpp"

namespace callgate::upstream {

/// What the programs of one server say on stderr, as it comes, in the log
/// (basic/transports: stderr is free text). One line each, cut to `longest`; all of
/// them together say at most `at_once` lines, and one more every `each` behind that.
/// What is left out is counted in the next line. Credentials are masked: those that an
/// operator gave the server, and what looks like one (`base/credentials.hpp`). Threads: the loop's.
class StderrLog {
 public:
  static constexpr std::size_t at_once = 20;
  static constexpr net::Duration each = std::chrono::seconds(1);
  static constexpr std::size_t longest = 400;  ///< bytes
  static constexpr std::size_t looked_at = 10 * longest;  ///< of a longer line; what is cut in two there is left out
  static constexpr std::size_t shortest_secret = 6;  ///< bytes: shorter values are parts of words

  StderrLog(Log& log, std::string server, std::vector<Secret> secrets);
  /// What may be kept of the line.
  std::string take(std::string_view line, net::Instant now);

 private:
  std::string masked(std::string_view text) const;
  void say(const std::string& text, net::Instant now);

  Log& log_;
  std::string server_;
  std::vector<Secret> secrets_;
  net::Instant free_at_{};  ///< when all lines that were said are made up for
  std::uint64_t left_out_ = 0;
};

}  // namespace callgate::upstream
