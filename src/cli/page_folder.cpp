#include "cli/page_folder.hpp"

#include <fstream>
#include <iterator>

#include <fmt/format.h>

namespace callgate::cli {
namespace {

/// What a build wrote, one path a line.
constexpr std::string_view list_name = ".callgate-catalogue";

std::string bytes_of(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::unexpected<Error> unavailable(const std::filesystem::path& file, std::string_view what) {
  return fail(ErrorKind::unavailable, fmt::format("`{}` {}", file.string(), what));
}

/// Paths that a list may name: below the folder, never out of it.
bool is_inside(const std::filesystem::path& path) {
  if (path.empty() || path.is_absolute()) return false;
  for (const auto& part : path) {
    if (part == ".." || part == ".") return false;
  }
  return true;
}

}  // namespace

Result<PageFolder> PageFolder::open(std::filesystem::path folder) {
  std::error_code problem;
  std::filesystem::create_directories(folder, problem);
  if (problem) return unavailable(folder, "cannot be made: " + problem.message());
  PageFolder pages(std::move(folder));
  const auto list = pages.folder_ / list_name;
  const bool ours = std::filesystem::exists(list, problem);
  if (!ours && !std::filesystem::is_empty(pages.folder_, problem)) {
    return fail(ErrorKind::conflict, fmt::format("`{}` holds files that no catalogue put there: name an empty or a new folder", pages.folder_.string()));
  }
  std::string text = bytes_of(list);
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    const std::string path = text.substr(at, end - at);
    if (is_inside(path)) pages.before_.insert(path);
    at = end + 1;
  }
  return pages;
}

Result<void> PageFolder::put(const std::string& path, std::string_view bytes) {
  if (!is_inside(path)) return unavailable(path, "leads out of the folder");
  const auto file = folder_ / path;
  std::error_code problem;
  const auto size = std::filesystem::file_size(file, problem);
  if (!problem && size == bytes.size() && bytes_of(file) == bytes) return {};
  std::filesystem::create_directories(file.parent_path(), problem);
  auto beside = file;
  beside += ".new";
  {
    std::ofstream out(beside, std::ios::binary | std::ios::trunc);
    out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    out.close();
    if (!out) return unavailable(beside, "cannot be written");
  }
  std::filesystem::rename(beside, file, problem);
  if (problem) return unavailable(file, "cannot be written: " + problem.message());
  ++written_;
  return {};
}

void PageFolder::write(const std::string& path, std::string_view bytes) {
  now_.insert(path);
  if (fault_) fault_ = put(path, bytes);
}

Result<void> PageFolder::finish() {
  if (!fault_) return fault_;
  std::string list;
  for (const std::string& path : now_) list += path + "\n";
  // What is listed may be removed by the next build; so it is listed before anything is gone.
  const std::size_t written = written_;
  if (auto done = put(std::string(list_name), list); !done) return done;
  written_ = written;
  std::error_code problem;
  for (const std::string& path : before_) {
    if (now_.contains(path)) continue;
    if (std::filesystem::remove(folder_ / path, problem)) ++removed_;
    std::filesystem::remove((folder_ / path).parent_path(), problem);  // only where it is empty
  }
  return {};
}

}  // namespace callgate::cli
