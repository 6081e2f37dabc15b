#pragma once

#include <ostream>

#include "base/error.hpp"

namespace callgate::cli {

/// Exit statuses of every command; stable, scripts rely on them.
enum class Exit : int {
  ok = 0,
  refused = 1,      ///< refused, or found something
  usage = 2,        ///< the command line is wrong
  unavailable = 3,  ///< a file, server or port cannot be had now
};

/// Tells a person what is wrong, in one line; gives the status back.
inline Exit say(std::ostream& err, const Error& error, Exit exit) {
  err << "callgate: " << (error.where.empty() ? "" : error.where + ": ") << error.message << '\n';
  return exit;
}

}  // namespace callgate::cli
