#pragma once

#include <string>
#include <string_view>

/// The functions by which a Redis or Valkey server keeps the calls of several rounds
/// of several gateways: a library in its Lua. Each call of one is atomic.
namespace callgate::session {

/// The library as `FUNCTION LOAD` takes it (`net::RedisLibrary`), and the names
/// of its functions. The form of their keys is named by `round_key_form`.
struct RoundFunctions {
  RoundFunctions();

  std::string text;
  std::string expect, find, take;
};

/// Stands in every key; another form of what is kept gets another number.
inline constexpr std::string_view round_key_form = "1";

}  // namespace callgate::session
