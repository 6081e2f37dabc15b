#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>

namespace callgate::config {

/// What tells two versions of a file apart, also when it was replaced by rename
/// or a symlink to it was swapped. All zero for a file that is not there.
struct FileStamp {
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  std::int64_t modified_ns = 0;
  std::int64_t changed_ns = 0;
  std::uint64_t size = 0;
  bool operator==(const FileStamp&) const = default;

  static FileStamp of(const std::filesystem::path& path);
  /// Written to less than `time` ago, by the machine's clock; what a rename does is not writing.
  bool is_younger_than(std::chrono::milliseconds time) const;
};

/// Tells when a file that others write is to be read anew: not while it is being
/// written. Whoever writes in place has its first half there for a moment, which
/// may be a valid text with fewer rules; so a changed file has to rest first. The
/// version in force stands meanwhile, however long that takes.
class FileWatch {
 public:
  using Instant = std::chrono::steady_clock::time_point;
  /// Read before and after the file is looked at: a process that stood still in between knows nothing of that time.
  using Clock = std::function<Instant()>;
  /// How long a changed file has to rest.
  static constexpr std::chrono::milliseconds rest{1500};
  /// The same for one that was whole before it got its name: a rename moves the
  /// time of the change alone. Another inode says nothing, since whoever removes a
  /// file and makes a new one writes that in place too.
  static constexpr std::chrono::milliseconds renamed_rest{500};
  /// For which it may change before that is worth a word.
  static constexpr std::chrono::seconds patience{10};

  enum class Found : std::uint8_t {
    unchanged,
    unsettled,
    restless,  ///< unsettled for long: told once
    settled,   ///< to be read now
  };

  FileWatch() = default;
  explicit FileWatch(const FileStamp& read) { taken(read); }
  Found look(const std::filesystem::path& path, const Clock& clock = std::chrono::steady_clock::now);
  /// The version with this stamp was read, whatever was found in it.
  void taken(const FileStamp& read);
  bool has_taken(const FileStamp& stamp) const { return stamp == read_; }
  /// Whether this is the version that the last look found. Another one came since, and has not rested.
  bool has_seen(const FileStamp& stamp) const { return stamp == seen_; }

 private:
  FileStamp read_;
  FileStamp seen_;         ///< at the last look
  Instant seen_since_{};
  Instant changing_since_{};
  bool renamed_ = false;  ///< `seen_` has been nothing else under this name
  bool changing_ = false;
  bool told_ = false;
};

}  // namespace callgate::config
