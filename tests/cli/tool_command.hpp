#pragma once

#include <gtest/gtest.h>

#include <deque>
#include <sstream>
#include <string>
#include <string_view>

#include "cli/exit.hpp"
#include "cli/offline_world.hpp"

namespace callgate::cli {

/// A home and files around one command that reads lists of tools.
struct ToolCommand : testing::Test {
  OfflineWorld world;
  std::string out;  ///< of the last run
  std::string err;

  /// `command` takes the two streams.
  template <typename Command>
  Exit ran(Command command) {
    std::ostringstream to_out;
    std::ostringstream to_err;
    const Exit exit = command(to_out, to_err);
    out = to_out.str();
    err = to_err.str();
    return exit;
  }
  /// Its path, which lives as long as the test.
  std::string_view file(std::string_view text, const std::string& name = "tools.json") { return paths.emplace_back(world.folder.write(name, text)); }
  std::deque<std::string> paths;
};

}  // namespace callgate::cli
