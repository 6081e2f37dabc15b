#pragma once

#include <cstddef>
#include <filesystem>
#include <string>

#include "base/error.hpp"
#include "config/file_stamp.hpp"

namespace callgate::config {

/// Who may write to a file that is read.
enum class Writers : std::uint8_t {
  anybody,
  owner_only,  ///< group or others may write: refused, since then they decide (policy-language section 7)
};

inline constexpr std::size_t max_text_bytes = std::size_t{4} << 20;

/// Reads a whole regular file. Errors: `not_found`, `unavailable` (not
/// readable, not a regular file), `too_large`, `refused` (writable by others).
Result<std::string> read_text(const std::filesystem::path& path, Writers writers = Writers::anybody,
                              std::size_t max_bytes = max_text_bytes);

/// The same of a file that others may be writing; `stamp`: of the version that was
/// read. Also `conflict`: it changed meanwhile.
Result<std::string> read_version(const std::filesystem::path& path, FileStamp& stamp, Writers writers = Writers::anybody,
                                 std::size_t max_bytes = max_text_bytes);

/// Writes a file whole or not at all: a new one beside it, synced, then renamed
/// into place. Mode 0600 where it is new, else as it was.
Result<void> write_text(const std::filesystem::path& path, std::string_view text);

/// The same where there is none yet. Also `conflict`: there is one, which stays as it is.
Result<void> write_new_text(const std::filesystem::path& path, std::string_view text);

}  // namespace callgate::config
