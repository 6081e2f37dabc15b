#include "approval/round_state.hpp"

#include <charconv>

#include <fmt/format.h>

#include "base/ids.hpp"
#include "base/random.hpp"

namespace callgate::approval {
namespace {

constexpr std::size_t mac_size = 64;
constexpr std::size_t nonce_size = 32;

/// Lengths first: no two pairs of texts make the same whole.
std::string mac_of(std::string_view body, std::string_view call, const HmacSha256& key) {
  return hex(key.of(fmt::format("approval round 1\n{}:{}{}", call.size(), call, body)));
}

/// The text up to the next full stop, which is taken away with it.
std::optional<std::string_view> take_part(std::string_view& rest) {
  const std::size_t stop = rest.find('.');
  if (stop == std::string_view::npos) return std::nullopt;
  const std::string_view part = rest.substr(0, stop);
  rest.remove_prefix(stop + 1);
  return part;
}

template <class Number>
bool read_number(std::string_view text, Number& out) {
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), out);
  return fault == std::errc() && end == text.data() + text.size();
}

}  // namespace

std::string seal(const RoundState& state, std::string_view call, std::string_view nonce, const HmacSha256& key) {
  const std::string body = fmt::format("{}.{}.{}.{}.{}", state.question, state.expires_ms, state.rounds, nonce, state.inner);
  return fmt::format("{}{}.{}", round_state, mac_of(body, call, key), body);
}

std::optional<RoundState> open_seal(std::string_view text, std::string_view call, const HmacSha256& key, std::int64_t wall_ms) {
  if (!text.starts_with(round_state) || text.size() > max_round_state) return std::nullopt;
  text.remove_prefix(round_state.size());
  if (text.size() < mac_size + 1 || text[mac_size] != '.') return std::nullopt;
  std::string_view body = text.substr(mac_size + 1);
  // INVARIANT: what was not sealed here is read no further.
  if (!constant_time_equal(text.substr(0, mac_size), mac_of(body, call, key))) return std::nullopt;
  const auto question = take_part(body);
  const auto expires = take_part(body);
  const auto rounds = take_part(body);
  const auto nonce = take_part(body);
  RoundState state;
  if (!question || !expires || !rounds || !nonce || !is_ulid(*question) || nonce->size() != nonce_size) return std::nullopt;
  if (!read_number(*expires, state.expires_ms) || !read_number(*rounds, state.rounds) || state.expires_ms <= wall_ms) return std::nullopt;
  state.question = *question;
  state.inner = body;
  return state;
}

}  // namespace callgate::approval
