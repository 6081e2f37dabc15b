#pragma once

#include <string>

#include "base/error.hpp"

namespace callgate::json {

/// What an error of the reader says without the key that it names, for journals
/// and logs: a key may hold what is nobody's to keep. Its byte is named instead.
inline std::string without_key(const Error& error) {
  constexpr std::string_view begin = "duplicate key ";
  if (!error.message.starts_with(begin)) return error.message;
  return std::string(begin) + "before " + (error.where.empty() ? std::string("the end") : error.where) + ": every key may stand once";
}

}  // namespace callgate::json
