#pragma once

#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "config/config.hpp"
#include "config/environment.hpp"
#include "config/file_stamp.hpp"

namespace callgate::config {

/// Which of the two commands the flags belong to.
enum class Command : std::uint8_t { run, serve };

/// What `callgate run` and `callgate serve` are told on the command line.
struct RunFlags {
  bool help = false;  ///< `--help` or `-h`: nothing else was looked at
  Config config;
  std::filesystem::path config_file;  ///< empty for flag starts; a reload reads it again
  FileStamp config_stamp;             ///< of the version that was read
  std::filesystem::path ready_file;   ///< gets the ready line
  std::optional<int> ready_fd;
  /// serve without a server of its own: those registered in the store are meant.
  bool from_store = false;
};

struct ParsedFlags {
  std::optional<RunFlags> flags;  ///< nothing where there is a fault
  std::vector<Error> faults;      ///< all of them; `where` is empty, or a place in the config file
  /// The command line is wrong (exit 2), not the file it names (exit 1).
  bool usage = false;
  bool unreadable = false;  ///< the file cannot be read (exit 3)
};

/// `args` are those behind the command's name. Flags take their value as the
/// next argument or after `=`; what stands behind `--` is the server's command.
ParsedFlags parse_run_flags(Command command, std::span<const std::string_view> args, const Environment& environment);

}  // namespace callgate::config
