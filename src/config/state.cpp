#include "config/state.hpp"

#include <charconv>

#include <fmt/format.h>

namespace callgate::config {

namespace {

constexpr std::string_view remedy = "write `redis://HOST:PORT/DATABASE`, as in `redis://127.0.0.1:6379/0`";

/// `USER:PASSWORD`, either of them empty.
Result<void> read_user(std::string_view text, const Surroundings& around, SharedState& state) {
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos)
    return fail(ErrorKind::invalid, "`state` has a user without a password; write `redis://USER:${file:PATH}@HOST`, without a user `redis://:${file:PATH}@HOST`");
  state.user = text.substr(0, colon);
  const std::string_view password = text.substr(colon + 1);
  if (password.empty()) return {};
  if (!has_expansion(password))
    return fail(ErrorKind::refused, "a literal password in `state` can be read by others; write `${file:PATH}` or `${env:NAME}` in its place");
  auto secret = expand(password, around.folder, around.environment);
  if (!secret) return std::unexpected(std::move(secret.error()));
  state.password = std::move(*secret);
  return {};
}

Result<unsigned> read_database(std::string_view text) {
  unsigned database = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), database);
  if (problem != std::errc{} || end != text.data() + text.size() || database > 1023)
    return fail(ErrorKind::invalid, fmt::format("`state` names a database that is no number; {}", remedy));
  return database;
}

}  // namespace

Result<SharedState> read_shared_state(std::string_view text, const Surroundings& around) {
  SharedState state;
  text.remove_prefix(text.find("://") + 3);
  // What stands in for a password may hold any of `/ : @`.
  if (const std::size_t at = text.rfind('@'); at != std::string_view::npos) {
    if (auto read = read_user(text.substr(0, at), around, state); !read) return std::unexpected(std::move(read.error()));
    text.remove_prefix(at + 1);
  }
  const std::size_t slash = text.find('/');
  if (slash != std::string_view::npos && slash + 1 < text.size()) {
    const auto database = read_database(text.substr(slash + 1));
    if (!database) return std::unexpected(database.error());
    state.database = *database;
  }
  std::string place(text.substr(0, slash));
  if (place.find(':', place.starts_with('[') ? place.find(']') : 0) == std::string::npos) place += ":6379";
  auto endpoint = parse_endpoint(place);
  if (!endpoint || place.starts_with(':') || endpoint->port == 0)
    return fail(ErrorKind::invalid, fmt::format("`state` names no host and port; {}", remedy));
  state.host = endpoint->host;
  state.port = endpoint->port;
  return state;
}

}  // namespace callgate::config
