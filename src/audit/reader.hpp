#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "audit/line.hpp"
#include "base/error.hpp"
#include "base/json.hpp"
#include "base/sha256.hpp"

/// Reading journals back. Every byte is untrusted: the files may have been
/// damaged or forged.
namespace callgate::audit {

/// One line of a segment, valid until the next one is read.
struct Line {
  std::string_view bytes;    ///< without the line feed
  std::uint64_t number = 0;  ///< from 1
  bool complete = true;      ///< false: the file ends before its line feed
  bool too_long = false;     ///< over `max_line`; `bytes` is its beginning
};

/// The lines of one file, read in pieces. Threads: one.
class LineReader {
 public:
  /// Errors: `not_found`, `unavailable`.
  static Result<LineReader> open(const std::string& path);
  /// Nothing at the end. A line that is too long is the last.
  Result<std::optional<Line>> next();

 private:
  class Descriptor {
   public:
    explicit Descriptor(int fd) : fd_(fd) {}
    Descriptor(Descriptor&& other) noexcept : fd_(other.fd_) { other.fd_ = -1; }
    Descriptor& operator=(Descriptor&&) = delete;
    ~Descriptor();
    int get() const { return fd_; }

   private:
    int fd_;
  };
  LineReader(Descriptor file, std::string path) : file_(std::move(file)), path_(std::move(path)) {}
  Result<bool> fill();

  Descriptor file_;
  std::string path_;
  std::string bytes_;
  std::size_t at_ = 0;       ///< start of the unread bytes
  std::uint64_t number_ = 0;
  bool ended_ = false;
};

/// What chains a line to its neighbours. Views lead into the line or the document.
struct Link {
  std::uint64_t seq = 0;
  std::string_view instance;
  std::string_view prev;
  std::string_view hash;
  std::string_view time;
};

/// Reads lines as the journal writes them. Threads: one.
class LinkReader {
 public:
  /// Reads a line and proves its own hash. The message of an error says what is
  /// wrong with it. `root()` then gives its members.
  Result<Link> read(std::string_view line);
  json::Value root() const { return document_.root(); }

 private:
  json::Document document_;
  Sha256 hash_;
};

/// The folders that hold segments: `path` itself, those in it, or those in its
/// `journal` folder; sorted by name.
Result<std::vector<std::string>> find_chains(const std::string& path);

/// The segment files of such a folder, in the order of the chain.
struct SegmentFile {
  std::uint64_t number = 0;
  std::string path;
};
Result<std::vector<SegmentFile>> find_segments(const std::string& folder);

/// The text of a member; empty where it is absent or no string.
std::string text_of(json::Value record, std::string_view key);
/// The whole number of a member; 0 where it is absent, negative or none.
std::uint64_t number_of(json::Value record, std::string_view key);

}  // namespace callgate::audit
