#pragma once

#include <cstddef>
#include <filesystem>
#include <set>
#include <string>
#include <string_view>

#include "base/error.hpp"

namespace callgate::cli {

/// A folder of pages that is built again and again: what is the same is not
/// written, files appear whole by rename, and what an earlier build wrote and
/// this one did not is removed. Nothing else in the folder is touched.
class PageFolder {
 public:
  /// Makes the folder. Errors: `conflict` where it holds files and no build of
  /// ours made it, `unavailable`.
  static Result<PageFolder> open(std::filesystem::path folder);

  /// `path` is relative and leads nowhere else. The first error is kept for `finish`.
  void write(const std::string& path, std::string_view bytes);
  /// Removes what is gone and notes what is there. Errors: the first that came up.
  Result<void> finish();

  std::size_t written() const { return written_; }
  std::size_t removed() const { return removed_; }
  std::size_t files() const { return now_.size(); }

 private:
  explicit PageFolder(std::filesystem::path folder) : folder_(std::move(folder)) {}
  Result<void> put(const std::string& path, std::string_view bytes);

  std::filesystem::path folder_;
  std::set<std::string> before_;  ///< files of the last build
  std::set<std::string> now_;
  std::size_t written_ = 0;
  std::size_t removed_ = 0;
  Result<void> fault_;
};

}  // namespace callgate::cli
