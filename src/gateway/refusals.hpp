#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/json.hpp"
#include "gateway/parts.hpp"
#include "net/address.hpp"
#include "net/http_server.hpp"

namespace callgate::gateway {

/// An answer to a request that gets no further.
struct RequestRefusal {
  int status;
  std::string body;       ///< JSON
  std::string_view why;   ///< for the record: a word or sentence of the gateway's own
  std::string_view headers = {};
};

/// Nobody can tell now whether there is that session.
RequestRefusal sessions_out_of_reach(std::string_view why);
inline constexpr std::string_view too_many_to_end = "too many ended while it was not known which there are";
/// Counts what was read of a request's body with the body; a refusal where there is no room for both.
std::optional<RequestRefusal> no_room_for(net::HttpExchange& exchange, const json::Document& read, std::string_view id);

/// Puts refusals of requests on record that nobody stands behind. Who makes them
/// needs no token, so they are counted all, and recorded and logged at a bounded
/// rate: beyond it, one record a second says how many there were.
/// Threads: the loop's.
class Refusals final : public net::Timer {
 public:
  static constexpr int recorded_each_second = 10;

  explicit Refusals(const Parts& parts);
  /// Puts on record what is still only counted.
  ~Refusals() override { tell_rest(); }

  /// `why`: a word or sentence of the gateway's own, without the peer's bytes.
  void note(int status, std::string_view why, const net::Address& peer);

 private:
  void expired() override { tell_rest(); }
  void tell_rest();

  const Parts parts_;
  Counter& total_;
  net::Instant second_;   ///< in which `recorded_` is counted
  int recorded_ = 0;
  std::uint64_t rest_ = 0;
  std::string why_;       ///< of the rest's first
  bool mixed_ = false;    ///< the rest had other reasons too
};

}  // namespace callgate::gateway
