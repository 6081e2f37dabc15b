#pragma once

#include <cstdint>
#include <expected>
#include <string>

#include "base/error.hpp"

namespace callgate::cel {

/// Something to say about an expression, with its place: a byte of its text.
struct Notice {
  std::uint32_t at = 0;
  std::string message;  ///< as in `Error`: lower case, the item in backticks, what to write instead
  ErrorKind kind = ErrorKind::invalid;
  std::string missing = {};  ///< the member, as it is written, that need not be there; empty where the message is not about one
};

template <class T>
using Checked = std::expected<T, Notice>;

inline std::unexpected<Notice> refuse(std::size_t at, std::string message, ErrorKind kind = ErrorKind::invalid) {
  return std::unexpected(Notice{static_cast<std::uint32_t>(at), std::move(message), kind});
}

}  // namespace callgate::cel
