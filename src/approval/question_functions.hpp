#pragma once

#include <string>
#include <string_view>

/// The functions by which a Redis or Valkey server keeps the questions of
/// several gateways: a library in its Lua. Each call of one is atomic.
namespace callgate::approval {

/// The library as `FUNCTION LOAD` takes it (`net::RedisLibrary`), and the names
/// of its functions. The form of their keys is named by `key_form`.
struct QuestionFunctions {
  QuestionFunctions();

  std::string text;
  std::string ask, answer, use, leave, hold, list, show, count, seal;
};

/// Stands in every key; another form of what is kept gets another number.
inline constexpr std::string_view key_form = "1";

}  // namespace callgate::approval
