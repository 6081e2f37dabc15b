#pragma once

namespace callgate::cli {

/// Exit statuses of every command; stable, scripts rely on them.
enum class Exit : int {
  ok = 0,
  refused = 1,      ///< refused, or found something
  usage = 2,        ///< the command line is wrong
  unavailable = 3,  ///< a file, server or port cannot be had now
};

}  // namespace callgate::cli
