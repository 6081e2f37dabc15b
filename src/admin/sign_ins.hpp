#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"

namespace callgate::admin {

/// Who has given the operator's token to the approval page a short while ago:
/// behind a cookie of random bytes, of which only the hash is kept. Bounded in
/// number and time; a restart ends all. Threads: one.
class SignIns {
 public:
  static constexpr std::chrono::minutes lasts{30};
  static constexpr std::size_t most = 32;  ///< the oldest makes room
  static constexpr std::size_t failures = 10;  ///< within `window`, of everybody together
  static constexpr std::chrono::seconds window{60};

  /// Notes a wrong token; false where there were too many already, whose tries are
  /// then refused without a word in the log. The right one is never kept out: who
  /// guesses could else keep its owner from answering. What guessing gains is bounded
  /// by the token's length (admin/token.hpp), here as at the API.
  bool wrong_token(BootTime now);

  /// Begins one; answers the value of its cookie.
  std::string begin(BootTime now);

  /// What proves that an answer comes from the page that this sign-in was shown
  /// for this question and these arguments; nothing where the cookie is of no sign-in.
  std::optional<std::string> proof(std::string_view cookie, std::string_view question, std::string_view args_digest, BootTime now);
  bool knows(std::string_view cookie, BootTime now) { return find(cookie, now) != nullptr; }

 private:
  struct SignIn {
    BootTime until;
    std::array<std::uint8_t, 32> key;
  };
  const SignIn* find(std::string_view cookie, BootTime now);

  std::map<std::string, SignIn, std::less<>> by_hash_;
  std::deque<BootTime> failed_;
};

}  // namespace callgate::admin
