#pragma once

#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "audit/journal.hpp"
#include "audit/memory_sink.hpp"
#include "base/clock.hpp"
#include "base/log.hpp"
#include "base/remove_folder.hpp"

namespace callgate::audit::test {

/// A folder that goes with the test.
class Folder {
 public:
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "callgate-audit-XXXXXX").string();
    path_ = ::mkdtemp(name.data());
  }
  ~Folder() {
    remove_folder(path_);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  std::string operator/(std::string_view name) const { return path_ + "/" + std::string(name); }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

inline std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}
inline void write_file(const std::string& path, std::string_view bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}
/// Puts what a disk in memory holds into `folder`, so that it can be verified.
inline void save(const MemoryDisk& disk, const std::string& folder) {
  std::filesystem::create_directories(folder);
  for (const auto& segment : disk.segments()) write_file(folder + "/" + segment.name, segment.bytes);
}

/// A journal on a disk in memory.
struct World {
  explicit World(JournalOptions options = {.instance = "one", .sync = Sync::none}) {
    journal = Journal::open(std::move(options), std::make_unique<MemorySink>(disk), clock, log).value();
  }

  CallRecord call(policy::Verdict verdict = policy::Verdict::allow) {
    static constexpr std::string_view keys[] = {"command", "key"};
    return {.id = journal->next_id(),
            .server = "valkey",
            .tool = "valkey_read",
            .method = "tools/call",
            .era = "2025-11-25",
            .verdict = verdict,
            .rule = "/tools/valkey_read",
            .policy = "sha256:abc",
            .arg_keys = keys};
  }
  /// Records one call and writes it.
  Ticket written(policy::Verdict verdict = policy::Verdict::allow) {
    Ticket ticket = journal->record(call(verdict));
    (void)journal->flush();
    return ticket;
  }
  std::vector<std::string> lines() const {
    std::vector<std::string> all;
    const std::string text = disk.text();
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t end = text.find('\n', at);
      all.push_back(text.substr(at, end - at));
      if (end == std::string::npos) break;
      at = end + 1;
    }
    return all;
  }

  FakeClock clock;
  MemoryLog log;
  MemoryDisk disk;
  std::unique_ptr<Journal> journal;
};

}  // namespace callgate::audit::test
