#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "base/metrics.hpp"
#include "config/config.hpp"
#include "gateway/parts.hpp"
#include "policy/expect.hpp"
#include "policy/policy.hpp"
#include "registry/tool_table.hpp"

namespace callgate::gateway {

/// The policy in force of one server, held against its own file and against the tools that the server lists. What does
/// not hold refuses nothing: it is told in the log once, and in the metrics as long as it is so. Threads: the loop's.
class PolicyTests {
 public:
  using Tables = std::vector<std::shared_ptr<const registry::ToolTable>>;

  /// Both outlive it.
  PolicyTests(const Parts& parts, const config::Server& server);
  PolicyTests(const PolicyTests&) = delete;
  PolicyTests& operator=(const PolicyTests&) = delete;
  ~PolicyTests();

  /// `listed`: of the eras that were read. `others`: what else the file's servers list, null where that was not read
  /// yet; a test may be about one of those.
  void look(std::shared_ptr<const policy::Policy> policy, Tables listed, Tables others);
  /// Sentences on the tests that do not hold, each with its place in the file.
  const std::vector<Error>& unmet() const { return unmet_; }

 private:
  bool may_be_unmet(const policy::Expectation& test, const registry::ToolTable& table) const;
  std::vector<Error> run() const;
  void tell() const;

  const Parts& parts_;
  const config::Server& server_;
  Gauge& policy_as_file_;
  Gauge& tests_unmet_;
  /// What the file's tests were run against last.
  struct Tested {
    std::shared_ptr<const policy::Policy> policy;
    Tables listed;
    Tables others;
    bool operator==(const Tested&) const = default;
  };
  Tested tested_;
  std::vector<Error> unmet_;
};

}  // namespace callgate::gateway
