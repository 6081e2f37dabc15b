#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>

#include "base/error.hpp"
#include "store/answers.hpp"
#include "store/grants.hpp"
#include "store/meta.hpp"
#include "store/pins.hpp"
#include "store/servers.hpp"

namespace callgate::store {

/// What several processes share: `DATA/callgate.db` behind small interfaces.
/// Errors: `unavailable` while the file is locked, full, damaged or out of
/// reach, each with its remedy; then nothing was changed.
/// Threads: any; one call at a time inside. Calls take as long as the disk
/// (writes: a sync, and `busy`), so none stands on the path of a tool call.
class Store {
 public:
  /// Names a state of the contents; equal while nobody, in this process or
  /// another, has written.
  struct Version {
    std::int64_t others = -1;
    std::int64_t own = -1;
    bool operator==(const Version&) const = default;
    /// Whether somebody wrote since `earlier` who did not write through this store: before or after its own writes alike.
    bool others_wrote_since(const Version& earlier) const { return others != earlier.others; }
  };

  virtual ~Store() = default;
  virtual Servers& servers() = 0;
  virtual Grants& grants() = 0;
  virtual Pins& pins() = 0;
  virtual Answers& answers() = 0;
  virtual Meta& meta() = 0;
  /// A look at a counter in shared memory: cheap enough for every turn of a timer.
  virtual Result<Version> version() = 0;

  /// From now on a write waits so long for another process's before `unavailable`.
  virtual void wait_at_most(std::chrono::milliseconds busy) = 0;

  /// True when the contents may differ from those at `seen`, which then moves
  /// on to now. True the first time.
  Result<bool> changed(Version& seen);
};

struct OpenOptions {
  /// How long another process's write is waited for before `unavailable`.
  std::chrono::milliseconds busy{1000};
  std::int64_t now_ms = 0;  ///< noted beside the migrations
};

/// Opens `folder`/callgate.db, making the folder (0700) and the file (0600)
/// where they are missing. A folder that others may write to is refused.
Result<std::unique_ptr<Store>> open(const std::filesystem::path& folder, const OpenOptions& options = {});

/// A store that ends with the process: the twin for tests.
Result<std::unique_ptr<Store>> open_in_memory();

}  // namespace callgate::store
