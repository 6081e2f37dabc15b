// Removes the folder of a test.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <system_error>

namespace callgate {

/// Removes `folder` with all that is in it. A child process that was told to end writes as
/// long as it lives, so what came meanwhile is removed as well, for up to ten seconds.
/// Never throws: it is called by destructors.
inline void remove_folder(const std::filesystem::path& folder) noexcept {
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  std::error_code fault;
  do {
    std::filesystem::remove_all(folder, fault);
    if (!fault) return;
  } while (std::chrono::steady_clock::now() < until);
  ADD_FAILURE() << "cannot remove " << folder << ": " << fault.message();
}

}  // namespace callgate
