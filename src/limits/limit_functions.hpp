#pragma once

#include <string>
#include <string_view>

/// The functions by which a Redis or Valkey server counts calls: a library in
/// its Lua (FUNCTION LOAD, Redis 7). Each call of one is atomic.
namespace callgate::limits {

/// The library as `FUNCTION LOAD` takes it (`net::RedisLibrary`), and the names
/// of its functions. The form of their keys is named by `key_form`.
struct LimitFunctions {
  LimitFunctions();

  std::string text;
  std::string take, look, give_back, end_session, end_gateway, beat;
};

/// Stands in every key; another form of what is kept gets another number.
inline constexpr std::string_view key_form = "3";

/// Up to this many calls every call's time is kept by the server; above, calls
/// per 64th of the window (as `limits::Window` does).
inline constexpr std::uint64_t max_exact_shared = 1024;

}  // namespace callgate::limits
