#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/log.hpp"
#include "base/metrics.hpp"
#include "config/file_stamp.hpp"
#include "policy/expect.hpp"
#include "policy/policy.hpp"
#include "policy/tool_list.hpp"

namespace callgate::gateway {

/// The policy files in force. A file that changed is taken up by `refresh`,
/// whole or not at all; a faulty one leaves the last good policy standing.
/// Threads: the loop's.
class Policies {
 public:
  /// What is known of the tools that a policy file is about; nothing where no
  /// list was read yet.
  using ToolsOf = std::function<std::optional<policy::ToolList>(const std::filesystem::path&)>;

  Policies(Log& log, Metrics& metrics);

  /// Holds every file that is read from now on against the tools it is about:
  /// two patterns that tie on one of them are a fault of the file.
  void hold_against(ToolsOf tools_of) { tools_of_ = std::move(tools_of); }

  enum class Young : std::uint8_t {
    as_it_is,
    waits,  ///< a file that somebody may still be writing is not read yet
  };
  /// Loads the file if it is not loaded yet. Errors: every fault of the file in
  /// one message, a line each; `conflict` where it is being written, or may be:
  /// to be asked again a moment later.
  Result<std::shared_ptr<const policy::Policy>> load(const std::filesystem::path& path, Young young = Young::as_it_is);
  /// The policy of a loaded file; null for one that is not, or never was good.
  std::shared_ptr<const policy::Policy> find(const std::filesystem::path& path) const;
  enum class Look : std::uint8_t {
    settled,  ///< files that are being written are left for later
    at_once,
  };
  /// Looks at every file; true if any policy is another one now. `whole`: the caller
  /// has just put this one in place itself, so it need not rest.
  bool refresh(Look look = Look::at_once, const std::filesystem::path& whole = {}, const config::FileWatch::Clock& clock = std::chrono::steady_clock::now);
  /// False: none of them hides anything, or ever did.
  bool hide_something() const { return hide_something_; }
  /// Files whose present text is refused, for health and metrics.
  std::size_t faulty() const;
  /// The tests of the file (`expect`) whose policy is in force.
  std::span<const policy::Expectation> expectations(const std::filesystem::path& path) const;
  /// Whether what is in force of a loaded file is the file as it was read last; false: that was refused.
  bool is_as_read(const std::filesystem::path& path) const;

 private:
  struct Entry {
    config::FileWatch watch;
    std::shared_ptr<const policy::Policy> policy;
    std::vector<policy::Expectation> expectations;  ///< of that policy
    std::string fault;
  };
  struct Version {
    config::FileStamp stamp;
    std::shared_ptr<const policy::Policy> policy;
    std::vector<policy::Expectation> expectations;
    std::string fault;
    bool torn = false;  ///< it was written to while it was read
  };
  Version read(const std::filesystem::path& path) const;
  void count(const Entry& entry);
  bool is_to_be_read(const std::filesystem::path& path, Entry& entry, Look look, const config::FileWatch::Clock& clock);

  Log& log_;
  Counter& refusals_;
  Gauge& refused_;
  ToolsOf tools_of_;
  std::map<std::filesystem::path, Entry> entries_;
  bool hide_something_ = false;
};

}  // namespace callgate::gateway
